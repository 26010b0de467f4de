"""Write the Python code of `agent.proto`, which is committed beside it.

Run without arguments after a change of the .proto file, with `--check` to fail when the committed code differs.
The code is made from `src`, so that it imports itself by its full name and registers under its full path.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
PROTO = Path("afterbay/fleet/wire/agent.proto")
MADE = ("agent_pb2.py", "agent_pb2.pyi", "agent_pb2_grpc.py")


def generate(target: Path) -> None:
    """Write the generated modules below `target`, in the folder of their package."""
    well_known = files("grpc_tools") / "_proto"
    arguments = [f"-I{SOURCE}", f"-I{well_known}", f"--python_out={target}", f"--pyi_out={target}"]
    if protoc.main(["protoc", *arguments, f"--grpc_python_out={target}", str(PROTO)]) != 0:
        raise SystemExit(f"{PROTO} cannot be compiled")


def differing() -> list[str]:
    """Return the committed modules that are not what the .proto file makes."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        return [name for name in MADE if _text(SOURCE, name) != _text(Path(folder), name)]


def main() -> int:
    """Write the modules, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the committed code, write nothing")
    if not parser.parse_args().check:
        generate(SOURCE)
        return 0
    stale = differing()
    for name in stale:
        print(f"{PROTO.parent / name} is not what {PROTO.name} makes -> python tools/generate_proto.py")
    return 1 if stale else 0


def _text(root: Path, name: str) -> str:
    path = root / PROTO.parent / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
