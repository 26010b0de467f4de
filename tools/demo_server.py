"""Show the platform at work: the server with its database and worker, an engineer, and a study through the API.

Everything runs on a free port of this machine, in a folder that is removed at the end. There is no default password:
the first administrator and the engineer come in by one-time links. Whatever happens, what was started here is ended
here, unless `--keep` asks to leave it running.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from afterbay.cli.login import sign_in
from afterbay.cli.remote import run_remote
from afterbay.cli.running import run_project
from afterbay.client import DEFAULT_PLATFORM_URL, BESSAPIClient
from afterbay.client.connection import Connection
from afterbay.client.login import keep_login
from afterbay.core.errors import AfterbayError
from afterbay.sizing.project import load_project

ROOT = Path(__file__).resolve().parents[1]
OUT = Path("out") / "red-rock-quarry-server"
ENGINEER = "engineer@demo.example"
ADMINISTRATOR = "administrator@demo.example"
_START_S = 60.0
_END_S = 20.0


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    example = ROOT / "examples" / "red_rock_quarry.yaml"
    parser.add_argument("--project", type=Path, default=example, help="project file")
    parser.add_argument("--keep", action="store_true", help="leave the server running until Ctrl-C")
    options = parser.parse_args(arguments)
    # A polite end (SIGTERM) stops the server as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # Not the folder of the project: PostgreSQL's socket needs a short path.
    folder = Path(tempfile.mkdtemp(prefix="afterbay-demo-"))
    try:
        with _server(folder) as places:
            show(folder, options.project.resolve(), places, keep=options.keep)
    except (AfterbayError, RuntimeError) as error:
        print(f"demo: {error}; the server is stopped", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: the server is stopped", file=sys.stderr)
        return 0 if options.keep else 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("demo: done; the server is stopped and its folder removed (--keep leaves it running to look around)")
    return 0


def show(folder: Path, project: Path, places: dict[str, Any], *, keep: bool) -> None:
    """Sign in, run a project through the API, and show that a run on this machine has the same numbers."""
    url = places["url"]
    _say(f"$ afterbay serve\n  ready in {places['seconds']:.1f} s at {url}, with a PostgreSQL and a worker of its own")
    password = secrets.token_urlsafe(16)
    _make_engineer(places, password)
    _say(f"  the first administrator and an engineer came in, each by a link that works once: {ENGINEER}")
    # A login of its own, so that the user's is left alone.
    os.environ["AFTERBAY_CONFIG_DIR"] = str(folder / "login")
    login, _ = sign_in(url, ENGINEER, password, days=1)
    keep_login(login)
    _say(f"\n$ afterbay login --url {url} --email {ENGINEER}\n  signed in, with a token of one day")
    _say(f"\n$ afterbay size run {project.relative_to(ROOT) if ROOT in project.parents else project} --remote")
    done = run_remote(str(project), {}, OUT)
    _tell(done.facts)
    _compare(folder, project, done.facts)
    with BESSAPIClient(url) as client:
        why = client.run(done.facts["remote"]["simulation_id"]).explain(day="worst")["sentences"]
        pages = client.connection.http.get("/docs").status_code
    _say(f"  its worst hours, explained by the API: {why[0]}")
    if pages != 200:
        raise RuntimeError(f"the documentation of the API answers {pages}")
    _say(f"  the documentation of the API, to read and to try: {url}/docs (while it runs; --keep lets it run on)")
    _say(f"\nEvery option and hour is in {OUT}: afterbay size show {OUT} --day worst")
    if keep:
        _say(f"It runs until Ctrl-C: {url}")
        _say(f"Sign in at {url}/welcome as {ENGINEER}, password {password}")
        threading.Event().wait()


def _tell(facts: dict[str, Any]) -> None:
    """Say what came of a run; its whole table is the one that `afterbay size run` prints without a server."""
    chosen = facts["recommendation"]
    _say(f"  {facts['cases']} sizes computed by the server's worker, {facts['physics']['summary']} on every one")
    for sentence in chosen["reasons"][:2]:
        _say(f"  {sentence}")


def _compare(folder: Path, project: Path, theirs: dict[str, Any]) -> None:
    """Run the project on this machine too, and hold every number against the server's."""
    ours = run_project(load_project(project), folder / "local").facts
    names = ("results", "recommendation", "nearest", "physics")
    apart = [
        name for name in names if json.dumps(ours[name], sort_keys=True) != json.dumps(theirs[name], sort_keys=True)
    ]
    hours = [(place / "hourly.csv").read_bytes() for place in (folder / "local", OUT)]
    if apart or hours[0] != hours[1]:
        raise RuntimeError(f"server and this machine differ in {', '.join(apart) or 'the hours'}")
    _say("  a run without the server has the same options, recommendation and hours, to the last bit")


def _make_engineer(places: dict[str, Any], password: str) -> None:
    """Let the first administrator in by the link of the server, and the engineer by one of theirs."""
    with Connection(places["url"], default=DEFAULT_PLATFORM_URL) as way:
        first = _accept(way, places["first_link"], secrets.token_urlsafe(16), email=ADMINISTRATOR)
        headers = {"Authorization": f"Bearer {first}"}
        made, _ = way.ask("POST", "/api/v1/admin/users", headers=headers,
                          body={"email": ENGINEER, "name": "Demo engineer"})  # fmt: skip
        way.ask("PUT", f"/api/v1/admin/users/{made['user']['id']}/grants/bess-sizing", headers=headers,
                body={"role": "engineer"})  # fmt: skip
        _accept(way, made["link"]["url"], password)


def _accept(way: Connection, link: str, password: str, **more: str) -> str:
    body = {"token": link.partition("token=")[2], "password": password, "mode": "token", **more}
    tokens, _ = way.ask("POST", "/api/v1/auth/links/accept", body=body)
    return str(tokens["access_token"])


@contextmanager
def _server(folder: Path) -> Iterator[dict[str, Any]]:
    """Run `afterbay serve` until the block ends; yield what it says about itself."""
    out, err = folder / "serve.out", folder / "serve.err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "afterbay", "serve", "--port", "0", "--data-dir", str(folder / "data"), "--json"],
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=_environ(), cwd=folder,
        )  # fmt: skip
        try:
            yield _places(process, out, err)
        finally:
            _end(process)


def _places(process: subprocess.Popen[bytes], out: Path, err: Path) -> dict[str, Any]:
    ends = time.monotonic() + _START_S
    while time.monotonic() < ends and process.poll() is None:
        try:
            places: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        except ValueError:
            time.sleep(0.05)
        else:
            return places
    lines = err.read_text(encoding="utf-8", errors="replace").splitlines()[-10:]
    raise RuntimeError("the server did not start:\n" + "\n".join(lines))


def _end(process: subprocess.Popen[bytes]) -> None:
    # With --keep, Ctrl-C reached the server as well: asking again would not be kind.
    try:
        process.wait(0.5)
    except subprocess.TimeoutExpired:
        process.terminate()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _environ() -> dict[str, str]:
    """Return the environment without what the caller's shell says about another server."""
    kept = ("AFTERBAY_CONFIG_DIR", "AFTERBAY_CACHE_DIR")
    ours = ("DATABASE_URL", "AFTERBAY_")
    return {name: value for name, value in os.environ.items() if name in kept or not name.startswith(ours)}


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    # A demo that hangs is worse than one that fails.
    if "--keep" not in sys.argv:
        watchdog = threading.Timer(150.0, lambda: os.kill(os.getpid(), signal.SIGTERM))
        watchdog.daemon = True
        watchdog.start()
    sys.exit(main())
