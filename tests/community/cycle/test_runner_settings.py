"""`cycle.yaml`: read whole, every problem at once, no key in it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from afterbay.community.cycle.clouds import CloudWeather
from afterbay.community.cycle.runner_settings import SAMPLE, read_settings
from afterbay.community.cycle.transfer import Patience, Route
from afterbay.community.cycle.weather import ConstantWeather, FileWeather
from afterbay.core.errors import InvalidInputError, NotFoundError


def _file(place: Path, /, **values: Any) -> Path:
    path = place / "cycle.yaml"
    path.write_text(json.dumps({"users": "users.csv", **values}))
    return path


def test_the_sample_is_a_configuration_with_its_own_defaults(tmp_path: Path) -> None:
    path = tmp_path / "cycle.yaml"
    path.write_text(SAMPLE)

    settings = read_settings(path)

    assert settings == read_settings(_file(tmp_path))
    assert (settings.run, settings.users, settings.store) == ("home", tmp_path / "users.csv", tmp_path / "store")
    assert settings.routes == (Route("exchange"),)
    assert settings.weather == ConstantWeather(0.9)
    assert (settings.seed, settings.backfill, settings.keep_results_days) == (None, timedelta(hours=24), 7)


def test_every_setting_arrives(tmp_path: Path) -> None:
    (tmp_path / "weather.csv").write_text("timestamp,factor\n2024-09-11T12:00:00,0.5\n")
    path = _file(
        tmp_path, run=2024, folder="f", store="s", weather="weather.csv", seed=7, contract=1, backfill_hours=1.5,
        transfers=["https://example.org/x", {"url": "s3://b/c", "worker": "remote", "timeout_s": 5}],
        place={"latitude": 48.2, "longitude": 16.4, "time_zone": "Europe/Vienna"}, keep_results_days=0,
        alerts={"command": "./tell.sh 'very loud'", "url": "https://example.org/a"}, results_wait_s=9,
        patience={"attempts": 2},
    )  # fmt: skip

    settings = read_settings(path)

    assert settings.run == "2024"
    assert isinstance(settings.weather, FileWeather)
    assert settings.routes == (Route("https://example.org/x"), Route("s3://b/c", "remote", timeout_s=5))
    assert settings.place.time_zone == "Europe/Vienna"
    assert settings.alert_command == ("./tell.sh", "very loud")
    assert settings.alert_url == "https://example.org/a"
    assert settings.patience == Patience(attempts=2)
    assert (settings.seed, settings.contract, settings.keep_results_days, settings.results_wait_s) == (7, 1, 0, 9.0)
    assert settings.backfill == timedelta(minutes=90)


def test_clouds_have_the_seed_of_the_run(tmp_path: Path) -> None:
    assert read_settings(_file(tmp_path, weather="clouds", seed=5)).weather == CloudWeather(seed=5)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"runn": "x"}, "did you mean run?"),
        ({"users": [1]}, "users"),
        ({"run": ""}, "run"),
        ({"transfers": []}, "transfers"),
        ({"transfers": [5]}, "transfers, entry 1"),
        ({"transfers": ["a", {"url": "b", "key": "secret"}]}, "transfers, entry 2"),
        ({"transfers": ["http://example.org/x"]}, "entry 1: transfer.url"),
        ({"transfers": [{"url": "https://example.org", "worker": "local"}]}, "entry 1: transfer.worker"),
        ({"transfers": [{"url": "a", "worker": "me"}]}, "transfers, entry 1"),
        ({"transfers": [{"url": "a", "timeout_s": 0}]}, "transfers, entry 1"),
        ({"weather": 2}, "weather"),
        ({"weather": "nothing.csv"}, "nothing.csv"),
        ({"weather": True}, "weather"),
        ({"seed": True}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"contract": 3}, "contract"),
        ({"backfill_hours": -1}, "backfill_hours"),
        ({"keep_results_days": "week"}, "keep_results_days"),
        ({"place": {"latitude": 1}}, "place"),
        ({"place": {"latitude": 91, "longitude": 0, "time_zone": "UTC"}}, "place.latitude"),
        ({"place": {"latitude": 1, "longitude": 0, "time_zone": "Europe/Nowhere"}}, "place.time_zone"),
        ({"alerts": "loud"}, "alerts"),
        ({"alerts": {"command": []}}, "alerts.command"),
        ({"alerts": {"command": "'open"}}, "alerts.command"),
        ({"alerts": {"url": "http://example.org"}}, "alerts.url"),
        ({"patience": {"tries": 1}}, "patience"),
        ({"patience": {"attempts": 0}}, "attempts"),
        ({"results_wait_s": 1e9}, "results_wait_s"),
    ],
)
def test_what_is_wrong_is_named_with_what_may_stand_there(tmp_path: Path, wrong: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_settings(_file(tmp_path, **wrong))

    assert where in str(caught.value)
    assert "secret" not in str(caught.value)
    assert all(problem.allowed for problem in caught.value.problems)


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_settings(_file(tmp_path, users=None, weather=9, seed=-1, alerts=5))

    assert len(caught.value.problems) == 4


@pytest.mark.parametrize("content", [b"", b"- a\n", b"a: [\n", b"\xff\xfe", b"x" * 200_000, b"a: &a [*a]"])
def test_what_is_no_configuration_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cycle.yaml"
    path.write_bytes(content)

    with pytest.raises(InvalidInputError, match=r"cycle\.yaml|key that is not known"):
        read_settings(path)


def test_no_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="cycle init"):
        read_settings(tmp_path / "cycle.yaml")
