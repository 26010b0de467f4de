"""Services that every module uses: identity, audit, notifications, jobs, storage, modules."""
