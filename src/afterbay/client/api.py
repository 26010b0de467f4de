"""The sizing module of a server, for notebooks and for the command: the sizing plan's `BESSAPIClient`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from afterbay.client.account import Account
from afterbay.client.connection import DEFAULT_PLATFORM_URL, Connection
from afterbay.client.frames import comparison_frame
from afterbay.client.login import resolve
from afterbay.client.naming import find_named
from afterbay.client.profiles import Profiles
from afterbay.client.rest import SIZING, Rest
from afterbay.client.runs import Run, sizes
from afterbay.client.sharing import Comments, Shares, Versions
from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SECTIONS", "BESSAPIClient"]

_LONGEST_S: Final = 60.0
SECTIONS: Final = ("setup", "rules", "sizing", "financial")
"""Steps of a project; stored as `setup_config` and so on."""


class BESSAPIClient:
    """Projects, profiles and runs on a server. Documents are the API's own; percent, MW, MWh, h.

    Close it, or use it in a `with` block. Threads may share it.

    Attributes:
        profiles: Years of load and sun.
        shares: Who may open a project.
        comments: What is said about a project, and what happened to it.
        versions: Its answers as they were.
        account: Who is signed in, their jobs and messages.
    """

    def __init__(
        self, url: str | None = None, token: str | None = None, *, connection: Connection | None = None
    ) -> None:
        """Get ready; nothing is sent yet.

        Args:
            url: Address of the server; None: `AFTERBAY_URL`, else that of `afterbay login`, else this machine.
            token: None: `AFTERBAY_TOKEN`, else that of `afterbay login` at this address.
            connection: Used in place of both.

        Raises:
            InvalidInputError: If the address cannot be used, or would carry the token in the clear.
            MissingExtraError: If httpx2 is not installed.
        """
        if connection is None:
            found, secret = resolve(url, token)
            connection = Connection(found, secret, timeout_s=_LONGEST_S, default=DEFAULT_PLATFORM_URL)
        self.connection = connection
        self._rest = Rest(connection)
        self.profiles = Profiles(self._rest)
        self.shares = Shares(self._rest)
        self.comments = Comments(self._rest)
        self.versions = Versions(self._rest)
        self.account = Account(self._rest)

    def __repr__(self) -> str:
        return f"BESSAPIClient({self.connection.url})"

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
        return self.account.me()

    # Projects

    def list_projects(self, **filters: Any) -> list[dict[str, Any]]:
        """Return all projects that you may open, the last changed first.

        Args:
            filters: `whose` (mine, shared, all), `status`, `tag`, `q` (part of the name), `deleted`, `sort`.
        """
        return [*self._rest.pages(f"{SIZING}/projects", filters)]

    def create_project(self, name: str, **fields: Any) -> dict[str, Any]:
        """Make a project.

        Args:
            name: Its name.
            fields: `description`, `customer_reference`, `tags`, `load_profile_id`, `solar_profile_id`, and sections
                such as `setup_config`.
        """
        return self._rest.post(f"{SIZING}/projects", {"name": name, **fields})

    def get_project(self, project_id: str) -> dict[str, Any]:
        """Return a project with its four sections."""
        return self._rest.read(_at(project_id))

    def find_project(self, name_or_id: str) -> dict[str, Any]:
        """Return a project by its id, its name, or the beginning of either.

        Raises:
            NotFoundError: If there is none.
            InvalidInputError: If there is more than one.
        """
        found = find_named(
            name_or_id, "project", self.list_projects(), lambda one: str(one["id"]), lambda one: str(one["name"])
        )
        return self.get_project(found["id"])

    def update_project(self, project_id: str, **fields: Any) -> dict[str, Any]:
        """Change name, description, whole sections or other fields; refused if it changed since you read it.

        Raises:
            ConflictError: If somebody changed it meanwhile: read it again.
        """
        return self._change("PUT", project_id, "", fields)

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
            ConflictError: If somebody changed the project meanwhile: read it again.
        """
        if section not in SECTIONS:
            raise InvalidInputError(Problem("section", section, ", ".join(SECTIONS)))
        return self._change("PUT", project_id, f"/{section}", dict(config))

    def set_status(self, project_id: str, status: str) -> dict[str, Any]:
        """Move a project on: draft, in_progress, completed, archived."""
        return self._change("PUT", project_id, "/status", {"status": status})

    def set_tags(self, project_id: str, tags: Sequence[str]) -> dict[str, Any]:
        """Set the tags of a project, in place of those it has."""
        return self._change("PUT", project_id, "/tags", {"tags": [*tags]})

    def delete_project(self, project_id: str) -> None:
        """Delete a project; it can be restored for 30 days."""
        self._rest.delete(_at(project_id), of=project_id, at=_at(project_id))

    def restore_project(self, project_id: str) -> dict[str, Any]:
        """Bring a deleted project back."""
        return self._rest.post(f"{_at(project_id)}/restore")

    def clone_project(self, project_id: str, name: str | None = None) -> dict[str, Any]:
        """Copy a project into one of your own."""
        return self._rest.post(f"{_at(project_id)}/clone", {"name": name} if name else {})

    def import_project(self, document: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
        """Make a project of a project file's document, as `afterbay size run` takes it.

        Args:
            document: What stands in the file.
            fields: In place of or beside it: `name`, `load_profile_id`, `solar_profile_id`, `tags`.

        Returns:
            The `project`, and `notes` on what of the file did not come along.
        """
        return self._rest.post(f"{SIZING}/projects/import", {**document, **fields})

    def project_config(self, project_id: str, *, everything: bool = False) -> dict[str, Any]:
        """Return a project as a project file's document; `everything` adds finance and ageing."""
        return dict(self._rest.get(f"{_at(project_id)}/config", everything=everything))

    def validate_project(self, project_id: str) -> dict[str, Any]:
        """Return everything that is wrong with a project, all at once, and what a run would do."""
        return dict(self._rest.get(f"{_at(project_id)}/validate"))

    # Profiles, by the names that the sizing plan uses

    def list_profiles(self, **filters: Any) -> list[dict[str, Any]]:
        """Return your profiles, without their values."""
        return self.profiles.all(**filters)

    def upload_profile(self, path: str | Path, profile_type: str, **options: Any) -> dict[str, Any]:
        """Bring a file of a load or a sun; see `Profiles.upload`."""
        return self.profiles.upload(path, profile_type, **options)

    def build_profile(self, **recipe: Any) -> dict[str, Any]:
        """Make a profile of a recipe; see `Profiles.build`."""
        return self.profiles.build(**recipe)

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
        return Run(self._rest, self._rest.post(f"{_at(project_id)}/simulate", body, key=key))

    def run(self, simulation_id: str) -> Run:
        """Return a run that was started earlier."""
        return Run(self._rest, dict(self._rest.get(f"{SIZING}/simulations/{simulation_id}")))

    def list_runs(self, project_id: str, **filters: Any) -> list[dict[str, Any]]:
        """Return the runs of a project, newest first."""
        return [*self._rest.pages(f"{_at(project_id)}/simulations", filters)]

    def quick_analysis(
        self, project_id: str, *, config_override: Mapping[str, Any] | None = None, **options: Any
    ) -> dict[str, Any]:
        """Simulate one size at once; nothing is kept. Options as for `simulate`."""
        body = {"options": sizes(options), "config_override": dict(config_override or {})}
        return self._rest.post(f"{_at(project_id)}/quick-analysis", body)

    def compare(self, chosen: Sequence[tuple[Run | str, int | None]]) -> pd.DataFrame:
        """Put options of one or several runs side by side: a row for each metric, and which option is best.

        Args:
            chosen: Pairs of a run (or its id) and the option's index; None: the recommended one.
        """
        body = {"options": [{"simulation_id": run if isinstance(run, str) else run.id, "index": index}
                            for run, index in chosen]}  # fmt: skip
        return comparison_frame(self._rest.post(f"{SIZING}/results/compare", body))

    def _change(self, method: str, project_id: str, part: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._rest.change(method, f"{_at(project_id)}{part}", dict(body), of=project_id, at=_at(project_id))


def _at(project_id: str) -> str:
    return f"{SIZING}/projects/{project_id}"
