"""Commands about users: problems in the words of the command line."""

from __future__ import annotations

import pytest

from afterbay.cli.user import command_words
from afterbay.core.errors import InvalidInputError, Problem


@pytest.mark.parametrize(
    ("where", "told"), [("/email", "EMAIL"), ("/role", "ROLE"), ("/scopes", "--scope"), ("/days", "--days"), ("x", "x")]
)
def test_a_field_of_a_request_is_told_as_the_word_it_came_from(where: str, told: str) -> None:
    with pytest.raises(InvalidInputError) as refused, command_words():
        raise InvalidInputError(Problem(where, "bad", "good"))

    assert refused.value.problems == (Problem(told, "bad", "good"),)


def test_the_word_itself_can_be_named_and_nothing_is_called_nothing() -> None:
    with pytest.raises(InvalidInputError) as refused, command_words("--grant sizing"):
        raise InvalidInputError(Problem("/role", "", "one of admin, engineer, viewer"))

    (problem,) = refused.value.problems
    assert (problem.where, problem.got) == ("--grant sizing", "nothing")
