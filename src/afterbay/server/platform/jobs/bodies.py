"""What jobs do: functions by the name of their task.

A body is written beside its feature and registered where its module is imported:

```python
@body("sizing.simulate")
def simulate(job: JobContext, args: dict[str, Any]) -> dict[str, Any]: ...


@after("sizing.simulate")
def note_end(session: Session, ended: JobView) -> None: ...  # also when it failed or was cancelled


schedule("sizing.purge", "17 3 * * *")
```

A job whose worker died is run again, so a body may be run twice and must lead to the same end. What it writes goes
through `job.session()`, which refuses a worker that lost the job meanwhile.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from afterbay.core.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy.orm import Session

    from afterbay.server.platform.jobs.context import JobContext
    from afterbay.server.platform.jobs.view import JobView

    Body: TypeAlias = Callable[[JobContext, dict[str, Any]], dict[str, Any]]
    Ended: TypeAlias = Callable[[Session, JobView], None]
    About: TypeAlias = Callable[[Session, JobView], "Subject | None"]

__all__ = ["Schedule", "Subject", "about", "after", "body", "find_body", "load_bodies", "schedule", "schedules",
           "subject_of", "tell_finished"]  # fmt: skip

_log = logging.getLogger(__name__)
_bodies: dict[str, Body] = {}
_endings: defaultdict[str, list[Ended]] = defaultdict(list)
_subjects: dict[str, About] = {}
_schedules: dict[str, Schedule] = {}


@dataclass(frozen=True, slots=True)
class Schedule:
    """A task that starts by the clock."""

    task: str
    cron: str
    """Minute, hour, day of the month, month, day of the week, in UTC; with a sixth field: second."""
    module: str = "platform"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a job is about, in the words of whoever started it."""

    name: str
    """Such as `Red Rock Quarry, first sweep`."""
    link: str
    """Path of its result."""
    outcome: str = ""
    """A sentence on what came of it."""


def body(task: str) -> Callable[[Body], Body]:
    """Register a function as what the jobs of a task do.

    Args:
        task: Name of the task, such as `sizing.simulate`.
    """

    def register(function: Body) -> Body:
        known = _bodies.get(task)
        # A module that is imported a second time (by its path) brings the same function again.
        if known is not None and known.__qualname__ != function.__qualname__:
            raise ValueError(f"task {task!r} has a body already: {known.__module__}.{known.__qualname__}")
        _bodies[task] = function
        return function

    return register


def after(task: str) -> Callable[[Ended], Ended]:
    """Register a function that is told when a job of a task ended, however it did, in the same transaction.

    A job that is queued is cancelled by whoever asks for it, so the module must be loaded in the API's process too.

    Args:
        task: Name of the task.
    """

    def register(function: Ended) -> Ended:
        if not any(one.__qualname__ == function.__qualname__ for one in _endings[task]):
            _endings[task].append(function)
        return function

    return register


def about(task: str) -> Callable[[About], About]:
    """Register a function that says what a job of a task is about; None: it is gone.

    Args:
        task: Name of the task.
    """

    def register(function: About) -> About:
        _subjects[task] = function
        return function

    return register


def subject_of(session: Session, job: JobView) -> Subject | None:
    """Return what a job is about, or None where nobody knows."""
    function = _subjects.get(job.task)
    return function(session, job) if function is not None else None


def schedule(task: str, cron: str, *, module: str = "platform") -> None:
    """Register a task that starts by the clock, with no arguments and in the name of the program.

    Args:
        task: Name of the task; it has a body.
        cron: Minute, hour, day of the month, month, day of the week, in UTC; with a sixth field: second.
        module: Id of the module whose job it is.
    """
    _schedules[task] = Schedule(task, cron, module)


def schedules() -> list[Schedule]:
    """Return what starts by the clock."""
    return list(_schedules.values())


def load_bodies(modules: Iterable[str]) -> None:
    """Import the modules that register bodies; one that is missing is an error."""
    for name in modules:
        import_module(name)


def find_body(task: str) -> Body:
    """Return the body of a task.

    Raises:
        NotFoundError: If no module that was loaded registers one.
    """
    found = _bodies.get(task)
    if found is None:
        known = ", ".join(sorted(_bodies)) or "none"
        raise NotFoundError(f"no body is registered for the task {task!r} (known: {known})")
    return found


def tell_finished(session: Session, ended: JobView) -> None:
    """Tell everybody who wants to know that a job ended; what they spoil is undone and logged."""
    for function in _endings.get(ended.task, ()):
        tell(function, session, ended)


def tell(function: Ended, session: Session, ended: JobView) -> None:
    """Tell one of them: a defect of theirs does not keep the job from ending."""
    try:
        with session.begin_nested():
            function(session, ended)
    except Exception:
        if not session.is_active:
            raise
        _log.exception("job %s (%s): %s failed after it had %s", ended.id, ended.task, function, ended.state)
