"""The OPC UA mapping: what it says, and the mistakes that are refused before anything moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from fleet_plant import battery

from afterbay.core.errors import InvalidInputError, NotFoundError
from afterbay.fleet.devices import NodeUse, OpcuaMapping, mapping_from_environment, read_mapping
from afterbay.fleet.devices.opcua_nodes import nodes_of_assets

if TYPE_CHECKING:
    from pathlib import Path

A, B = battery("A"), battery("B")
LOCAL = "opc.tcp://127.0.0.1:4840/plant"


def write(folder: Path, **values: Any) -> Path:
    path = folder / "map.yaml"
    path.write_text(yaml.safe_dump({"endpoint": LOCAL, **values}))
    return path


def refusal(folder: Path, **values: Any) -> str:
    with pytest.raises(InvalidInputError) as told:
        nodes_of_assets(read_mapping(write(folder, **values)), [A, B])
    return str(told.value)


def test_a_file_gives_every_asset_its_own_nodes_fields_and_details(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        username="agent",
        password="secret",
        setpoints={A.id: "ns=2;s=[edge]/Assets/A/setpoint", B.id: {"node": "ns=2;s=B/kw", "scale": 0.001}},
        telemetry_assets={A.id: {"current_mw": "ns=2;s=A/mw", "hvac_state": "ns=2;s=A/hvac"}},
        telemetry_interval_s=5,
    )

    mapping = read_mapping(path)
    a, b = nodes_of_assets(mapping, [A, B])

    assert (mapping.endpoint, mapping.username, mapping.interval_s, mapping.write_sim) == (LOCAL, "agent", 5.0, False)
    assert (a.setpoint, b.setpoint) == (
        NodeUse("ns=2;s=[edge]/Assets/A/setpoint"), NodeUse("ns=2;s=B/kw", 0.001),
    )  # fmt: skip
    assert (dict(a.telemetry), dict(a.details)) == (
        {"current_mw": NodeUse("ns=2;s=A/mw")}, {"hvac_state": NodeUse("ns=2;s=A/hvac")},
    )  # fmt: skip
    assert "secret" not in repr(mapping)


def test_the_variables_say_the_same_for_one_asset() -> None:
    mapping = mapping_from_environment({
        "OPCUA_ENDPOINT": LOCAL, "OPCUA_USERNAME": "agent", "OPCUA_PASSWORD": "x",
        "OPCUA_SETPOINT_NODE": "ns=2;s=sp", "OPCUA_NODE_CURRENT_MW": "ns=2;s=mw", "OPCUA_NODE_SOC_PCT": "ns=2;i=7",
        "OPCUA_TELEMETRY_INTERVAL_S": "8", "OPCUA_TELEMETRY_WRITE_SIM": "true",
    })  # fmt: skip
    (nodes,) = nodes_of_assets(mapping, [A])

    assert (mapping.endpoint, mapping.username, mapping.interval_s, mapping.write_sim) == (LOCAL, "agent", 8.0, True)
    assert nodes.setpoint == NodeUse("ns=2;s=sp")
    assert dict(nodes.telemetry) == {"current_mw": NodeUse("ns=2;s=mw"), "soc_pct": NodeUse("ns=2;i=7")}


def test_a_named_file_wins_and_must_be_there(tmp_path: Path) -> None:
    path = write(tmp_path, setpoints={A.id: "ns=2;s=a"})

    assert mapping_from_environment({"OPCUA_CONFIG_PATH": str(path), "OPCUA_ENDPOINT": "x"}).endpoint == LOCAL
    with pytest.raises(NotFoundError, match=r"none\.yaml"):
        mapping_from_environment({"OPCUA_CONFIG_PATH": str(tmp_path / "none.yaml")})
    with pytest.raises(InvalidInputError, match="say `device: opcua:`"):
        mapping_from_environment({"OPCUA_CONFIG_PATH": str(path)}, endpoint="opc.tcp://127.0.0.1:1/other")


def test_two_assets_never_share_a_node_that_is_written(tmp_path: Path) -> None:
    both = refusal(tmp_path, setpoints={A.id: "ns=2;s=one", B.id: "ns=2;s=one"})
    by_default = refusal(tmp_path, setpoints={A.id: "ns=2;s=one"}, default_setpoint="ns=2;s=one")
    twice_default = refusal(tmp_path, default_setpoint="i=5")

    assert "node ns=2;s=one: got setpoint of A, setpoint of B" in both
    assert "default_setpoint serves one asset only" in by_default
    assert "node ns=0;i=5" in twice_default


def test_an_asset_on_another_gateway_still_owns_its_node() -> None:
    mapping = OpcuaMapping(LOCAL, "m", default_setpoint=NodeUse("ns=2;s=one"), setpoints={B.id: NodeUse("ns=2;s=one")})

    with pytest.raises(InvalidInputError, match="one asset for each node"):
        nodes_of_assets(mapping, [A], {A.id, B.id})


def test_one_default_may_serve_the_only_asset() -> None:
    mapping = OpcuaMapping(LOCAL, "m", default_setpoint=NodeUse("ns=2;s=one"))

    assert nodes_of_assets(mapping, [A])[0].setpoint == NodeUse("ns=2;s=one")


def test_a_written_or_power_node_is_not_anothers_telemetry(tmp_path: Path) -> None:
    power = refusal(tmp_path, telemetry={"current_mw": "ns=2;s=mw"})
    written = refusal(
        tmp_path,
        telemetry_write_sim=True,
        telemetry_assets={A.id: {"soc_pct": "ns=2;s=soc"}, B.id: {"soc_pct": "ns=2;s=soc"}},
    )
    crossed = refusal(
        tmp_path, setpoints={A.id: "ns=2;s=a"}, telemetry_assets={B.id: {"current_mw": "ns=2;s=a"}}
    )  # fmt: skip

    assert "current_mw of A, current_mw of B" in power
    assert "soc_pct of A, soc_pct of B" in written
    assert "current_mw of B, setpoint of A" in crossed


def test_its_own_setpoint_may_be_read_back_as_a_field() -> None:
    mapping = OpcuaMapping(
        LOCAL, "m", setpoints={A.id: NodeUse("ns=2;s=sp")},
        telemetry_assets={A.id: {"current_mw": NodeUse("ns=2;s=mw"), "setpoint_mw": NodeUse("ns=2;s=sp")}},
    )  # fmt: skip

    assert nodes_of_assets(mapping, [A])[0].telemetry["setpoint_mw"] == NodeUse("ns=2;s=sp")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"setpoints": {"nobody": "ns=2;s=a"}}, "an unknown asset"),
        ({"telemetry": {"soc_percent": "ns=2;s=a"}}, "did you mean soc_pct?"),
        ({"telemetry_assets": {A.id: {"SOC_PCT": "ns=2;s=a"}}}, "did you mean soc_pct?"),
        ({"telemetry_assets": {A.id: {"soc_mwh": "ns=2;s=a"}}}, "did you mean soc_mwhr?"),
        ({"telemetry_assets": {A.id: {"soc_pct": "ns=2;s=a"}}}, "no current_mw"),
        ({"telemetry_assets": {A.id: {"mw": "ns=2;s=a", "current_mw": "ns=2;s=b"}}}, "both are the power"),
        ({"set_points": {}}, "did you mean setpoints?"),
        ({"endpoint": "http://127.0.0.1"}, "opc.tcp://host:port/path"),
        ({"endpoint": "opc.tcp://user:secret@127.0.0.1:4840"}, "a user in the address"),
        ({"default_setpoint": "battery"}, "a node id such as"),
        ({"default_setpoint": {"node": "ns=2;s=a", "scale": 0}}, "a number other than 0"),
        ({"default_setpoint": {"node": "ns=2;s=a", "scale": True}}, "a number other than 0"),
        ({"default_setpoint": {"node": "ns=2;s=a", "factor": 2}}, "an unknown key"),
        ({"telemetry_interval_s": -1}, "a number from 0"),
        ({"telemetry_interval_s": True}, "a number from 0"),
        ({"telemetry_write_sim": "perhaps"}, "true or false"),
        ({"password": 1234}, "a int"),
        ({"setpoints": ["ns=2;s=a"]}, "named values"),
        ({"endpoint": "opc.tcp://192.0.2.7:4840"}, "nothing, off this machine"),
        ({"security": "Basic256"}, "Aes256Sha256RsaPss"),
        ({"security": {"policy": "Basic256Sha256"}}, "a policy needs all three files"),
        ({"security": {"certificate": "a.pem"}}, "got None, allowed: none, Basic256Sha256"),
    ],
)  # fmt: skip
def test_mistakes_are_refused_with_the_next_move(tmp_path: Path, values: dict[str, Any], words: str) -> None:
    told = refusal(tmp_path, **values)

    assert words in told
    assert "map.yaml: " in told
    assert "secret" not in told
    assert "1234" not in told


def test_no_protection_off_this_machine_is_taken_when_it_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, endpoint="opc.tcp://192.0.2.7:4840", security="none")

    assert read_mapping(path).security.policy == "none"


@pytest.mark.parametrize("text", ["endpoint: [", "- a", "", "\ud800"])
def test_what_is_no_mapping_at_all_is_told_in_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "map.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))

    with pytest.raises(InvalidInputError, match=r"map\.yaml"):
        read_mapping(path)


def test_a_server_without_variables_is_told_which_one_to_set() -> None:
    with pytest.raises(InvalidInputError, match="environment: OPCUA_ENDPOINT: got nothing"):
        mapping_from_environment({})
