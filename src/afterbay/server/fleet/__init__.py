"""The fleet on the server: its REST, and the database that the headend itself does not know.

`afterbay headend` mounts the router at the root; the platform mounts it under `/api/v1/fleet`. Without a database
nothing here imports SQLAlchemy.
"""
