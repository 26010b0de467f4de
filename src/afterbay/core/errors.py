"""The errors of afterbay, as one family.

```
AfterbayError
├── InvalidInputError        something you gave cannot be used; carries every problem found
│   ├── OutOfRangeError      one number is outside its range
│   ├── UnknownTemplateError no dispatch template has this id
│   └── ProfileError         a profile file cannot be read as it is; carries its import report
├── NotFoundError            what you named does not exist
├── MissingExtraError        an optional package is not installed
├── NotAllowedError          you are not signed in, or may not do this
├── QuotaError               you used up what you may
│   └── TooLargeError        one thing is larger than you may bring
├── ConflictError            somebody else is at it, or holds what you ask for
├── UnavailableError         another system does not answer, or not in time
├── CancelledError           the caller asked to stop
└── PhysicsError             a result breaks a law of physics: a defect of ours
```

A problem says what is wrong, where, what was got, what is allowed and the next move.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "AfterbayError",
    "CancelledError",
    "ConflictError",
    "InvalidInputError",
    "MissingExtraError",
    "NotAllowedError",
    "NotFoundError",
    "OutOfRangeError",
    "PhysicsError",
    "Problem",
    "Problems",
    "ProfileError",
    "QuotaError",
    "TooLargeError",
    "UnavailableError",
    "UnknownTemplateError",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input, in the parts a person needs to mend it."""

    where: str
    """The field, file or row, in the user's own words (`setup_config.bess_efficiency`)."""
    got: str
    """What was found there."""
    allowed: str
    """What may stand there."""
    next_move: str = ""
    """What to do about it."""

    def __str__(self) -> str:
        move = f" -> {self.next_move}" if self.next_move else ""
        return f"{self.where}: got {self.got}, allowed: {self.allowed}{move}"

    def to_dict(self) -> dict[str, str]:
        """Return the parts by name, for machine-readable output."""
        return {
            "where": self.where,
            "got": self.got,
            "allowed": self.allowed,
            "next_move": self.next_move,
        }


class AfterbayError(Exception):
    """Base of every error that afterbay raises on purpose."""


class InvalidInputError(AfterbayError, ValueError):
    """Input that cannot be used; `problems` holds every one that was found."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class OutOfRangeError(InvalidInputError):
    """A number outside its range."""


class UnknownTemplateError(InvalidInputError):
    """A dispatch template that does not exist."""


class ProfileError(InvalidInputError):
    """A profile file that cannot be read as it stands."""


class NotFoundError(AfterbayError, LookupError):
    """Something that was named does not exist."""


class MissingExtraError(AfterbayError, ImportError):
    """An optional package is needed and not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        self.extra = extra
        super().__init__(
            f'{purpose} needs the package {package!r}, which is not installed -> pip install "afterbay[{extra}]"'
        )


class NotAllowedError(AfterbayError):
    """The other side does not know who is asking, or does not let them."""


class QuotaError(AfterbayError):
    """What somebody may use is used up; `retry_after_s` says when there is more [s], None: not by waiting."""

    def __init__(self, message: str, *, retry_after_s: int | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class TooLargeError(QuotaError):
    """One file or body is larger than somebody may bring."""


class ConflictError(AfterbayError):
    """Somebody else is doing this already, or holds what is asked for."""


class UnavailableError(AfterbayError):
    """Another system does not answer, or not in time."""


class CancelledError(AfterbayError):
    """The caller asked to stop before the work was done."""


class PhysicsError(AfterbayError):
    """A result breaks a balance or a bound; please report it with its input."""


class Problems:
    """Collects problems, so that a user sees all of them at once."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, where: str, got: object, allowed: str, next_move: str = "") -> None:
        """Note one problem; `got` is shown as Python shows it unless it is text already."""
        shown = got if isinstance(got, str) else repr(got)
        self._found.append(Problem(where, shown, allowed, next_move))

    def extend(self, problems: Iterable[Problem]) -> None:
        """Note several problems."""
        self._found.extend(problems)

    def raise_if_any(self) -> None:
        """Raise `InvalidInputError` with all problems, if there are any."""
        if self._found:
            raise InvalidInputError(self._found)

    @property
    def found(self) -> tuple[Problem, ...]:
        """The problems noted so far, in order."""
        return tuple(self._found)
