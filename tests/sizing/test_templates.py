from __future__ import annotations

from typing import Any

import pytest

from afterbay.core.errors import InvalidInputError, UnknownTemplateError
from afterbay.sizing import DISPATCH_TEMPLATES, Template, get_template_info, infer_template
from afterbay.sizing.templates import resolve_template


def test_there_are_seven_templates_with_the_names_of_the_plan() -> None:
    names = [DISPATCH_TEMPLATES[number].name for number in range(7)]

    assert list(DISPATCH_TEMPLATES) == list(range(7))
    assert names[1] == "Green priority"
    assert get_template_info(4)["label"] == "T4 DG emergency only"


@pytest.mark.parametrize("number", [7, 9, -1, "T1", None, 1.0, True])
def test_an_unknown_template_is_refused(number: Any) -> None:
    with pytest.raises(UnknownTemplateError, match=r"0\.\.6"):
        resolve_template(number)


@pytest.mark.parametrize(
    "fields",
    [
        {"window": "sometimes", "trigger": "deficit"},
        {"window": "always", "trigger": "none"},
        {"window": "never", "trigger": "deficit"},
        {"window": "always", "trigger": "soc_band", "order": "battery_first"},
        {"window": "day", "trigger": "deficit", "emergency": "dusk"},
    ],
)
def test_a_template_that_contradicts_itself_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        Template(name="mine", **fields)


@pytest.mark.parametrize(
    ("answers", "number"),
    [
        ((False, "anytime", "reactive"), 0),
        ((True, "anytime", "reactive"), 1),
        ((True, "night_only", "proactive"), 2),
        ((True, "custom_blackout", "reactive"), 3),
        ((True, "anytime", "soc_based"), 4),
        ((True, "day_only", "soc_based"), 5),
        ((True, "night_only", "soc_based"), 6),
    ],
)
def test_three_answers_in_plain_words_choose_the_template(answers: tuple[bool, str, str], number: int) -> None:
    assert infer_template(*answers) == number
