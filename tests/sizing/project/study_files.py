"""Small projects written to a folder, and what is wrong with one in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from afterbay.core.errors import InvalidInputError
from afterbay.sizing.project import load_project

__all__ = ["DAYS", "SUN", "problems_of", "write"]

DAYS = 2
SUN = [0.0] * 8 + [30.0] * 8 + [0.0] * 8


def write(folder: Path, name: str = "project.yaml", **changes: Any) -> Path:
    """Write a small valid project, with some keys of its sections changed; None takes a key away."""
    folder.mkdir(exist_ok=True)
    (folder / "sun.csv").write_text("solar_mw\n" + "".join(f"{value}\n" for value in SUN * DAYS))
    content: dict[str, Any] = {
        "setup_config": {"load_mw": 10.0, "solar_file": "sun.csv", "solar_import": {"dt_h": 1}},
        "rules_config": {},
        "sizing_config": {"optimization_goal": {}},
    }
    for section, keys in changes.items():
        if isinstance(keys, dict):
            content.setdefault(section, {}).update(keys)
        else:
            content[section] = keys
    file = folder / name
    file.write_text(json.dumps(content) if name.endswith(".json") else yaml.safe_dump(content, sort_keys=False))
    return file


def problems_of(file: Path, **overrides: Any) -> list[str]:
    with pytest.raises(InvalidInputError) as caught:
        load_project(file, overrides)
    return [str(problem) for problem in caught.value.problems]
