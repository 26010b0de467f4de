"""Checks of the repository that no linter makes: host names in locks, absolute paths, long files, big files."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MOST_LINES = 400
MOST_BYTES = 1_000_000
# Patterns are put together so that this file does not match itself.
_NAMES = ("py" + "pi", "python" + "hosted", "npm" + "js", "registry" + r"\.")
_HOSTS = re.compile(r"https?://[^\s\"']*(?:" + "|".join(_NAMES) + ")")
_HOME = re.compile(r"(?<![\w.])/(?:" + "|".join(("home", "ro" + "ot", "wo" + "rk", "Users")) + r")/[\w.-]+")


def _files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    return [ROOT / name for name in listed if (ROOT / name).is_file()]


def _problems(path: Path) -> Iterator[str]:
    name = path.relative_to(ROOT).as_posix()
    content = path.read_bytes()
    if len(content) > MOST_BYTES:
        yield f"{name}: {len(content):,} bytes, at most {MOST_BYTES:,} -> generate it or take it from a package"
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return
    if name.endswith(".lock") and "://" in text:
        yield f"{name}: names a host -> renew it with `make lock`"
    if _HOSTS.search(text):
        yield f"{name}: names a package registry -> drop the address"
    for number, line in enumerate(text.splitlines(), 1):
        if _HOME.search(line):
            yield f"{name}:{number}: an absolute path of one machine -> make it relative"
    if path.suffix == ".py" and (lines := text.count("\n")) > MOST_LINES:
        yield f"{name}: {lines} lines, at most {MOST_LINES} -> split it where its subject splits"


def main() -> int:
    """Print every problem; return 1 if there is one."""
    found = [problem for path in _files() for problem in _problems(path)]
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
