"""Passwords: which are good enough, how they are kept, and checking one in a time that tells nothing."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from afterbay.core.errors import Problems

if TYPE_CHECKING:
    from pwdlib import PasswordHash

__all__ = ["Passwords"]

_LONGEST: Final = 256
_FEWEST_DIFFERENT: Final = 5
_SHORTEST_PART: Final = 4
# What people add to such a word (digits, signs, a capital) does not make it harder to guess.
_GUESSED: Final = """
    password passwort passw0rd p@ssword p@ssw0rd passphrase qwerty qwertz qwertyuiop qwertzuiop asdfghjkl letmein
    welcome willkommen changeme changeit administrator admin superuser superadmin default secret geheim login master
    iloveyou dragon monkey sunshine football baseball princess afterbay battery batterystorage energystorage
    correcthorsebatterystaple abcdefghijkl test testtest guest
"""


class Passwords:
    """Hashes with argon2id; a hash made with other costs is renewed when its password is next seen."""

    def __init__(self, *, shortest: int, hasher: PasswordHash | None = None) -> None:
        """Remember the rules.

        Args:
            shortest: Fewest characters of a password.
            hasher: How hashes are made; default: argon2id at the costs its authors recommend.
        """
        if hasher is None:
            from pwdlib import PasswordHash

            hasher = PasswordHash.recommended()
        self._hasher = hasher
        self._shortest = shortest
        # Checked for accounts that do not exist, so that an answer takes as long as for one that does.
        self._nobody = hasher.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """Return what is stored of a password."""
        return self._hasher.hash(_normal(password))

    def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Tell whether a password is the stored one, and give a new hash where the stored one is out of date.

        Args:
            password: As it was typed.
            stored: The hash of the account; None: there is no account, or it has no password.
        """
        right, renewed = self._hasher.verify_and_update(
            _normal(password), self._nobody if stored is None else stored
        )  # fmt: skip
        return (True, renewed) if right and stored is not None else (False, None)

    def check(self, password: str, *, personal: tuple[str, ...] = (), where: str = "/password") -> None:
        """Refuse a password that is easily guessed.

        Args:
            password: As it was typed.
            personal: Words that others know of the person: address, name.
            where: What the answer calls it.

        Raises:
            InvalidInputError: With everything that is wrong; the password is not repeated.
        """
        problems = Problems()
        text = _normal(password)
        hidden = f"a password of {len(text)} characters"
        if len(text) < self._shortest:
            problems.add(where, hidden, f"{self._shortest} characters or more", "three or four words make a good one")
        if len(text) > _LONGEST:
            problems.add(where, hidden, f"at most {_LONGEST} characters")
        if len(set(text)) < _FEWEST_DIFFERENT:
            problems.add(
                where, "the same few characters again and again", f"{_FEWEST_DIFFERENT} different characters or more"
            )
        bare = re.sub(r"[^a-z@]", "", text.casefold())
        if bare in _GUESSED.split() or _is_row(text):
            problems.add(where, "one of the passwords that are tried first", "one that nobody would guess")
        for word in _parts(personal):
            if word in text.casefold() and len(text) - len(word) < self._shortest - _SHORTEST_PART:
                problems.add(where, "your name or address with little more", "one that does not tell who you are")
                break
        problems.raise_if_any()


def _normal(password: str) -> str:
    # The same password from two keyboards may come composed or decomposed.
    return unicodedata.normalize("NFKC", password)


def _is_row(text: str) -> bool:
    steps = {ord(second) - ord(first) for first, second in pairwise(text)}
    return len(text) > 1 and len(steps) == 1 and steps <= {-1, 0, 1}


def _parts(personal: tuple[str, ...]) -> list[str]:
    words = [word for text in personal for word in (text, *re.split(r"[\s@._+-]+", text))]
    return sorted({word.casefold() for word in words if len(word) >= _SHORTEST_PART}, key=len, reverse=True)
