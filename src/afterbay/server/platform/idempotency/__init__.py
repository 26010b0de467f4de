"""The same request twice is one: answers kept by idempotency key."""
