"""Errors say what, where, got, allowed and the next move, all of them at once."""

from __future__ import annotations

import pytest

from afterbay.core import errors
from afterbay.core.errors import (
    AfterbayError,
    InvalidInputError,
    MissingExtraError,
    NotFoundError,
    OutOfRangeError,
    Problem,
    Problems,
)

PROBLEM = Problem("bess_efficiency", "87", "a fraction 0..1", "did you mean 0.87?")


def test_a_problem_prints_as_one_sentence() -> None:
    assert str(PROBLEM) == "bess_efficiency: got 87, allowed: a fraction 0..1 -> did you mean 0.87?"
    assert str(Problem("step", "0", "> 0")) == "step: got 0, allowed: > 0"


def test_a_problem_gives_its_parts_by_name() -> None:
    assert Problem(**PROBLEM.to_dict()) == PROBLEM
    assert list(PROBLEM.to_dict()) == ["where", "got", "allowed", "next_move"]


def test_an_error_carries_and_prints_every_problem_in_order() -> None:
    problems = Problems()
    problems.add("one", 1.5, "2")
    problems.add("two", "text stays text", "3", "mend it")
    problems.extend([PROBLEM])

    with pytest.raises(InvalidInputError) as caught:
        problems.raise_if_any()

    assert [problem.where for problem in caught.value.problems] == ["one", "two", "bess_efficiency"]
    assert caught.value.problems == problems.found
    lines = str(caught.value).splitlines()
    assert lines == [
        "one: got 1.5, allowed: 2",
        "two: got text stays text, allowed: 3 -> mend it",
        str(PROBLEM),
    ]


def test_a_value_is_shown_as_python_shows_it() -> None:
    problems = Problems()
    problems.add("flag", None, "True or False")

    assert problems.found[0].got == "None"


def test_no_problem_raises_nothing() -> None:
    problems = Problems()

    problems.raise_if_any()

    assert not problems
    assert problems.found == ()


def test_one_problem_is_as_good_as_a_list_of_one() -> None:
    assert OutOfRangeError(PROBLEM).problems == OutOfRangeError([PROBLEM]).problems == (PROBLEM,)


def test_every_error_is_of_the_family() -> None:
    found = [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")]

    assert len(found) >= 9
    assert all(issubclass(error, AfterbayError) for error in found)


@pytest.mark.parametrize("bad_input", [OutOfRangeError, errors.UnknownTemplateError, errors.ProfileError])
def test_callers_may_catch_what_python_would_have_raised(bad_input: type[InvalidInputError]) -> None:
    assert issubclass(bad_input, ValueError)
    assert issubclass(bad_input, InvalidInputError)
    assert issubclass(NotFoundError, LookupError)
    assert issubclass(MissingExtraError, ImportError)


def test_a_missing_extra_says_how_to_get_it() -> None:
    error = MissingExtraError("pvlib", "solar", "clear-sky sun")

    assert error.extra == "solar"
    assert (
        str(error)
        == "clear-sky sun needs the package 'pvlib', which is not installed -> pip install \"afterbay[solar]\""
    )
