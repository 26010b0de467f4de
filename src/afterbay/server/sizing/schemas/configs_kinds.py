"""The kinds of answers: numbers with their unit, and the bounds and defaults that the library knows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from afterbay.core.errors import Problem, Problems
from afterbay.sizing.project.document import Document
from afterbay.sizing.project.keys import SECTIONS, read_section

__all__ = [
    "CHECKED", "Degrees", "Fuel", "Hour", "Hours", "Mw", "Mwh", "Percent", "Plain", "Section", "UsdPerMw", "UsdPerMwh",
    "measured", "refuse_first",
]  # fmt: skip


def measured(unit: str, **bounds: float) -> Any:
    """Return what makes a number strict and finite, with its unit in OpenAPI and bounds such as `ge`."""
    limits: dict[str, Any] = dict(bounds)
    return Field(strict=True, allow_inf_nan=False, json_schema_extra={"unit": unit}, **limits)


Plain = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Mw = Annotated[float, measured("MW")]
Mwh = Annotated[float, measured("MWh")]
Percent = Annotated[float, measured("%")]
Degrees = Annotated[float, measured("degrees")]
Hours = Annotated[float, measured("h")]
Hour = Annotated[int, Field(strict=True, json_schema_extra={"unit": "h"})]
"""An hour of the day."""
Fuel = Annotated[float, measured("L/kWh")]
UsdPerMw = Annotated[float, measured("USD/MW")]
UsdPerMwh = Annotated[float, measured("USD/MWh")]

CHECKED: Final = ConfigDict(extra="forbid", strict=True, regex_engine="rust-regex")


def refuse_first(problems: tuple[Problem, ...]) -> None:
    """Raise the first problem for pydantic, which adds where it stands and goes on with the next field."""
    for problem in problems:
        text = f"got {problem.got}, allowed: {problem.allowed}"
        raise PydanticCustomError("value", "{text}", {"text": text, "hint": problem.next_move})


def _with_bounds(schema: dict[str, Any], model: type[Section]) -> None:
    """Write the library's bounds into the schema, so that they stand in one place only; and an example."""
    if vars(model).get("example"):
        schema["examples"] = [model.example]
    for name, rule in SECTIONS[model.section].items():
        found = schema.get("properties", {}).get(name)
        if found is None:
            continue
        target = found["items"] if rule.kind == "numbers" and "items" in found else found
        for option in found.get("anyOf", ()):
            if rule.kind == "numbers" and option.get("type") == "array":
                target = option["items"]
        if rule.least is not None:
            target["minimum"] = rule.least
        if rule.above is not None:
            target["exclusiveMinimum"] = max(rule.above, rule.looks_like_fraction)
        if rule.kind in ("number", "percent", "numbers", "whole"):
            target["maximum"] = rule.most if rule.most is not None else 1e15


class Section(BaseModel):
    """One section of a project: types by pydantic, bounds by the library, all problems at once."""

    model_config = ConfigDict(**CHECKED, json_schema_extra=_with_bounds)
    section: ClassVar[str]
    """Name of the section in a project file."""
    example: ClassVar[dict[str, Any]] = {}
    """Answers that can be sent as they stand."""

    @field_validator("*", mode="after")
    @classmethod
    def _as_the_library_says(cls, value: Any, info: ValidationInfo) -> Any:
        name = str(info.field_name)
        if name in SECTIONS[cls.section] and SECTIONS[cls.section][name].kind not in ("windows", "mapping"):
            problems = Problems()
            read_section(cls.section, Document(Path(), {cls.section: {name: value}}), problems)
            refuse_first(problems.found)
        return value
