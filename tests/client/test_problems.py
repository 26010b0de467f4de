"""Answers that are no success: what the user reads."""

from __future__ import annotations

import pytest

from afterbay.client.problems import error_of
from afterbay.core.errors import AfterbayError, NotAllowedError, NotFoundError

WHERE = "GET http://127.0.0.1:8000/x"


def test_a_token_that_is_over_is_not_told_to_send_a_header() -> None:
    document = {
        "title": "Unauthorized",
        "code": "unauthorized",
        "detail": "sign in first, or send `Authorization: ...`",
    }

    error = error_of(401, document, "", WHERE)

    assert type(error) is NotAllowedError
    assert "the token is wrong or over" in str(error)
    assert "afterbay login" in str(error)
    assert "Authorization" not in str(error)


def test_a_reason_with_its_own_next_move_is_left_as_it_is() -> None:
    document = {"title": "Forbidden", "detail": "bob may not -> ask an administrator"}

    assert str(error_of(403, document, "", WHERE)) == "bob may not -> ask an administrator"


@pytest.mark.parametrize("document", [None, {"title": "Not Found", "detail": "Not Found"}])
def test_an_address_where_nothing_is_says_which_and_asks_whether_it_is_right(document: dict[str, str] | None) -> None:
    error = error_of(404, document, "<html>", WHERE)

    assert type(error) is NotFoundError
    assert WHERE in str(error)
    assert "address of an afterbay?" in str(error)


def test_a_thing_that_is_not_there_keeps_the_servers_words() -> None:
    assert str(error_of(404, {"title": "Not Found", "detail": "there is no run 7"}, "", WHERE)) == "there is no run 7"


@pytest.mark.parametrize("text", ["<!DOCTYPE HTML>\n<html><body>Error 501", "<html>no"])
def test_the_page_of_another_program_is_not_poured_into_the_terminal(text: str) -> None:
    error = error_of(501, None, text, WHERE)

    assert type(error) is AfterbayError
    assert "501: a web page" in str(error)
    assert "<" not in str(error)


def test_a_defect_of_the_server_names_the_request_in_its_log() -> None:
    error = error_of(500, {"title": "x", "detail": "an unexpected error", "request_id": "r-7"}, "", WHERE)

    assert "an unexpected error -> its administrator finds request r-7 in the log" in str(error)
