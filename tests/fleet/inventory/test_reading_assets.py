"""Reading `assets.yaml`: what is right is read, what is wrong is named with its line, all at once."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afterbay.core.errors import InvalidInputError, NotFoundError, Problem
from afterbay.fleet.inventory import (
    ThermalModel,
    default_inventory,
    find_inventory,
    read_asset,
    read_inventory,
)

_EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "fleet.yaml"
_SITE = "4c1feab9-a58f-507c-8676-9b98ffd67e7f"
_ASSET = "176e59bb-00b4-5034-b0b3-3de833540634"
_GROUP = "3fd7362f-caf3-5df4-bc57-08dfa641611a"
_LINES = {
    "id": _ASSET,
    "site_id": _SITE,
    "name": "NQ-1",
    "capacity_mwhr": "120",
    "max_mw": "60",
    "min_mw": "-60",
    "efficiency": "0.92",
    "ramp_rate_mw_per_min": "10",
}


def _text(changes: dict[str, str | None] | None = None, more: str = "") -> str:
    """Return a file of one site and one asset, whose fields begin on line 6."""
    lines = {**_LINES, **(changes or {})}
    fields = [f"{key}: {value}" for key, value in lines.items() if value is not None]
    body = "\n".join(("  - " if place == 0 else "    ") + field for place, field in enumerate(fields))
    return f"sites:\n  - id: {_SITE}\n    name: North Quay\n\nassets:\n{body}\n{more}"


def _problems(path: Path, text: str) -> list[Problem]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInputError) as caught:
        read_inventory(path)
    return list(caught.value.problems)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "assets.yaml"


def test_the_example_is_the_default_set() -> None:
    inventory = read_inventory(_EXAMPLE)

    assert inventory == default_inventory() == read_inventory(None)
    batteries = [asset for asset in inventory.assets if asset.asset_type == "storage"]
    assert (sum(b.capacity_mwh for b in batteries), sum(b.max_mw for b in batteries)) == (500.0, 250.0)


def test_every_field_of_an_asset_is_read(path: Path) -> None:
    extra = {
        "min_soc_pct": "10",
        "max_soc_pct": "90",
        "reserve_soc_pct": "20",
        "location": "Bay 3",
        "device": "opcua:opc.tcp://127.0.0.1:4840",
        "efficiency_curve": "[[0.1, 0.88], [1.0, 0.93]]",
        "efficiency_soc_factors": "[[0, 0.97], [100, 1.0]]",
        "thermal": "{ambient_c: 30, stop_at_c: 55}",
    }
    path.write_text(_text(dict(extra)))

    asset = read_inventory(path).assets[0]

    assert (asset.capacity_mwh, asset.max_mw, asset.min_mw, asset.efficiency) == (120.0, 60.0, -60.0, 0.92)
    assert (asset.min_soc_pct, asset.max_soc_pct, asset.reserve_soc_pct) == (10.0, 90.0, 20.0)
    assert (asset.location, asset.device) == ("Bay 3", "opcua:opc.tcp://127.0.0.1:4840")
    assert asset.efficiency_curve == ((0.1, 0.88), (1.0, 0.93))
    assert asset.efficiency_soc_factors == ((0.0, 0.97), (100.0, 1.0))
    assert asset.thermal == ThermalModel(ambient_c=30.0, stop_at_c=55.0)


def test_a_round_trip_efficiency_becomes_its_root(path: Path) -> None:
    path.write_text(_text({"efficiency": None, "round_trip_efficiency": "0.81"}))

    assert read_inventory(path).assets[0].efficiency == pytest.approx(0.9)


def test_site_limits_and_groups_are_read(path: Path) -> None:
    text = _text(more=f"groups:\n  - {{id: {_GROUP}, name: All, asset_ids: [{_ASSET.upper()}]}}\n")
    path.write_text(
        text.replace("name: North Quay", "name: North Quay\n    export_limit_mw: 50\n    import_limit_mw: 40")
    )

    inventory = read_inventory(path)

    assert (inventory.sites[0].export_limit_mw, inventory.sites[0].import_limit_mw) == (50.0, 40.0)
    assert inventory.groups[0].asset_ids == (_ASSET,)


def test_anchors_and_merge_keys_work_and_the_own_key_wins(path: Path) -> None:
    text = _text().replace("  - id: 176e", "  - &usual\n    id: 176e")
    text += f"  - {{<<: *usual, id: {_GROUP}, name: NQ-2, capacity_mwhr: 80}}\n"
    path.write_text(text)

    first, second = read_inventory(path).assets

    assert (second.name, second.capacity_mwh, second.max_mw) == ("NQ-2", 80.0, first.max_mw)


@pytest.mark.parametrize(
    ("key", "value", "got", "move"),
    [
        ("efficiency", "92", "92.0", "did you mean 0.92?"),
        ("efficiency", "0", "0.0", "0.92, for example"),
        ("efficiency", ".nan", "nan", "finite"),
        ("efficiency", "true", "True", "give a number"),
        ("capacity_mwhr", "-1", "-1.0", "positive"),
        ("capacity_mwhr", ".inf", "inf", "finite"),
        ("capacity_mwhr", "'120'", "120", "without quotes"),
        ("capacity_mwhr", None, "no such key", "add `capacity_mwhr:`"),
        ("capacity_mwhr", "", "nothing", "add `capacity_mwhr:`"),
        ("ramp_rate_mw_per_min", "-5", "-5.0", "positive"),
        ("min_mw", "60", "60.0", "did you mean -60?"),
        ("min_mw", "70", "70.0", "swap the two"),
        ("max_mw", "yes", "True", "give a number"),
        ("id", "NQ-1", "'NQ-1'", "history hangs on it"),
        ("name", "", "nothing", "add `name:`"),
        ("asset_type", "batery", "'batery'", "choose one of them"),
        ("asset_type", "storge", "'storge'", "did you mean storage?"),
        ("max_soc_pct", "0.9", "0.9 %", "did you mean 90 %?"),
        ("min_soc_pct", "101", "101.0", "in this range"),
        ("reserve_soc_pct", "101", "101.0", "drop the key"),
        ("efficiency_curve", "[[0.5, 0.9], [0.1, 0.8]]", "[0.5, 0.1]", "in order"),
        ("efficiency_curve", "[0.5]", "[0.5]", "such as"),
        ("thermal", "{derate_from_c: 70}", "70.0", "swap the two"),
        ("thermal", "{ambient: 20}", "an unknown key", "did you mean ambient_c?"),
        ("details", "{cells: 3}", "an unknown key", "correct its name"),
        ("details", "3", "3", "key: value pairs"),
        ("capacity_mwh", "120", "an unknown key", "did you mean capacity_mwhr?"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_line(path: Path, key: str, value: str | None, got: str, move: str) -> None:
    text = _text({key: value})
    problems = _problems(path, text)

    found = [problem for problem in problems if problem.got == got and move in problem.next_move]
    assert found, problems
    assert f".{key}" in found[0].where
    written = next((at for at, line in enumerate(text.splitlines(), 1) if at > 5 and f" {key}:" in line), 6)
    assert f"assets.yaml, line {written}: assets[0]" in found[0].where
    assert "(NQ-1)" in found[0].where or key == "name"


def test_a_wrong_value_is_told_once(path: Path) -> None:
    assert len(_problems(path, _text({"efficiency": ".nan"}))) == 1
    assert len(_problems(path, _text({"min_mw": "70"}))) == 1
    assert len(_problems(path, _text({"id": "x"}))) == 1


def test_soc_limits_that_are_reversed_are_refused(path: Path) -> None:
    (problem,) = _problems(path, _text({"min_soc_pct": "90", "max_soc_pct": "10"}))

    assert (problem.got, problem.next_move) == ("90 %", "swap the two")


def test_both_efficiencies_are_one_too_many(path: Path) -> None:
    (problem,) = _problems(path, _text({"round_trip_efficiency": "0.85"}))

    assert problem.got == "both efficiency and round_trip_efficiency"


def test_a_doubled_key_is_refused_where_yaml_would_keep_the_last(path: Path) -> None:
    (problem,) = _problems(path, _text() + "    max_mw: 70\n")

    assert problem.got == "the same key again (first on line 10)"
    assert "line 14: assets[0].max_mw" in problem.where


def test_a_doubled_id_is_refused_across_all_kinds(path: Path) -> None:
    second = _text().split("assets:\n")[1].replace("NQ-1", "NQ-2")
    problems = _problems(path, _text(more=second))
    assert [problem.got for problem in problems] == [f"{_ASSET}, the id of asset NQ-1"]

    (problem,) = _problems(path, _text(more=f"groups:\n  - {{id: {_ASSET}, name: All, asset_ids: [{_ASSET}]}}\n"))
    assert "groups[0].id (All)" in problem.where


def test_an_unknown_site_and_an_unknown_asset_are_named_with_the_nearest(path: Path) -> None:
    wrong = _SITE[:-1] + "0"
    more = f"groups:\n  - {{id: {_GROUP}, name: All, asset_ids: [{_ASSET[:-1]}0]}}\n"

    site, asset = _problems(path, _text({"site_id": wrong}, more))

    assert (site.got, site.next_move) == (wrong, f"did you mean {_SITE}?")
    assert asset.next_move == f"did you mean {_ASSET}?"


def test_all_problems_come_at_once(path: Path) -> None:
    text = _text({"efficiency": "2", "max_mw": "true"}, "  - 7\nasset: []\n")

    wheres = " ".join(problem.where for problem in _problems(path, text.replace("name: North Quay", "nam: x")))

    assert all(part in wheres for part in ("sites[0].nam", "sites[0].name", "efficiency", "max_mw", "[1]", ": asset"))


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("", "an empty file"),
        ("- 1\n", "no keys at the top"),
        ("sites: []\n", "no key assets"),
        ("sites: []\nassets: 3\n", "'3'"),
        ("sites: []\nassets:\n  - 3\n", "'3'"),
        ("sites: []\nassets: [\n", ""),
        ("sites: []\nassets: [{a: !!python/object:os.system x}]\n", "a value tagged"),
        ("[" * 100_000, "brackets nested too deep"),
        ("sites: &a\n  - <<: *a\n", ""),
    ],
)
def test_a_broken_file_is_an_error_and_never_the_default_set(path: Path, text: str, got: str) -> None:
    assert any(got in problem.got for problem in _problems(path, text))


def test_aliases_that_unfold_without_end_are_refused(path: Path) -> None:
    rows = ["  x0: &x0 [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]"]
    rows += [f"  x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]" for n in range(1, 9)]

    problems = _problems(path, "sites: []\nassets:\n  -\n" + "\n".join(f"  {row}" for row in rows))

    assert any("values" in problem.got for problem in problems)


def test_no_text_and_a_folder_are_refused(path: Path, tmp_path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInputError, match="UTF-8"):
        read_inventory(path)
    with pytest.raises(InvalidInputError, match="a folder"):
        read_inventory(tmp_path)


@pytest.mark.parametrize(
    ("kind", "fields", "got"),
    [
        ("pv", {"min_mw": "-1"}, "-1.0"),
        ("pv", {"details": "{irradiance_wm2: [1, 2, 3, 4, 5, 6, 7]}"}, "7 values"),
        ("pv", {}, "no sun"),
        ("wind", {"details": "{rated_ms: 30}"}, "[3, 30, 25]"),
        ("wind", {"details": "{power_curve: [[3, 0], [2, 1]]}"}, "[[3, 0], [2, 1]]"),
        ("ev", {"max_mw": "5", "min_mw": "-5"}, "5.0"),
        ("ev", {"max_mw": "0", "min_mw": "-5", "details": "{points: 1.5}"}, "1.5"),
    ],
)
def test_each_type_has_its_own_rules(path: Path, kind: str, fields: dict[str, str | None], got: str) -> None:
    changes: dict[str, str | None] = {"capacity_mwhr": None, "efficiency": None, "min_mw": None, "asset_type": kind}

    assert any(problem.got == got for problem in _problems(path, _text({**changes, **fields})))


def test_times_of_day_are_no_numbers_of_base_sixty(path: Path) -> None:
    sessions = "{sessions: [{arrive: 17:30, depart: 07:15, energy_mwh: 0.04}]}"
    path.write_text(_text({"capacity_mwhr": None, "efficiency": None, "max_mw": None, "asset_type": "ev",
                           "details": sessions}))  # fmt: skip

    assert read_inventory(path).assets[0].details["sessions"] == [
        {"arrive": "17:30", "depart": "07:15", "energy_mwh": 0.04}
    ]


def test_a_name_that_looks_like_something_else_stays_a_name(path: Path) -> None:
    path.write_text(_text({"name": "1e3"}).replace("North Quay", "No"))

    inventory = read_inventory(path)

    assert (inventory.sites[0].name, inventory.assets[0].name) == ("No", "1e3")


def test_a_record_from_a_request_is_checked_alike() -> None:
    values = {"id": _ASSET, "site_id": _SITE, "name": "NQ-1", "capacity_mwhr": 120, "max_mw": 60, "min_mw": -60,
              "efficiency": 1.2, "ramp_rate_mw_per_min": 10}  # fmt: skip

    with pytest.raises(InvalidInputError, match="efficiency"):
        read_asset(values)
    assert read_asset({**values, "efficiency": 0.92}).capacity_mwh == 120.0


def test_the_file_is_searched_here_and_one_folder_up(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    assert find_inventory({}, inner) is None

    above = tmp_path / "assets.yaml"
    above.write_text("sites: []\nassets: []\n")
    assert find_inventory({}, inner) == above

    here = inner / "assets.yaml"
    here.write_text("sites: []\nassets: []\n")
    assert find_inventory({}, inner) == here
    assert find_inventory({"ASSETS_PATH": "../assets.yaml"}, inner) == inner / ".." / "assets.yaml"


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="ASSETS_PATH"):
        find_inventory({"ASSETS_PATH": "nowhere.yaml"}, tmp_path)
    with pytest.raises(NotFoundError, match=r"nowhere\.yaml"):
        read_inventory(tmp_path / "nowhere.yaml")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200) | st.binary(max_size=200))
def test_no_file_whatever_ends_in_a_stack_trace(path: Path, content: str | bytes) -> None:
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))

    with pytest.raises(InvalidInputError):
        read_inventory(path)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([*_LINES, "thermal", "details", "efficiency_curve", "asset_type", "device", "max_soc_pct"]),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    ),
)
def test_no_value_whatever_ends_in_a_stack_trace(path: Path, key: str, value: object) -> None:
    text = _text({key: json.dumps(value)})
    path.write_text(text, encoding="utf-8")
    with suppress(InvalidInputError):
        read_inventory(path)
