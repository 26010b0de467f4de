"""Profiles on a server: years of load and of sun."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from afterbay.client.rest import PROFILES
from afterbay.core.errors import InvalidInputError, Problem
from afterbay.core.output_file import write_whole

if TYPE_CHECKING:
    from afterbay.client.rest import Rest

__all__ = ["Profiles"]


class Profiles:
    """Your profiles, and those that the program makes for everybody."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def all(self, **filters: Any) -> list[dict[str, Any]]:
        """Return your profiles without their values, newest first.

        Args:
            filters: `profile_type`, `source`, `q` (part of the name), `sort`, as the API takes them.
        """
        return [*self._rest.pages(PROFILES, filters)]

    def library(self) -> list[dict[str, Any]]:
        """Return the series that the program makes for everybody; their ids work wherever a profile's does."""
        return [*self._rest.get(f"{PROFILES}/library")]

    def get(self, profile_id: str) -> dict[str, Any]:
        """Return a profile without its values."""
        return self._rest.read(f"{PROFILES}/{profile_id}")

    def upload(self, path: str | Path, profile_type: str, **options: Any) -> dict[str, Any]:
        """Bring a file of a load or a sun; what was found and changed is in `import_report`.

        Args:
            path: CSV, CSV in gzip, or Parquet.
            profile_type: `solar` or `load`.
            options: `name`, `column`, `zone`, `unit`, `gaps` and others, as the API takes them.

        Raises:
            InvalidInputError: If the file cannot be read, here or there, with every problem.
        """
        path = Path(path)
        try:
            content = path.read_bytes()
        except OSError as error:
            why = error.strerror or "no file"
            raise InvalidInputError(Problem(str(path), why, "a file that can be read", "check the path")) from None
        form = {"profile_type": profile_type, **{name: str(value) for name, value in options.items()}}
        return self._rest.post(PROFILES, files={"file": (path.name, content)}, data=form)

    def build(self, **recipe: Any) -> dict[str, Any]:
        """Make a profile of a recipe: `kind` is load, standard_load, typical_year or clear_sky."""
        return self._rest.post(f"{PROFILES}/build", recipe)

    def statistics(self, profile_id: str) -> dict[str, Any]:
        """Return key figures: energy [MWh], peak [MW], the daily pattern, load or capacity factor."""
        return dict(self._rest.get(f"{PROFILES}/{profile_id}/statistics"))

    def preview(self, profile_id: str, kind: str = "day") -> dict[str, Any]:
        """Return aggregates to draw: a mean `day` or `week`, `month` sums, or days by hours (`carpet`)."""
        return dict(self._rest.get(f"{PROFILES}/{profile_id}/preview", kind=kind))

    def download(self, profile_id: str, path: str | Path) -> Path:
        """Write the values as CSV, or as Parquet if the path ends so.

        Raises:
            InvalidInputError: If the file cannot be written.
        """
        target = Path(path)
        form = "parquet" if target.suffix.lower() == ".parquet" else "csv"
        answer = self._rest.connection.send("GET", f"{PROFILES}/{profile_id}/download", params={"format": form})
        write_whole(target, answer.content)
        return target

    def rename(self, profile_id: str, name: str | None = None, description: str | None = None) -> dict[str, Any]:
        """Change name or description; values never change."""
        at = f"{PROFILES}/{profile_id}"
        words = {key: value for key, value in (("name", name), ("description", description)) if value is not None}
        return self._rest.change("PATCH", at, words, of=profile_id, at=at)

    def delete(self, profile_id: str) -> None:
        """Remove a profile; refused while a project uses it."""
        at = f"{PROFILES}/{profile_id}"
        self._rest.delete(at, of=profile_id, at=at)
