"""The sizing module of a server, for notebooks and for the command: the sizing plan's `BESSAPIClient`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from afterbay.client.connection import DEFAULT_PLATFORM_URL, Connection
from afterbay.client.runs import Run, sizes
from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BESSAPIClient"]

_SIZING: Final = "/api/v1/bess-sizing"
_PROFILES: Final = "/api/v1/profiles"
_LONGEST_S: Final = 60.0
SECTIONS: Final = ("setup", "rules", "sizing", "financial")


class BESSAPIClient:
    """Projects, profiles and runs on a server. Documents are the API's own; percent, MW, MWh, h.

    Close it, or use it in a `with` block. Threads may share it.
    """

    def __init__(
        self, url: str | None = None, token: str | None = None, *, connection: Connection | None = None
    ) -> None:
        """Get ready; nothing is sent yet.

        Args:
            url: Address of the server; None: `AFTERBAY_URL`, else this machine.
            token: None: `AFTERBAY_TOKEN`.
            connection: Used in place of both.

        Raises:
            InvalidInputError: If the address cannot be used, or would carry the token in the clear.
            MissingExtraError: If httpx2 is not installed.
        """
        self.connection = connection or Connection(url, token, timeout_s=_LONGEST_S, default=DEFAULT_PLATFORM_URL)
        self._etags: dict[str, str] = {}

    def __enter__(self) -> BESSAPIClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the sockets back."""
        self.connection.close()

    def me(self) -> dict[str, Any]:
        """Return who is signed in, and what they may do."""
        return dict(self.connection.get("/api/v1/auth/me"))

    # Projects

    def list_projects(self, **filters: Any) -> list[dict[str, Any]]:
        """Return all projects that you may open.

        Args:
            filters: `status`, `tag`, `q` (part of the name), `sort`, as the API takes them.
        """
        return list(self._pages(f"{_SIZING}/projects", filters))

    def create_project(self, name: str, **fields: Any) -> dict[str, Any]:
        """Make a project.

        Args:
            name: Its name.
            fields: `description`, `customer_reference`, `tags`, and sections such as `setup_config`.
        """
        return self._post(f"{_SIZING}/projects", {"name": name, **fields})

    def get_project(self, project_id: str) -> dict[str, Any]:
        """Return a project with its four sections."""
        return self._read(f"{_SIZING}/projects/{project_id}")

    def find_project(self, name_or_id: str) -> dict[str, Any]:
        """Return a project by its id, its name, or the only one whose name begins so.

        Raises:
            InvalidInputError: If there is none, or more than one.
        """
        projects = self.list_projects()
        exact = [one for one in projects if name_or_id in (one["id"], one["name"])]
        found = exact or [one for one in projects if one["name"].lower().startswith(name_or_id.lower())]
        if len(found) != 1:
            names = ", ".join(repr(one["name"]) for one in (found or projects)[:8]) or "there is no project yet"
            got = "more than one project" if found else "no project"
            raise InvalidInputError(Problem(repr(name_or_id), got, names, "give a name in full, or an id"))
        return self.get_project(found[0]["id"])

    def update_project(self, project_id: str, **fields: Any) -> dict[str, Any]:
        """Change name, description or other fields of a project; refused if it changed since you read it."""
        return self._change("PUT", f"{_SIZING}/projects/{project_id}", fields, project_id)

    def update_project_setup(self, project_id: str, config: Mapping[str, Any]) -> dict[str, Any]:
        """Save step 1: load, sun, battery, generator."""
        return self.update_section(project_id, "setup", config)

    def update_project_rules(self, project_id: str, config: Mapping[str, Any]) -> dict[str, Any]:
        """Save step 2: when the generator may run."""
        return self.update_section(project_id, "rules", config)

    def update_project_sizing(self, project_id: str, config: Mapping[str, Any]) -> dict[str, Any]:
        """Save step 3: ranges of sizes and the goal."""
        return self.update_section(project_id, "sizing", config)

    def update_project_financial(self, project_id: str, config: Mapping[str, Any]) -> dict[str, Any]:
        """Save costs, prices, finance and ageing."""
        return self.update_section(project_id, "financial", config)

    def update_section(self, project_id: str, section: str, config: Mapping[str, Any]) -> dict[str, Any]:
        """Save one of the sections `setup`, `rules`, `sizing`, `financial`.

        Raises:
            InvalidInputError: If there is no such section, or with every problem of the config.
        """
        if section not in SECTIONS:
            raise InvalidInputError(Problem("section", section, ", ".join(SECTIONS)))
        return self._change("PUT", f"{_SIZING}/projects/{project_id}/{section}", dict(config), project_id)

    def delete_project(self, project_id: str) -> None:
        """Delete a project; it can be restored for 30 days."""
        self.connection.ask("DELETE", f"{_SIZING}/projects/{project_id}", headers=self._if_match(project_id))

    def restore_project(self, project_id: str) -> dict[str, Any]:
        """Bring a deleted project back."""
        return self._post(f"{_SIZING}/projects/{project_id}/restore", {})

    def clone_project(self, project_id: str, name: str | None = None) -> dict[str, Any]:
        """Copy a project."""
        return self._post(f"{_SIZING}/projects/{project_id}/clone", {"name": name} if name else {})

    def import_project(self, document: Mapping[str, Any], name: str | None = None) -> dict[str, Any]:
        """Make a project of a project file's document, as `afterbay size run` takes it."""
        body = {"config": dict(document), **({"name": name} if name else {})}
        return self._post(f"{_SIZING}/projects/import", body)

    def project_config(self, project_id: str) -> dict[str, Any]:
        """Return a project as a project file's document."""
        return dict(self.connection.get(f"{_SIZING}/projects/{project_id}/config"))

    def validate_project(self, project_id: str) -> dict[str, Any]:
        """Return everything that is wrong with a project, all at once."""
        return dict(self.connection.get(f"{_SIZING}/projects/{project_id}/validate"))

    # Profiles

    def list_profiles(self, **filters: Any) -> list[dict[str, Any]]:
        """Return your profiles, without their values."""
        return list(self._pages(_PROFILES, filters))

    def upload_profile(self, path: str | Path, profile_type: str, **options: Any) -> dict[str, Any]:
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
            raise InvalidInputError(
                Problem(str(path), error.strerror or "no file", "a file that can be read")
            ) from None
        form = {"profile_type": profile_type, **{name: str(value) for name, value in options.items()}}
        document, _ = self.connection.ask(
            "POST", _PROFILES, headers=_once(), files={"file": (path.name, content)}, data=form
        )
        return dict(document)

    def build_profile(self, **recipe: Any) -> dict[str, Any]:
        """Make a profile of a recipe, as the API's `POST /profiles/build` takes it."""
        return self._post(f"{_PROFILES}/build", recipe)

    # Runs

    def simulate(
        self,
        project_id: str,
        simulation_type: str = "optimization",
        *,
        name: str | None = None,
        config_override: Mapping[str, Any] | None = None,
        key: str | None = None,
        **options: Any,
    ) -> Run:
        """Start a run.

        Args:
            project_id: Of the project.
            simulation_type: `single`, `optimization` or `multi_year`.
            name: What to call it.
            config_override: Answers in place of the project's.
            key: Idempotency key: the same key is the same run; None: a new one.
            options: `capacity` [MWh], `duration` [h], `dg_capacity` [MW], `solar_capacity` [MW], `years` [a].
        """
        body = {"simulation_type": simulation_type, "config_override": dict(config_override or {}),
                "options": sizes(options), **({"name": name} if name else {})}  # fmt: skip
        document, _ = self.connection.ask(
            "POST", f"{_SIZING}/projects/{project_id}/simulate", body=body, headers=_once(key)
        )
        return Run(self.connection, dict(document))

    def run(self, simulation_id: str) -> Run:
        """Return a run that was started earlier."""
        return Run(self.connection, dict(self.connection.get(f"{_SIZING}/simulations/{simulation_id}")))

    def list_runs(self, project_id: str, **filters: Any) -> list[dict[str, Any]]:
        """Return the runs of a project, newest first."""
        return list(self._pages(f"{_SIZING}/projects/{project_id}/simulations", filters))

    def quick_analysis(
        self, project_id: str, *, config_override: Mapping[str, Any] | None = None, **options: Any
    ) -> dict[str, Any]:
        """Simulate one size at once; nothing is kept. Options as for `simulate`."""
        body = {"options": sizes(options), "config_override": dict(config_override or {})}
        return self._post(f"{_SIZING}/projects/{project_id}/quick-analysis", body)

    def compare(self, chosen: Sequence[tuple[Run | str, int]]) -> pd.DataFrame:
        """Put options of one or several runs side by side: a row for each, metrics as columns.

        Args:
            chosen: Pairs of a run (or its id) and the option's index.
        """
        import pandas as pd

        body = {"options": [{"simulation_id": run if isinstance(run, str) else run.id, "index": index}
                            for run, index in chosen]}  # fmt: skip
        found = self._post(f"{_SIZING}/results/compare", body)
        return pd.json_normalize(found["options"]).rename(columns=lambda name: name.removeprefix("metrics."))

    def _pages(self, path: str, filters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            page = self.connection.get(path, **{"limit": 200, **filters, "cursor": cursor})
            yield from page["items"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def _read(self, path: str) -> dict[str, Any]:
        document, headers = self.connection.ask("GET", path)
        return self._noted(document, headers)

    def _post(self, path: str, body: Any) -> dict[str, Any]:
        document, headers = self.connection.ask("POST", path, body=body, headers=_once())
        return self._noted(document, headers)

    def _change(self, method: str, path: str, body: Any, project_id: str) -> dict[str, Any]:
        document, headers = self.connection.ask(method, path, body=body, headers=self._if_match(project_id))
        return self._noted(document, headers)

    def _noted(self, document: Any, headers: Mapping[str, str]) -> dict[str, Any]:
        """Remember which version of a project was seen last: a change of another one is refused."""
        if isinstance(document, dict) and "id" in document and headers.get("etag"):
            self._etags[str(document["id"])] = headers["etag"]
        return dict(document)

    def _if_match(self, project_id: str) -> dict[str, str]:
        if project_id not in self._etags:
            self.get_project(project_id)
        known = self._etags.get(project_id)
        return {"If-Match": known} if known else {}


def _once(key: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": key or str(uuid4())}
