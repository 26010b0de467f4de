"""The cache of compiled kernels belongs to the sources it was made from, and never stops a run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from afterbay.core import compiled
from afterbay.core.compiled import cache_folder, kernel_sources

PACKAGE = Path(compiled.__file__).parents[1]
SOURCES = [source.relative_to(PACKAGE).as_posix() for source in kernel_sources(PACKAGE)]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return a copy of the package that a test may edit."""
    shutil.copytree(PACKAGE, tmp_path / "afterbay", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "afterbay"


def test_the_sources_are_every_kernel_and_layout() -> None:
    assert {"core/kernels.py", "sizing/kernels.py", "sizing/totals_kernels.py", "sizing/layout.py"} <= set(SOURCES)
    asking = [
        source.relative_to(PACKAGE).as_posix()
        for source in PACKAGE.rglob("*.py")
        if any(mark in source.read_text() for mark in ("\n@njit", "\n@inlined"))
    ]
    assert set(asking) <= set(SOURCES)


@pytest.mark.parametrize("source", SOURCES)
def test_an_edit_in_any_source_names_another_folder(package: Path, source: str) -> None:
    before = cache_folder(package)
    edited = package / source

    edited.write_text(edited.read_text() + "# one more line\n")

    assert cache_folder(package) != before


def test_a_moved_source_names_another_folder(package: Path) -> None:
    before = cache_folder(package)

    (package / "core/kernels.py").rename(package / "core/other_kernels.py")

    assert cache_folder(package) != before


def test_a_new_kernel_names_another_folder(package: Path) -> None:
    before = cache_folder(package)

    (package / "new_kernels.py").write_text("")

    assert cache_folder(package) != before


def test_an_edit_elsewhere_keeps_the_folder(package: Path) -> None:
    before = cache_folder(package)
    edited = package / "core/units.py"

    edited.write_text(edited.read_text() + "# one more line\n")

    assert cache_folder(package) == before
    assert before.name == cache_folder(PACKAGE).name


def test_the_folder_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "compiler"))
    monkeypatch.delenv("AFTERBAY_CACHE_DIR", raising=False)
    assert cache_folder().parent == tmp_path / "compiler"

    monkeypatch.setenv("AFTERBAY_CACHE_DIR", str(tmp_path / "ours"))
    assert cache_folder().parent == tmp_path / "ours"
    assert cache_folder(base=tmp_path / "said").parent == tmp_path / "said"


def test_the_compiler_setting_of_others_is_put_back_whatever_happens(tmp_path: Path) -> None:
    setting = vars(compiled)["_numba_config"]
    before = setting.CACHE_DIR
    inside = []

    def compile_and_fail() -> None:
        with compiled._numba_cache(tmp_path):
            inside.append(setting.CACHE_DIR)
            raise KeyError

    with pytest.raises(KeyError):
        compile_and_fail()
    after = setting.CACHE_DIR

    assert inside == [str(tmp_path)]
    assert after == before


# A caller in one file, compiled and cached, of a kernel in another: what the compiler's own cache gets wrong.
_CALLER = """
from afterbay.core.compiled import njit
from afterbay.core.kernels import pv_power


@njit
def at_noon(rating: float) -> float:
    return pv_power(1.0, rating, rating)
"""
_ASK = """
from afterbay.caller_kernels import at_noon

print(at_noon(8.0), sum(at_noon.stats.cache_hits.values()))
"""


def _ask(package: Path, cache: Path, more: Mapping[str, str] | None = None) -> tuple[float, int]:
    """Return the caller's answer in a process of its own, and how often the cache already had it."""
    environment = {
        **os.environ,
        **(more or {}),
        "PYTHONPATH": str(package.parent),
        "AFTERBAY_CACHE_DIR": str(cache),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", _ASK], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    answer, hits = done.stdout.split()
    return float(answer), int(hits)


def test_an_edit_in_a_called_kernel_reaches_a_caller_that_was_cached(package: Path, tmp_path: Path) -> None:
    (package / "caller_kernels.py").write_text(_CALLER)
    cache = tmp_path / "cache"
    assert _ask(package, cache) == (8.0, 0)
    assert _ask(package, cache) == (8.0, 1)  # it really comes from the cache

    called = package / "core/kernels.py"
    source = called.read_text()
    line = "return min(max(weather, 0.0) * dc_rating, ac_rating)"
    assert source.count(line) == 1
    called.write_text(source.replace(line, "return min(max(weather, 0.0) * dc_rating, ac_rating) / 2.0"))

    assert _ask(package, cache) == (4.0, 0)
    assert len(list(cache.iterdir())) == 2

    called.write_text(source)
    assert _ask(package, cache) == (8.0, 1)  # the old source finds its old folder again


def test_a_folder_that_cannot_be_written_does_not_stop_a_run(package: Path, tmp_path: Path) -> None:
    (package / "caller_kernels.py").write_text(_CALLER)
    # A file in the folder's place refuses everybody, also an administrator.
    (tmp_path / "cache").write_text("not a folder")
    stand_ins = tmp_path / "stand-ins"
    stand_ins.mkdir()

    assert _ask(package, tmp_path / "cache", {"TMPDIR": str(stand_ins)}) == (8.0, 0)

    assert (tmp_path / "cache").read_text() == "not a folder"


def test_the_stand_in_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").write_text("not a folder")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    found = compiled._writable(tmp_path / "cache" / "kernels-0")
    other = compiled._writable(tmp_path / "cache" / "kernels-0")

    assert found.is_dir()
    assert found != other
    assert found.stat().st_mode & 0o077 == 0


def test_a_folder_that_can_be_written_is_made_and_left_empty(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"

    assert compiled._writable(folder) == folder
    assert list(folder.iterdir()) == []
