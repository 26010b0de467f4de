"""`python -m afterbay` is the command `afterbay`."""

from afterbay.cli import main

if __name__ == "__main__":
    main()
