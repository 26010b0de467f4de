"""Which OPC UA node is which number of which asset: the mapping, from a YAML file or from the environment."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from afterbay.core.errors import InvalidInputError, NotFoundError, Problem, Problems
from afterbay.fleet.devices.opcua_fields import FIELDS, POWER_FIELDS
from afterbay.fleet.devices.opcua_security import SECURITY_VARIABLES, OpcuaSecurity, read_security
from afterbay.fleet.inventory.words import shown, suggest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NodeUse", "OpcuaMapping", "mapping_from_environment", "read_mapping"]

_KEYS: Final = (
    "endpoint", "username", "password", "security", "default_setpoint", "setpoints", "telemetry", "default_telemetry",
    "telemetry_assets", "telemetry_interval_s", "telemetry_write_sim", "timeout_s",
)  # fmt: skip
_TRUE: Final = ("1", "true", "yes", "on")
_FALSE: Final = ("0", "false", "no", "off", "")
_NODE_PREFIX: Final = "OPCUA_NODE_"
_LARGEST_BYTES: Final = 5_000_000


@dataclass(frozen=True, slots=True)
class NodeUse:
    """A node and what its number means to us."""

    node: str
    """`ns=2;s=...`"""
    scale: float = 1.0
    """Our number is the node's times this: 0.001 for a node in kW where we mean MW, -1 for the other sign."""


@dataclass(frozen=True, slots=True)
class OpcuaMapping:
    """All that is said about one OPC UA server, before it is laid beside the assets."""

    endpoint: str
    source: str
    """Names file or environment in messages."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    security: OpcuaSecurity = field(default_factory=OpcuaSecurity)
    default_setpoint: NodeUse | None = None
    setpoints: Mapping[str, NodeUse] = field(default_factory=dict)
    default_telemetry: Mapping[str, NodeUse] = field(default_factory=dict)
    telemetry_assets: Mapping[str, Mapping[str, NodeUse]] = field(default_factory=dict)
    interval_s: float = 0.0
    """Shortest time between two exchanges of telemetry [s]; 0: with every tick."""
    write_sim: bool = False
    timeout_s: float = 4.0


def read_mapping(path: Path) -> OpcuaMapping:
    """Read a mapping file.

    Raises:
        NotFoundError: If there is no such file.
        InvalidInputError: With every problem found.
    """
    import yaml

    try:
        raw = path.read_bytes()
    except OSError as error:
        raise NotFoundError(f"the OPC UA mapping {path} cannot be read: {error.strerror}") from None
    try:
        if len(raw) > _LARGEST_BYTES:
            raise InvalidInputError(Problem(path.name, f"{len(raw)} bytes", f"at most {_LARGEST_BYTES}", "split it"))
        values = yaml.safe_load(raw.decode("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        line = " ".join(str(error).split())[:200]
        raise InvalidInputError(Problem(path.name, line, "valid YAML in UTF-8", "mend the file")) from None
    if not isinstance(values, dict):
        raise InvalidInputError(Problem(path.name, shown(values), "named values", "start with `endpoint: opc.tcp://`"))
    return _Reader(path.name, Problems()).read(values, path.parent)


def mapping_from_environment(environment: Mapping[str, str], *, endpoint: str | None = None) -> OpcuaMapping:
    """Return the mapping that the `OPCUA_*` variables describe.

    Args:
        environment: Variables by name.
        endpoint: Wins over `OPCUA_ENDPOINT`, such as that of a URI.

    Raises:
        NotFoundError: If `OPCUA_CONFIG_PATH` names no file.
        InvalidInputError: With every problem found.
    """
    config_path = environment.get("OPCUA_CONFIG_PATH", "").strip()
    if config_path:
        mapping = read_mapping(Path(config_path))
        if endpoint is not None and mapping.endpoint != endpoint:
            where = f"{mapping.source}: endpoint"
            raise InvalidInputError(Problem(where, mapping.endpoint, endpoint, "say `device: opcua:` for this mapping"))
        return mapping
    nodes = {
        name.removeprefix(_NODE_PREFIX).lower(): node for name, node in environment.items()
        if name.startswith(_NODE_PREFIX) and node
    }  # fmt: skip
    values: dict[str, Any] = {
        "endpoint": endpoint or environment.get("OPCUA_ENDPOINT", ""),
        "username": environment.get("OPCUA_USERNAME") or None,
        "password": environment.get("OPCUA_PASSWORD") or None,
        "default_setpoint": environment.get("OPCUA_SETPOINT_NODE") or None,
        "default_telemetry": nodes,
        "telemetry_interval_s": environment.get("OPCUA_TELEMETRY_INTERVAL_S") or 0,
        "telemetry_write_sim": environment.get("OPCUA_TELEMETRY_WRITE_SIM", ""),
        "security": {key: environment[name] for name, key in SECURITY_VARIABLES.items() if environment.get(name)},
    }
    return _Reader("environment", Problems(), _VARIABLES).read(values, Path())


_VARIABLES: Final = {
    "endpoint": "OPCUA_ENDPOINT",
    "default_setpoint": "OPCUA_SETPOINT_NODE",
    "default_telemetry": "OPCUA_NODE_<FIELD>",
    "telemetry_interval_s": "OPCUA_TELEMETRY_INTERVAL_S",
    "telemetry_write_sim": "OPCUA_TELEMETRY_WRITE_SIM",
}


class _Reader:
    """Reads plain values into a mapping and collects what is wrong."""

    def __init__(self, source: str, problems: Problems, names: Mapping[str, str] | None = None) -> None:
        self._source = source
        self._problems = problems
        self._names = names or {}

    def read(self, values: Mapping[Any, Any], folder: Path) -> OpcuaMapping:
        for key in values:
            if key not in _KEYS:
                self._note(str(key), "an unknown key", ", ".join(_KEYS), suggest(key, _KEYS))
        endpoint = values.get("endpoint") or ""
        if not _is_endpoint(endpoint):
            got = "nothing" if not endpoint else "a user in the address" if "@" in str(endpoint) else shown(endpoint)
            self._note("endpoint", got, "opc.tcp://host:port/path", "opc.tcp://192.0.2.7:4840, say")
        telemetry = self._fields("telemetry", values.get("telemetry"), strict=True)
        telemetry |= self._fields("default_telemetry", values.get("default_telemetry"), strict=True)
        default = values.get("default_setpoint")
        mapping = OpcuaMapping(
            endpoint=str(endpoint),
            source=self._source,
            username=self._text("username", values),
            password=self._text("password", values),
            security=read_security(values.get("security"), str(endpoint), folder, self._source, self._problems),
            default_setpoint=self._node("default_setpoint", default) if default else None,
            setpoints={
                asset: use for asset, node in self._table("setpoints", values.get("setpoints")).items()
                if (use := self._node(f"setpoints.{asset}", node)) is not None
            },
            default_telemetry=telemetry,
            telemetry_assets={
                asset: self._fields(f"telemetry_assets.{asset}", fields, strict=False)
                for asset, fields in self._table("telemetry_assets", values.get("telemetry_assets")).items()
            },
            interval_s=self._number("telemetry_interval_s", values.get("telemetry_interval_s") or 0.0, 86_400.0),
            write_sim=self._flag("telemetry_write_sim", values.get("telemetry_write_sim")),
            timeout_s=self._number("timeout_s", values.get("timeout_s") or 4.0, 600.0),
        )  # fmt: skip
        self._problems.raise_if_any()
        return mapping

    def _fields(self, place: str, values: Any, *, strict: bool) -> dict[str, NodeUse]:
        """Read nodes by field; where any other key is a detail, a misspelt field is still a mistake."""
        found: dict[str, NodeUse] = {}
        for name, node in self._table(place, values).items():
            if name not in FIELDS and strict:
                move = suggest(name, FIELDS, "list it under an asset, as a detail")
                self._note(f"{place}.{name}", "an unknown field", ", ".join(FIELDS), move)
            elif name not in FIELDS and (meant := _meant(name)) is not None:
                self._note(f"{place}.{name}", "an unknown field", ", ".join(FIELDS), f"did you mean {meant}?")
            elif (use := self._node(f"{place}.{name}", node)) is not None:
                found[name] = use
        if len(both := [name for name in POWER_FIELDS if name in found]) > 1:
            self._note(f"{place}.{both[1]}", f"also {both[0]}", "one of them", f"remove {both[1]}: both are the power")
        return found

    def _node(self, place: str, value: Any) -> NodeUse | None:
        scale: Any = 1.0
        if isinstance(value, dict):
            for key in value:
                if key not in ("node", "scale"):
                    self._note(f"{place}.{key}", "an unknown key", "node, scale", suggest(key, ("node", "scale")))
            value, scale = value.get("node"), value.get("scale", 1.0)
        if isinstance(scale, bool) or not isinstance(scale, (int, float)) or not math.isfinite(scale) or scale == 0:
            self._note(f"{place}.scale", shown(scale), "a number other than 0", "0.001 turns kW into MW")
            return None
        if not isinstance(value, str) or not _is_node(value):
            self._note(place, shown(value), "a node id such as ns=2;s=Battery/Power", "copy it from the server")
            return None
        return NodeUse(value, float(scale))

    def _table(self, place: str, value: Any) -> dict[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._note(place, shown(value), "named values", "give key: value pairs")
            return {}
        return {str(key): each for key, each in value.items()}

    def _number(self, key: str, value: Any, largest: float) -> float:
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not 0.0 <= number <= largest:
            self._note(key, shown(value), f"a number from 0 to {largest:g}", "a number of seconds")
        return number

    def _flag(self, key: str, value: Any) -> bool:
        word = "" if value is None else str(value).strip().lower()
        if word not in _TRUE + _FALSE:
            self._note(key, shown(value), "true or false", "true: simulate and write the nodes; false: read them")
        return word in _TRUE

    def _text(self, key: str, values: Mapping[Any, Any]) -> str | None:
        value = values.get(key)
        if value is not None and not isinstance(value, str):
            # The value may be a password: it is not shown.
            self._note(key, f"a {type(value).__name__}", "text", "put it in quotes")
            return None
        return value

    def _note(self, place: str, got: str, allowed: str, move: str) -> None:
        self._problems.add(f"{self._source}: {self._names.get(place) or place}", got, allowed, move)


def _is_endpoint(endpoint: object) -> bool:
    if not isinstance(endpoint, str):
        return False
    try:
        parts = urlsplit(endpoint)
        # A password in the address would show in every message.
        return parts.scheme == "opc.tcp" and "@" not in parts.netloc and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_node(text: str) -> bool:
    parts = dict(part.split("=", 1) for part in text.split(";", 1) if "=" in part)
    identifiers = {"i", "s", "g", "b"} & set(parts)
    return len(identifiers) == 1 and parts.get("ns", "0").isdigit() and all(parts[name] for name in identifiers)


def _meant(name: str) -> str | None:
    """Return the field that a name stands for when only case, underscores or the wire's `mwhr` differ."""
    bare = name.lower().replace("_", "").replace("-", "").removesuffix("r")
    return next((field for field in FIELDS if field.replace("_", "").removesuffix("r") == bare), None)
