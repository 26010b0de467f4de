"""The `afterbay` command. Data goes to stdout, everything else to stderr; see `afterbay --help`."""

try:
    from afterbay.cli.app import app, main
except KeyboardInterrupt:
    # Ctrl-C before the command could look for it: no trace then either.
    raise SystemExit(130) from None

__all__ = ["app", "main"]
