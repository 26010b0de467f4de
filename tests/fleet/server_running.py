"""`afterbay serve` as a process of its own on a free port, with people who are signed in; it is always ended."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

__all__ = ["PASSWORD", "Person", "RunningServer", "running_server", "write_block_sun_files"]

PASSWORD = "seven blue pumps at dawn"
_OURS = ("AFTERBAY_", "DATABASE_URL", "SECRET_KEY")
_CACHES = ("AFTERBAY_CACHE_DIR",)
_SCOPES = {"engineer": ("sizing:read", "sizing:write", "sizing:export"), "viewer": ("sizing:read",)}
_START_S = 180.0
"""Far beyond what it takes: on a machine that has other work a wait may be long, and ends with its claim."""
_END_S = 60.0


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in."""

    email: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What their requests carry."""
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server of its own."""

    url: str
    folder: Path
    admin: Person
    engineer: Person
    viewer: Person
    places: dict[str, Any]
    """What it said about itself."""

    def http(self, who: Person | None = None) -> httpx2.Client:
        """Return a way to ask, as somebody."""
        return httpx2.Client(base_url=self.url, headers=who.headers if who else {}, timeout=60.0, trust_env=False)


@contextmanager
def running_server() -> Iterator[RunningServer]:
    """Run `afterbay serve` with its own database and worker, and make an administrator, an engineer and a viewer."""
    # Not pytest's folder: its path is long, and the path of PostgreSQL's socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="afterbay-journey-"))
    environ = {name: value for name, value in os.environ.items() if name in _CACHES or not name.startswith(_OURS)}
    environ |= {"AFTERBAY_DATA_DIR": str(folder / "data"), "AFTERBAY_CONFIG_DIR": str(folder / "config")}
    out, err = folder / "out.json", folder / "err.txt"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "afterbay", "serve", "--port", "0", "--json"],
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=environ, cwd=folder,
        )  # fmt: skip
    try:
        places = _places(process, out, err)
        yield _with_people(folder, places)
    finally:
        _end(process)
        shutil.rmtree(folder, ignore_errors=True)


def _places(process: subprocess.Popen[bytes], out: Path, err: Path) -> dict[str, Any]:
    ends = time.monotonic() + _START_S
    while time.monotonic() < ends and process.poll() is None:
        try:
            found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        except ValueError:
            time.sleep(0.05)
        else:
            return found
    raise AssertionError(f"the server did not start:\n{err.read_text(encoding='utf-8', errors='replace')[-3000:]}")


def _with_people(folder: Path, places: dict[str, Any]) -> RunningServer:
    with httpx2.Client(base_url=places["url"], timeout=60.0, trust_env=False) as http:
        first = places["first_link"].partition("token=")[2]
        mine = ("platform:admin", "sizing:read", "sizing:write", "sizing:export", "sizing:delete",
                "sizing:manage_users")  # fmt: skip
        admin = Person("root@example.org", _accept(http, first, mine, email="root@example.org"))
        http.headers.update(admin.headers)
        people = {role: _person(http, f"{role}@example.org", role) for role in _SCOPES}
    return RunningServer(places["url"], folder, admin, people["engineer"], people["viewer"], places)


def _person(http: httpx2.Client, email: str, role: str) -> Person:
    made = http.post("/api/v1/admin/users", json={"email": email, "name": role.capitalize()})
    assert made.status_code == 201, made.text
    user, link = made.json()["user"]["id"], made.json()["link"]
    given = http.put(f"/api/v1/admin/users/{user}/grants/bess-sizing", json={"role": role})
    assert given.status_code == 200, given.text
    return Person(email, _accept(http, link["url"].partition("token=")[2], _SCOPES[role]))


def _accept(http: httpx2.Client, secret: str, scopes: tuple[str, ...], **more: str) -> str:
    """Use a one-time link, and return a token that outlives a slow test, which a session might not."""
    body = {"token": secret, "password": PASSWORD, "mode": "token", **more}
    answer = http.post("/api/v1/auth/links/accept", json=body)
    assert answer.status_code == 200, answer.text
    session = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    asked = {"name": "journeys", "scopes": scopes, "days": 1}
    made = http.post("/api/v1/auth/tokens", json=asked, headers=session)
    assert made.status_code == 201, made.text
    return str(made.json()["token"])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def write_block_sun_files(folder: Path) -> tuple[Path, Path]:
    """Write the load and the sun of section E of ux.md: 10 MW always; 30 MW from 08:00 to 16:00, with a calendar."""
    from datetime import UTC, datetime, timedelta

    start = datetime(2023, 1, 1, tzinfo=UTC)
    times = [(start + timedelta(hours=hour)).isoformat().replace("+00:00", "Z") for hour in range(8760)]
    load, sun = folder / "load.csv", folder / "solar.csv"
    load.write_text("\n".join(["time,load_mw", *(f"{time},10" for time in times)]) + "\n")
    rows = (f"{time},{30 if 8 <= hour % 24 < 16 else 0}" for hour, time in enumerate(times))
    sun.write_text("\n".join(["time,solar_mw", *rows]) + "\n")
    return load, sun
