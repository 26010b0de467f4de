"""The committed code is what the .proto file makes."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest


def the_tool() -> ModuleType:
    path = Path(__file__).resolve().parents[3] / "tools" / "generate_proto.py"
    spec = spec_from_file_location("generate_proto_tool", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_code_is_what_the_proto_file_makes() -> None:
    assert the_tool().differing() == []


def test_a_stale_file_is_named_and_fails_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tool = the_tool()
    folder = tmp_path / tool.PROTO.parent
    folder.mkdir(parents=True)
    (folder / tool.PROTO.name).write_text((tool.SOURCE / tool.PROTO).read_text() + "message Later { int32 x = 1; }\n")
    for name in tool.MADE:
        (folder / name).write_text((tool.SOURCE / tool.PROTO.parent / name).read_text())
    monkeypatch.setattr(tool, "SOURCE", tmp_path)
    monkeypatch.setattr(sys, "argv", ["generate_proto.py", "--check"])

    assert tool.main() == 1
    assert "agent_pb2.py is not what agent.proto makes" in capsys.readouterr().out
