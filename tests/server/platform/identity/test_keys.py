from __future__ import annotations

import base64
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from server_identity import START

from afterbay.core.errors import InvalidInputError
from afterbay.server.platform.identity.service import SigningKeys, open_keys, rotate_keys

KEYS = SigningKeys(("first key of the tests, long enough",))


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "keys"

    first, second = open_keys(path), open_keys(path)

    assert first == second
    assert len(first.secrets[0]) >= 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["keys"]


def test_processes_that_start_together_agree_on_the_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: open_keys(tmp_path / "keys").secrets, range(16)))

    assert len(found) == 1


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    open_keys(path)
    path.chmod(0o640)

    with pytest.raises(InvalidInputError, match="chmod 600"):
        open_keys(path)


@pytest.mark.parametrize("content", [b"", b"short\n", b"\xff\xfe"])
def test_a_file_without_keys_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(InvalidInputError):
        open_keys(path)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="path and permissions"):
        open_keys(tmp_path)


def test_keys_of_the_operator_win_and_must_be_long(tmp_path: Path) -> None:
    given_keys = ("a" * 32, "b" * 40)

    assert open_keys(tmp_path / "keys", given_keys).secrets == given_keys
    assert not (tmp_path / "keys").exists()
    with pytest.raises(InvalidInputError, match="key 2") as caught:
        open_keys(tmp_path / "keys", ("a" * 32, "too short"))
    assert "too short" not in str(caught.value)


def test_after_a_rotation_old_tokens_are_read_and_new_ones_are_signed_by_the_new_key(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    before = open_keys(path)
    old = before.sign("access", {"sub": "ada"}, now=START, life_s=600)

    after = rotate_keys(path)
    new = after.sign("access", {"sub": "bob"}, now=START, life_s=600)

    assert after.read("access", old, now=START) is not None
    assert after.read("access", new, now=START) is not None
    assert before.read("access", new, now=START) is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_more_than_three_keys_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys"

    found = [rotate_keys(path).secrets for _ in range(5)]

    assert [len(one) for one in found] == [1, 2, 3, 3, 3]
    assert found[-1][1:] == found[-2][:2]


def test_a_token_for_one_purpose_is_none_for_another() -> None:
    token = KEYS.sign("oidc", {"sub": "ada"}, now=START, life_s=600)

    assert KEYS.read("oidc", token, now=START) is not None
    assert KEYS.read("access", token, now=START) is None


@given(st.integers(1, 10**6), st.integers(-10, 10**6), st.integers(0, 1000))
def test_a_token_is_read_exactly_during_its_life_and_the_grace_that_is_given(life: int, after: int, grace: int) -> None:
    token = KEYS.sign("access", {"sub": "ada"}, now=START, life_s=life)

    found = KEYS.read("access", token, now=START + timedelta(seconds=after), grace=timedelta(seconds=grace))

    assert (found is not None) == (after < life + grace)


@given(st.integers(0, 400), st.sampled_from("abcdefgh01234567-_."))
def test_a_token_with_any_sign_changed_is_not_ours(place: int, sign: str) -> None:
    token = KEYS.sign("access", {"sub": "ada"}, now=START, life_s=600)
    place %= len(token)
    # The last sign of a part carries bits that nobody reads; it may change without changing the bytes.
    last = place + 1 == len(token) or token[place + 1] == "."
    changed = token[:place] + sign + token[place + 1 :]

    if changed != token and not last:
        assert KEYS.read("access", changed, now=START) is None


@pytest.mark.parametrize("algorithm", ["none", "HS512", "RS256"])
def test_a_token_that_names_another_algorithm_is_not_ours(algorithm: str) -> None:
    token = KEYS.sign("access", {"sub": "ada"}, now=START, life_s=600)
    head, body, mac = token.split(".")
    words = json.loads(base64.urlsafe_b64decode(head + "=="))
    forged = base64.urlsafe_b64encode(json.dumps({**words, "alg": algorithm}).encode()).decode().rstrip("=")

    assert KEYS.read("access", f"{forged}.{body}.{'' if algorithm == 'none' else mac}", now=START) is None


@given(st.text(max_size=200))
def test_whatever_is_no_token_is_no_error(text: str) -> None:
    assert KEYS.read("access", text, now=START) is None
