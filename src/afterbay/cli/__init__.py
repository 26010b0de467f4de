"""The `afterbay` command. Data goes to stdout, everything else to stderr; see `afterbay --help`."""

from afterbay.cli.app import app, main

__all__ = ["app", "main"]
