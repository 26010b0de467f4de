from __future__ import annotations

from pathlib import Path

import pytest

from afterbay.core.errors import InvalidInputError
from afterbay.fleet.agent import read_agent_settings
from afterbay.fleet.inventory import Inventory, write_inventory

SITE = "00000000-0000-4000-8000-000000000001"
ASSET = "00000000-0000-4000-8000-0000000000a1"
SINGLE = {
    "HEADEND_GRPC": "127.0.0.1:50051",
    "ASSET_ID": ASSET,
    "SITE_ID": SITE,
    "SITE_NAME": "North Quay",
    "ASSET_NAME": "NQ-1",
    "ASSET_LOCATION": "Tyne",
    "CAPACITY_MWHR": "120",
    "MAX_MW": "60",
    "MIN_MW": "-60",
    "EFFICIENCY": "0.92",
    "RAMP_RATE_MW_PER_MIN": "10",
}


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    from fleet_agent import SMALL

    path = tmp_path / "assets.yaml"
    write_inventory(path, Inventory(SMALL.sites, SMALL.assets))
    return path


def problems(environ: dict[str, str]) -> dict[str, str]:
    with pytest.raises(InvalidInputError) as caught:
        read_agent_settings(environ)
    return {problem.where: str(problem) for problem in caught.value.problems}


def test_one_asset_comes_from_the_variables_of_the_original() -> None:
    settings = read_agent_settings(SINGLE)

    (asset,) = settings.inventory.assets
    assert settings.mode == "single"
    assert settings.gateway_id == ASSET
    assert (asset.capacity_mwh, asset.max_mw, asset.min_mw, asset.efficiency) == (120.0, 60.0, -60.0, 0.92)
    assert (asset.min_soc_pct, asset.max_soc_pct) == (0.0, 100.0)
    assert (asset.name, asset.location, settings.inventory.sites[0].name) == ("NQ-1", "Tyne", "North Quay")


def test_a_gateway_serves_all_assets_of_its_site_and_is_called_like_it(assets: Path) -> None:
    environ = {"HEADEND_GRPC": "127.0.0.1:50051", "GATEWAY_SITE_ID": SITE, "ASSETS_PATH": str(assets)}

    settings = read_agent_settings(environ)
    named = read_agent_settings({**environ, "GATEWAY_SITE_ID": "gateway-test", "GATEWAY_ID": "gw-7"})

    assert settings.mode == "gateway"
    assert settings.gateway_id == SITE
    assert [asset.name for asset in settings.inventory.assets] == ["A", "B", "C"]
    assert (named.gateway_id, named.inventory) == ("gw-7", settings.inventory)


def test_one_asset_of_a_file_can_be_meant_by_its_name_and_an_option_wins(assets: Path) -> None:
    settings = read_agent_settings(
        {"HEADEND_GRPC": "x:1", "GATEWAY_SITE_ID": SITE, "ASSETS_PATH": "nowhere.yaml"},
        headend="127.0.0.1:2", assets=str(assets), asset="b",
    )  # fmt: skip

    assert settings.mode == "single"
    assert [asset.name for asset in settings.inventory.assets] == ["B"]
    assert settings.headend == "127.0.0.1:2"


@pytest.mark.parametrize(
    ("given", "address", "encrypted"),
    [
        ("127.0.0.1:50051", "127.0.0.1:50051", False),
        ("http://127.0.0.1:50051", "127.0.0.1:50051", False),
        ("http://127.0.0.1:50051/", "127.0.0.1:50051", False),
        ("https://headend.example:50051", "headend.example:50051", True),
        ("[::1]:50051", "[::1]:50051", False),
        ("https://headend.example", "headend.example:443", True),
    ],
)
def test_the_headends_address_may_have_a_scheme_or_none(given: str, address: str, encrypted: bool) -> None:
    settings = read_agent_settings({**SINGLE, "HEADEND_GRPC": given})

    assert settings.headend == address
    assert (settings.tls is not None) == encrypted


@pytest.mark.parametrize("given", ["", "headend", "ftp://x:1", "127.0.0.1:99999999", "127.0.0.1:50051/path", "a:b"])
def test_an_address_that_is_none_is_named(given: str) -> None:
    assert "HEADEND_GRPC" in problems({**SINGLE, "HEADEND_GRPC": given})


def test_every_variable_that_cannot_be_used_is_told_at_once_by_its_name(tmp_path: Path) -> None:
    found = problems(
        {
            **SINGLE,
            "HEADEND_GRPC": "",
            "MAX_MW": "sixty",
            "AFTERBAY_AGENT_TICK_S": "0",
            "AFTERBAY_SPOOL_MAX_MB": "-1",
            "AFTERBAY_AGENT_CERT": str(tmp_path / "missing.pem"),
        }
    )

    assert set(found) >= {
        "HEADEND_GRPC", "MAX_MW", "AFTERBAY_AGENT_TICK_S", "AFTERBAY_SPOOL_MAX_MB", "AFTERBAY_AGENT_CERT",
        "AFTERBAY_AGENT_KEY",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("variable", "value"),
    [("EFFICIENCY", "92"), ("MIN_MW", "70"), ("ASSET_ID", "A-1"), ("CAPACITY_MWHR", "-5"), ("MAX_SOC_PCT", "101"),
     ("RAMP_RATE_MW_PER_MIN", "-1"), ("MAX_MW", "nan")],
)  # fmt: skip
def test_a_value_that_no_asset_can_have_is_named_by_its_variable(variable: str, value: str) -> None:
    assert any(variable in where for where in problems({**SINGLE, variable: value}))


def test_neither_mode_is_an_error_that_names_both() -> None:
    found = problems({"HEADEND_GRPC": "127.0.0.1:1"})

    assert "GATEWAY_SITE_ID and ASSETS_PATH" in found["ASSET_ID"]
    assert "ASSETS_PATH" in problems({"HEADEND_GRPC": "127.0.0.1:1", "GATEWAY_SITE_ID": SITE})


def test_a_wrong_token_file_is_named_and_a_token_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("  a-long-secret \n")
    settings = read_agent_settings({**SINGLE, "AFTERBAY_AGENT_TOKEN_FILE": str(tmp_path / "token")})
    told = problems({**SINGLE, "AFTERBAY_AGENT_TOKEN": "se cret\x07"})

    assert settings.token == "a-long-secret"
    assert "se cret" not in told["AFTERBAY_AGENT_TOKEN"]


def test_the_originals_opcua_variables_put_assets_behind_it() -> None:
    settings = read_agent_settings({**SINGLE, "OPCUA_ENDPOINT": "opc.tcp://127.0.0.1:4840"})

    assert [asset.device for asset in settings.inventory.assets] == ["opcua:"]
    assert settings.environ == {"OPCUA_ENDPOINT": "opc.tcp://127.0.0.1:4840"}
