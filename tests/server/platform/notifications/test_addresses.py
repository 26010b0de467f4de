"""A webhook reaches the outside, and the inside only where the operator says so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterbay.core.errors import InvalidInputError
from afterbay.server.platform.notifications.addresses import check_webhook, resolve_webhook


def _lookup(*addresses: str) -> object:
    def lookup(_host: str, _port: object, *, type: object) -> list[tuple[object, ...]]:  # noqa: A002
        assert type is not None
        return [(0, 0, 0, "", (address, 0)) for address in addresses]

    return lookup


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x", "https://[::1]/x", "https://10.1.2.3/x", "https://192.168.0.1", "https://172.16.0.9/",
        "https://169.254.169.254/latest/meta-data", "https://0.0.0.0/", "https://[fd00::1]/", "https://[::ffff:10.0.0.1]/",
        "http://example.org/x", "ftp://example.org/x", "https://localhost/x", "https://db.internal/x", "https://printer/x",
        "https://user:pw@example.org/x", "https://example.org:0/", "https://example.org:99999/", "https:///x", "file:///etc",
        "https://exa mple.org/",
        "https://example.org/\n", "", "https://ex\u00e4mple.org/", "https://example.org/" + "x" * 500,
    ],
)  # fmt: skip
def test_an_address_inside_or_without_sense_is_refused(url: str) -> None:
    with pytest.raises(InvalidInputError, match="target"):
        check_webhook(url)


@pytest.mark.parametrize("url", ["https://example.org", "https://example.org:8443/hook?a=b", "https://1.1.1.1/x"])
def test_a_public_address_is_taken(url: str) -> None:
    check_webhook(url)


def test_a_host_that_the_operator_names_is_taken_also_inside() -> None:
    check_webhook("http://hooks.internal:9000/x", ("hooks.internal",))
    assert resolve_webhook("http://127.0.0.1:9/x", ("127.0.0.1",)) == "127.0.0.1"


@given(
    st.ip_addresses(network="10.0.0.0/8")
    | st.ip_addresses(network="127.0.0.0/8")
    | st.ip_addresses(network="fe80::/10")
)
def test_a_public_name_with_an_address_inside_is_refused(address: object) -> None:
    with pytest.raises(InvalidInputError, match="public addresses"):
        resolve_webhook("https://example.org/x", lookup=_lookup("93.184.216.34", str(address)))  # type: ignore[arg-type]


def test_the_address_that_was_checked_is_the_one_to_call() -> None:
    assert resolve_webhook("https://example.org/x", lookup=_lookup("93.184.216.34")) == "93.184.216.34"  # type: ignore[arg-type]
