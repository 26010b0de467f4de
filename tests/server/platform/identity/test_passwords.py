from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from server_identity import CHEAP, PASSWORD

from afterbay.core.errors import InvalidInputError
from afterbay.server.platform.identity.service.passwords import Passwords

PASSWORDS = Passwords(shortest=12, hasher=CHEAP)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "12 characters"),
        ("short one", "12 characters"),
        ("x" * 257, "at most 256"),
        ("abababababab", "different characters"),
        ("Password1234!", "tried first"),
        ("Afterbay2026!", "tried first"),
        ("abcdefghijklmnop", "tried first"),
        ("ponmlkjihgfedcba", "tried first"),
        ("lovelace2026", "who you are"),
        ("ada@example.org1", "who you are"),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused_without_repeating_it(password: str, why: str) -> None:
    personal = ("ada@example.org", "Ada Lovelace")
    with pytest.raises(InvalidInputError, match=why) as caught:
        PASSWORDS.check(password, personal=personal)

    assert not password or password not in str(caught.value)


@pytest.mark.parametrize(
    "password", [PASSWORD, "Grüße aus dem Süden", "aA1!" * 2 + "bB2?xyz", "四つの青いポンプが夜明けに回る"]
)
def test_a_good_password_is_taken_whatever_its_signs(password: str) -> None:
    PASSWORDS.check(password, personal=("ada@example.org", "Ada Lovelace"))


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidInputError) as caught:
        PASSWORDS.check("aaa")

    assert len(caught.value.problems) == 3


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
def test_a_hash_is_of_its_own_password_only(one: str, other: str) -> None:
    stored = PASSWORDS.hash(one)

    assert PASSWORDS.verify(one, stored) == (True, None)
    assert stored.startswith("$argon2id$")
    assert PASSWORDS.verify(one + "x", stored) == (False, None)
    assert PASSWORDS.hash(one) != stored
    assert PASSWORDS.verify(one, None) == (False, None)


def test_a_password_from_another_keyboard_is_the_same_password() -> None:
    assert PASSWORDS.verify("cafe\u0301 au lait", PASSWORDS.hash("caf\u00e9 au lait"))[0]


def test_nobody_signs_in_with_the_password_of_nobody() -> None:
    assert PASSWORDS.verify("nobody has this password", None) == (False, None)


def test_by_default_a_hash_costs_as_much_as_the_authors_of_argon2_recommend() -> None:
    parameters = Passwords(shortest=12).hash(PASSWORD).split("$")[3]

    assert parameters == "m=65536,t=3,p=4"
