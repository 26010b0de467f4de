from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from afterbay.core.errors import InvalidInputError, MissingExtraError, OutOfRangeError
from afterbay.sizing.charts import alt_text, carpet_chart, day_chart, pareto_chart, save_png

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

    from afterbay.sizing.simulation import HourlyResults

    Run = Callable[..., HourlyResults]

matplotlib = pytest.importorskip("matplotlib")


def pictures(run: Run, rows: list[dict[str, Any]]) -> list[Figure]:
    results = run(steps=240, dg_capacity=5.0)
    return [
        pareto_chart(rows, target_pct=99.0, recommended=3),
        carpet_chart(results),
        carpet_chart(results, "bess_power"),
        day_chart(results, 2),
    ]


def test_the_same_input_gives_the_same_bytes(run: Run, rows: list[dict[str, Any]], tmp_path: Path) -> None:
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    for one, other in zip(pictures(run, rows), pictures(run, rows), strict=True):
        save_png(one, first)
        save_png(other, second)
        again = save_png(one, tmp_path / "again.png")

        assert first.read_bytes() == second.read_bytes() == again.read_bytes()


def test_the_users_own_settings_neither_change_the_picture_nor_are_changed(run: Run, tmp_path: Path) -> None:
    results = run(steps=48)
    plain = save_png(day_chart(results, 1), tmp_path / "plain.png").read_bytes()

    with matplotlib.rc_context({"font.size": 30.0, "hatch.linewidth": 9.0, "savefig.facecolor": "red"}):
        styled = save_png(day_chart(results, 1), tmp_path / "styled.png").read_bytes()
        assert matplotlib.rcParams["font.size"] == 30.0

    assert styled == plain


def test_the_file_says_what_it_shows_and_neither_when_nor_by_what_it_was_made(run: Run, tmp_path: Path) -> None:
    from PIL import Image

    figure = carpet_chart(run(steps=240), "bess_power")

    with Image.open(save_png(figure, tmp_path / "carpet.png", dpi=100)) as picture:
        assert picture.info["Description"] == alt_text(figure)
        assert "\u2212" in alt_text(figure)
        assert {"Software", "Creation Time", "date"}.isdisjoint(picture.info)
        assert picture.size == (1100, 460)


def test_a_new_picture_replaces_the_old_one_and_leaves_nothing_behind(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "day.png"
    path.write_bytes(b"old")

    assert save_png(day_chart(run(steps=24), 1), str(path)) == path

    assert path.read_bytes().startswith(b"\x89PNG")
    assert [found.name for found in tmp_path.iterdir()] == ["day.png"]


def test_a_failed_write_keeps_the_old_picture(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "day.png"
    path.write_bytes(b"old")

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(InvalidInputError, match="No space left on device"):
        save_png(day_chart(run(steps=24), 1), path)

    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["day.png"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere/day.png", "make the folder"),
        ("day.pdf", r"ends in \.png"),
        ("folder.png", "a folder, allowed: a file"),
    ],
)
def test_a_path_that_cannot_be_written_is_explained(run: Run, tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder.png").mkdir()

    with pytest.raises(InvalidInputError, match=message):
        save_png(day_chart(run(steps=24), 1), tmp_path / name)


@pytest.mark.parametrize("dpi", [0, 49, 601, 150.0, True, "150"])
def test_a_resolution_outside_its_range_is_refused(run: Run, tmp_path: Path, dpi: Any) -> None:
    with pytest.raises(OutOfRangeError, match=r"a whole number 50\.\.600"):
        save_png(day_chart(run(steps=24), 1), tmp_path / "day.png", dpi=dpi)


def test_without_matplotlib_the_user_learns_what_to_install(
    run: Run, rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    results = run(steps=24)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    drawings: list[Callable[[], Figure]] = [
        lambda: pareto_chart(rows),
        lambda: carpet_chart(results),
        lambda: day_chart(results, 1),
    ]
    for draw in drawings:
        with pytest.raises(MissingExtraError, match=r'pip install "afterbay\[report\]"'):
            draw()


def test_the_package_loads_no_matplotlib_and_pictures_load_no_pyplot() -> None:
    code = (
        "import sys\n"
        "from afterbay.sizing import SimulationParams, run_simulation, charts\n"
        "assert 'matplotlib' not in sys.modules\n"
        "params = SimulationParams(load_profile=[1.0] * 24, solar_profile=[0.0] * 24)\n"
        "results = run_simulation(params, 0)\n"
        "print(charts.describe_day(results, charts.worst_day(results)))\n"
        "assert 'matplotlib' not in sys.modules\n"
        "charts.day_chart(results, 1)\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
