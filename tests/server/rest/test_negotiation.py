from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterbay.server.rest.negotiation import (
    MEDIA_TYPES,
    MediaTypeError,
    NotAcceptableError,
    check_media_type,
    wanted,
)

ALL = ("json", "csv", "parquet", "arrow")


@pytest.mark.parametrize(
    ("accept", "format_"),
    [
        (None, "json"), ("", "json"), ("*/*", "json"), ("text/csv", "csv"), ("TEXT/CSV", "csv"), ("text/*", "csv"),
        ("application/vnd.apache.parquet", "parquet"), ("application/json;q=0.1, text/csv", "csv"),
        ("text/csv;q=0.5, application/vnd.apache.arrow.stream;q=0.9", "arrow"), ("*/*;q=0.1, text/csv;q=0", "json"),
        ("text/csv; charset=utf-8", "csv"), ("nonsense, text/csv", "csv"), ("text/html, */*;q=0.8", "json"),
        ("application/*;q=0.2, application/vnd.apache.parquet", "parquet"),
    ],
)  # fmt: skip
def test_the_best_acceptable_format_is_answered(accept: str | None, format_: str) -> None:
    assert wanted(accept, ALL) == format_


@pytest.mark.parametrize("accept", ["text/html", "*/*;q=0", "text/csv;q=0", "nonsense", "text/csv;q=nan, x/y"])
def test_nothing_acceptable_is_406_and_says_what_there_is(accept: str) -> None:
    with pytest.raises(NotAcceptableError, match="application/json") as refused:
        wanted(accept, ("json", "csv"))

    assert refused.value.status == 406


@given(st.text(max_size=60))
def test_no_header_makes_it_fall(accept: str) -> None:
    with suppress(NotAcceptableError):
        assert wanted(accept, ALL) in MEDIA_TYPES


def test_a_body_of_another_type_is_415() -> None:
    assert check_media_type("Text/CSV; charset=utf-8", ["text/csv"]) == "text/csv"
    for wrong in (None, "", "application/pdf"):
        with pytest.raises(MediaTypeError) as refused:
            check_media_type(wrong, ["text/csv"])
        assert refused.value.status == 415
