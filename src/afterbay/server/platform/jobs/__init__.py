"""Work that takes longer than a request: queued with the change that asks for it, run by a worker, never lost."""
