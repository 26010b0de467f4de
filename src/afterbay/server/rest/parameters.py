"""Parameters of an address that nobody reads are refused: a filter with a slip of the pen would show everything."""

from difflib import get_close_matches
from typing import Final

from fastapi import Request
from fastapi.dependencies.utils import get_flat_params

from afterbay.core.errors import InvalidInputError, Problem

__all__ = ["refuse_unknown_parameters", "strict_parameters"]

_MOST: Final = 20
_SECRET: Final = ("token", "key", "password", "secret", "session", "auth", "cookie")


async def strict_parameters(request: Request) -> None:
    """Let unknown parameters of a router's routes be refused; goes into its `dependencies=`.

    The refusal comes after the sign-in: who is not signed in hears of that alone. Routes that nobody signs in for
    take what they get, as an identity provider adds what it likes.
    """
    request.state.strict_parameters = True


def refuse_unknown_parameters(request: Request) -> None:
    """Refuse a request with parameters that its route does not know, where the route is strict.

    Raises:
        InvalidInputError: With every such parameter.
    """
    if not request.query_params or not getattr(request.state, "strict_parameters", False):
        return
    known = sorted({field.alias for field in get_flat_params(request.scope["route"].dependant) if _is_query(field)})
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        raise InvalidInputError([_problem(name, request.query_params[name], known) for name in unknown[:_MOST]])


def _is_query(field: object) -> bool:
    place = getattr(getattr(field, "field_info", None), "in_", None)
    return getattr(place, "value", None) == "query"


def _problem(name: str, value: str, known: list[str]) -> Problem:
    near = get_close_matches(name[:100], known, n=1)
    move = f"did you mean {near[0]}?" if near else "leave it out"
    allowed = f"one of the parameters {', '.join(known)}" if known else "no parameter here"
    hidden = any(word in name.lower() for word in _SECRET)
    return Problem(f"/{name[:100]}", "a value that is not shown" if hidden else repr(value[:100]), allowed, move)
