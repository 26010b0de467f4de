"""A dispatch template is data: seven rows over one kernel, and you may define an eighth.

Source: decision 12 of the specification; docs/concepts/dispatch-templates.md has the tables in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from afterbay.core.errors import InvalidInputError, Problem, UnknownTemplateError

__all__ = [
    "DISPATCH_TEMPLATES",
    "TRIGGERS_OFFERED",
    "Template",
    "get_template_info",
    "infer_template",
    "resolve_template",
]

Window = Literal["always", "night", "day", "not_blackout", "never"]
Trigger = Literal["none", "deficit", "soc_band"]
Order = Literal["battery_first", "if_dg_first", "generator_first"]
Emergency = Literal["none", "day", "night"]

_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "window": ("always", "night", "day", "not_blackout", "never"),
    "trigger": ("none", "deficit", "soc_band"),
    "order": ("battery_first", "if_dg_first", "generator_first"),
    "emergency": ("none", "day", "night"),
}


@dataclass(frozen=True, slots=True)
class Template:
    """A rule for the generator beside solar and battery.

    `window` says when it may run, `trigger` what starts it, `order` whether it serves the load before the
    battery, `emergency` where it may still run outside its window when the battery is nearly empty.
    """

    name: str
    window: Window
    trigger: Trigger
    order: Order = "battery_first"
    surplus_first: bool = False
    """Generator surplus charges the battery before solar does."""
    assists: bool = True
    """The battery helps when a running generator cannot carry the load alone."""
    emergency: Emergency = "none"
    """`day` or `night`: which flag `allow_emergency_dg_*` opens the hours outside the window."""
    number: int | None = None
    description: str = ""

    def __post_init__(self) -> None:
        problems = [
            Problem(f"template.{field}", repr(getattr(self, field)), " | ".join(choices), "choose one of these")
            for field, choices in _CHOICES.items()
            if getattr(self, field) not in choices
        ]
        if (self.window == "never") != (self.trigger == "none"):
            problems.append(
                Problem(
                    "template.window",
                    f"window={self.window!r} with trigger={self.trigger!r}",
                    "window 'never' goes with trigger 'none' and with no other",
                    "give the generator a window and a trigger, or neither",
                )
            )
        if self.trigger == "soc_band" and self.order != "generator_first":
            problems.append(
                Problem(
                    "template.order",
                    repr(self.order),
                    "generator_first, because a generator started by the state of charge runs to spare the battery",
                    "set order='generator_first'",
                )
            )
        if problems:
            raise InvalidInputError(problems)

    @property
    def label(self) -> str:
        """Short name for tables: `T1 Green priority`."""
        return self.name if self.number is None else f"T{self.number} {self.name}"


def _row(number: int, name: str, description: str, window: Window, trigger: Trigger, **rest: Any) -> Template:
    return Template(name=name, window=window, trigger=trigger, number=number, description=description, **rest)


_BAND: Final[dict[str, Any]] = {"order": "generator_first"}

DISPATCH_TEMPLATES: Final[Mapping[int, Template]] = MappingProxyType(
    {
        row.number: row
        for row in (
            _row(0, "Solar + BESS only", "No generator at all.", "never", "none"),
            _row(
                1, "Green priority", "The generator is the last resort, at any hour.",
                "always", "deficit", order="if_dg_first",
            ),
            _row(
                2, "DG night charge", "By night the generator recharges the battery and carries the load.",
                "night", "soc_band", surplus_first=True, assists=False, emergency="day", **_BAND,
            ),
            _row(
                3, "DG blackout window", "The last resort, but never during the blackout hours.",
                "not_blackout", "deficit", order="if_dg_first",
            ),
            _row(
                4, "DG emergency only", "The state of charge starts and stops the generator, at any hour.",
                "always", "soc_band", **_BAND,
            ),
            _row(
                5, "DG day charge", "The state of charge starts it, by day only; the night is silent.",
                "day", "soc_band", emergency="night", **_BAND,
            ),
            _row(
                6, "DG night SoC trigger", "The state of charge starts it, by night only; the day is green.",
                "night", "soc_band", emergency="day", **_BAND,
            ),
        )
        if row.number is not None
    }
)  # fmt: skip
"""The seven templates of the sizing plan, T0 to T6."""


def resolve_template(template: int | Template) -> Template:
    """Return the template with this id, or the template itself.

    Raises:
        UnknownTemplateError: If there is none; nothing runs as T0 by accident.
    """
    if isinstance(template, Template):
        return template
    if isinstance(template, int) and not isinstance(template, bool) and template in DISPATCH_TEMPLATES:
        return DISPATCH_TEMPLATES[template]
    raise UnknownTemplateError(
        Problem("template_id", repr(template), "0..6 or a Template", "see DISPATCH_TEMPLATES for the rows")
    )


def get_template_info(template: int | Template) -> dict[str, Any]:
    """Return what a template does, in words and as data, for display.

    Raises:
        UnknownTemplateError: If there is no such template.
    """
    row = resolve_template(template)
    return {
        "id": row.number,
        "name": row.name,
        "label": row.label,
        "description": row.description,
        "window": row.window,
        "trigger": row.trigger,
        "order": row.order,
        "surplus_charges_first": row.surplus_first,
        "battery_assists": row.assists,
        "emergency": row.emergency,
        "merit_order": _merit_order(row),
    }


def _merit_order(row: Template) -> list[str]:
    if row.trigger == "none":
        return ["solar", "battery", "unserved"]
    if row.order == "generator_first":
        battery = ["battery"] if row.assists else []
        return ["solar", "generator (when started)", *battery, "unserved"]
    if row.order == "if_dg_first":
        return ["solar", "battery (or generator, with dg_first)", "generator (or battery)", "unserved"]
    return ["solar", "battery", "generator", "unserved"]


TRIGGERS_OFFERED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "anytime": ("reactive", "soc_based"),
        "day_only": ("soc_based",),
        "night_only": ("proactive", "soc_based"),
        "custom_blackout": ("reactive",),
    }
)
"""Which triggers each timing offers; the others have no template of their own."""


def infer_template(dg_enabled: bool, dg_timing: str = "anytime", dg_trigger: str = "reactive") -> int:
    """Return the template id (0..6) that three answers in plain words imply.

    Args:
        dg_enabled: Is there a generator?
        dg_timing: When may it run: `anytime`, `day_only`, `night_only`, `custom_blackout`.
        dg_trigger: What starts it: `reactive`, `soc_based`, `proactive`.

    Returns:
        The template id. An unknown timing falls back to T1, as the reference cases require; a project
        file with one is refused before it comes here.

    Source: specification of sizing, section 4.
    """
    if not dg_enabled:
        return 0
    if dg_timing == "anytime":
        return 1 if dg_trigger == "reactive" else 4
    if dg_timing == "night_only":
        return 2 if dg_trigger == "proactive" else 6
    return {"day_only": 5, "custom_blackout": 3}.get(dg_timing, 1)
