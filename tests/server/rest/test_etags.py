import pytest

from afterbay.server.rest.etags import (
    PreconditionFailedError,
    PreconditionNeededError,
    check_if_match,
    etag,
    is_unchanged,
    need_if_match,
)


@pytest.mark.parametrize("given", [None, "*", '"7"', '"6", "7"', ' "7" '])
def test_a_change_of_todays_version_passes(given: str | None) -> None:
    check_if_match(given, etag(7))


@pytest.mark.parametrize("given", ['"6"', 'W/"7"', "7", "", '"77"'])
def test_a_change_of_another_version_is_refused_with_what_to_do(given: str) -> None:
    with pytest.raises(PreconditionFailedError, match="get it again") as refused:
        check_if_match(given, etag(7))

    assert refused.value.status == 412


def test_where_a_version_is_needed_none_is_refused() -> None:
    with pytest.raises(PreconditionNeededError):
        need_if_match(None, etag(7))
    with pytest.raises(PreconditionFailedError):
        need_if_match('"6"', etag(7))
    need_if_match('"7"', etag(7))


def test_a_reader_with_todays_version_is_told_so_also_through_a_cache() -> None:
    assert is_unchanged('"7"', etag(7))
    assert is_unchanged('W/"7"', etag(7))
    assert not is_unchanged('"6"', etag(7))
    assert not is_unchanged(None, etag(7))
