#!/opt/afterbay/bin/python
"""Health of a container: asks the server or the headend in it; a worker or an agent has none and is fine."""

from __future__ import annotations

import ssl
import sys
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

PLACES = {"serve": "8000/healthz", "headend": "3001/health"}


def main() -> int:
    """Return 0 if what runs here answers."""
    words = Path("/proc/1/cmdline").read_bytes().decode(errors="replace").split("\0")
    place = next((PLACES[word] for word in words if word in PLACES), None)
    if place is None:
        return 0
    unverified = ssl._create_unverified_context()  # noqa: S323, SLF001 - our own port, on loopback
    for scheme in ("http", "https"):
        try:
            with urlopen(f"{scheme}://127.0.0.1:{place}", timeout=4, context=unverified) as answer:  # noqa: S310
                return 0 if answer.status == 200 else 1
        except HTTPError:
            return 1
        except (URLError, OSError):
            continue
    return 1


if __name__ == "__main__":
    sys.exit(main())
