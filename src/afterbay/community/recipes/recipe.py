"""How a profile was made: source, parameters and seed, and the digest that tells two recipes apart."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from afterbay.core.errors import InvalidInputError, Problem

__all__ = ["Recipe"]


@dataclass(frozen=True, slots=True, init=False)
class Recipe:
    """Everything that is needed to make a profile again; it holds text, so nothing in it can change."""

    source: str
    """Name of the builder, such as `household` or `file`."""
    text: str
    """The parameters as canonical JSON: sorted names, no spaces, no NaN."""
    seed: int | None
    """Seed of the random part; None where nothing is random."""

    def __init__(self, source: str, parameters: Mapping[str, Any], seed: int | None = None) -> None:
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
            raise InvalidInputError(Problem("seed", repr(seed), "a whole number >= 0", "give one, or None"))
        object.__setattr__(self, "source", source)
        object.__setattr__(self, "text", _canonical(_plain(dict(parameters), source)))
        object.__setattr__(self, "seed", seed)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters by name, as a copy of your own."""
        return dict(json.loads(self.text))

    @property
    def digest(self) -> str:
        """SHA-256 of source, parameters and seed, as hexadecimal text."""
        return hashlib.sha256(_canonical(self.to_dict()).encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"source": self.source, "parameters": self.parameters, "seed": self.seed}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Recipe:
        """Read what `to_dict` wrote.

        Raises:
            InvalidInputError: If a part is missing or of another kind.
        """
        source, parameters, seed = data.get("source"), data.get("parameters"), data.get("seed")
        if not isinstance(source, str) or not isinstance(parameters, Mapping):
            allowed = "source (text), parameters (an object) and seed (a whole number or null)"
            raise InvalidInputError(Problem("recipe", ", ".join(map(str, data)) or "nothing", allowed))
        return cls(source, parameters, seed)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _plain(value: Any, where: str) -> Any:
    """Turn a parameter into what JSON knows, or say which one cannot be kept."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(part, f"{where}.{name}") for name, part in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist(), where)
    if isinstance(value, (list, tuple)):
        return [_plain(part, where) for part in value]
    if isinstance(value, np.generic):
        return _plain(value.item(), where)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise InvalidInputError(Problem(where, repr(value), "finite numbers, text, lists and names", "correct it"))
