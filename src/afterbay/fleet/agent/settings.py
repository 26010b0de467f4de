"""What the environment says about an agent: the variables of the original, and our own beside them."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from afterbay.core.errors import AfterbayError, InvalidInputError, Problem, Problems
from afterbay.fleet.agent.records import SpoolLimits
from afterbay.fleet.inventory import Asset, Inventory, Site, read_asset, read_inventory

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AgentSettings", "TlsFiles", "read_agent_settings"]

_NUMBERS = {
    "CAPACITY_MWHR": "capacity_mwhr",
    "MAX_MW": "max_mw",
    "MIN_MW": "min_mw",
    "EFFICIENCY": "efficiency",
    "RAMP_RATE_MW_PER_MIN": "ramp_rate_mw_per_min",
    "MIN_SOC_PCT": "min_soc_pct",
    "MAX_SOC_PCT": "max_soc_pct",
}
_OPTIONAL = ("MIN_SOC_PCT", "MAX_SOC_PCT")
_TEXTS = {"ASSET_ID": "id", "SITE_ID": "site_id", "ASSET_NAME": "name", "ASSET_LOCATION": "location",
          "AFTERBAY_AGENT_DEVICE": "device"}  # fmt: skip
_MIB = 1_000_000


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Files of an encrypted link."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """How an agent runs."""

    headend: str
    """`host:port`."""
    gateway_id: str
    mode: Literal["gateway", "single"]
    inventory: Inventory
    """What this agent serves, and nothing else."""
    data: Path
    """Folder of the spool and the state."""
    tick_s: float = 4.0
    heartbeat_s: float = 30.0
    silence_s: float = 60.0
    """How long the headend may owe receipts without a word before the connection counts as dead."""
    hold_offline_s: float | None = None
    """Longest hold of a command without end while the headend is out of reach; None: for ever."""
    tls: TlsFiles | None = None
    """None: plain text, on loopback only."""
    token: str | None = field(default=None, repr=False)
    proxy: str = ""
    spool: SpoolLimits = field(default_factory=SpoolLimits)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The `OPCUA_*` variables, for devices."""
    known_ids: frozenset[str] = frozenset()
    """Ids of all assets of the file: an OPC UA mapping may name them too."""


def read_agent_settings(
    environ: Mapping[str, str] | None = None, *, cwd: Path | None = None, **given: str | None
) -> AgentSettings:
    """Return the settings of the environment.

    Args:
        environ: Variables; None: those of the process.
        cwd: Where relative paths start; None: the working folder.
        given: Options that win over variables: `headend`, `assets`, `site`, `asset`, `data`.

    Raises:
        InvalidInputError: With every variable that cannot be used.
        NotFoundError: If the assets file does not exist.
    """
    values = {key: value.strip() for key, value in (os.environ if environ is None else environ).items()}
    names = {"headend": "HEADEND_GRPC", "assets": "ASSETS_PATH", "site": "GATEWAY_SITE_ID", "asset": "ASSET_ID",
             "data": "AFTERBAY_AGENT_DATA"}  # fmt: skip
    for option, value in given.items():
        if value is not None:
            values[names[option]] = value
    if given.get("asset") is not None:
        # Who names one asset means that one, whatever is set for a gateway.
        values.pop("GATEWAY_SITE_ID", None)
    read = _Reader({key: value for key, value in values.items() if value}, cwd or Path.cwd())
    headend, encrypted = _headend(read)
    served = _with_opcua(read, _served(read))
    tls = _tls(read, encrypted)
    token = _token(read)
    settings = AgentSettings(
        headend=headend,
        gateway_id="",
        mode="gateway" if read.has("GATEWAY_SITE_ID") else "single",
        inventory=served,
        data=Path(),
        tick_s=read.number("AFTERBAY_AGENT_TICK_S", 4.0, least=0.05),
        heartbeat_s=read.number("AFTERBAY_AGENT_HEARTBEAT_S", 30.0, least=0.1),
        silence_s=read.number("AFTERBAY_AGENT_SILENCE_S", 60.0, least=1.0),
        hold_offline_s=read.number("AFTERBAY_AGENT_HOLD_OFFLINE_S", 0.0, least=0.0) or None,
        tls=tls,
        token=token,
        proxy=read.text("AFTERBAY_AGENT_PROXY"),
        spool=SpoolLimits(
            max_bytes=int(read.number("AFTERBAY_SPOOL_MAX_MB", 512.0, least=0.1) * _MIB),
            max_age_s=read.number("AFTERBAY_SPOOL_MAX_AGE_H", 168.0, least=0.001) * 3600.0,
        ),
        known_ids=read.known_ids or frozenset(asset.id for asset in served.assets),
        environ={key: value for key, value in read.values.items() if key.startswith("OPCUA_")},
    )
    read.problems.raise_if_any()
    first = read.text("GATEWAY_SITE_ID") and served.sites[0].id
    gateway_id = read.text("GATEWAY_ID") or first or min(asset.id for asset in served.assets)
    data = read.values.get("AFTERBAY_AGENT_DATA")
    folder = read.cwd / data if data else _default_folder(gateway_id)
    return replace(settings, gateway_id=gateway_id, data=folder)


class _Reader:
    """Variables with their problems."""

    def __init__(self, values: Mapping[str, str], cwd: Path) -> None:
        self.values = dict(values)
        self.cwd = cwd
        self.problems = Problems()
        self.known_ids: frozenset[str] = frozenset()

    def has(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str) -> str:
        return self.values.get(name, "")

    def number(self, name: str, usual: float, *, least: float) -> float:
        if name not in self.values:
            return usual
        try:
            value = float(self.values[name])
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value >= least):
            self.problems.add(name, self.values[name], f"a number, {least:g} or more", "correct or unset the variable")
            return usual
        return value

    def file(self, name: str) -> Path | None:
        if name not in self.values:
            return None
        path = self.cwd / self.values[name]
        if not path.is_file():
            self.problems.add(name, f"{path} (no such file)", "a file that can be read", "correct the path")
        return path


def _headend(read: _Reader) -> tuple[str, bool]:
    """Return `host:port` and whether the address asks for encryption; `http://` may be there or not."""
    given = read.text("HEADEND_GRPC")
    if not given:
        read.problems.add("HEADEND_GRPC", "nothing", "host:port of the headend", "HEADEND_GRPC=127.0.0.1:50051")
        return "", False
    address = given if "://" in given else f"http://{given}"
    try:
        parts = urlsplit(address)
        port = parts.port or (443 if parts.scheme == "https" else 80) if "://" in given else parts.port
        host = parts.hostname
    except ValueError:
        parts, port, host = urlsplit(""), None, None
    if parts.scheme not in ("http", "https") or not host or not port or parts.path.strip("/"):
        read.problems.add(
            "HEADEND_GRPC", given, "host:port, http://host:port or https://host:port", "127.0.0.1:50051, for example"
        )
        return "", False
    return (f"[{host}]:{port}" if ":" in host else f"{host}:{port}"), parts.scheme == "https"


def _served(read: _Reader) -> Inventory:
    """Return the part of the inventory that this agent serves."""
    if read.has("GATEWAY_SITE_ID"):
        if not read.has("ASSETS_PATH"):
            read.problems.add("ASSETS_PATH", "nothing", "the assets file, together with GATEWAY_SITE_ID", "set it")
            return Inventory()
        inventory = _file(read)
        site = None if inventory is None else _named(read, "GATEWAY_SITE_ID", inventory.sites, "a site of the file")
        if inventory is None or site is None:
            return Inventory()
        assets = inventory.assets_of(site.id)
        if not assets:
            read.problems.add("GATEWAY_SITE_ID", site.name, "a site with assets", "add an asset to the file")
        return Inventory((site,), assets, inventory.groups)
    if not read.has("ASSET_ID"):
        read.problems.add(
            "ASSET_ID", "nothing", "the asset's id, or GATEWAY_SITE_ID and ASSETS_PATH for a whole site", "set one"
        )
        return Inventory()
    return _one_of_file(read) if read.has("ASSETS_PATH") else _one_of_variables(read)


def _file(read: _Reader) -> Inventory | None:
    try:
        inventory = read_inventory(read.cwd / read.text("ASSETS_PATH"))
        read.known_ids = frozenset(asset.id for asset in inventory.assets)
    except InvalidInputError as error:
        read.problems.extend(error.problems)
    except AfterbayError as error:
        read.problems.add("ASSETS_PATH", str(error).split(" -> ")[0], "a file that exists", "correct the path")
    else:
        return inventory
    return None


def _named(read: _Reader, variable: str, among: tuple[Any, ...], what: str) -> Any:
    """Return the one that is meant, by its id or by a name that only it has."""
    wanted = read.text(variable).lower()
    found = [one for one in among if one.id == wanted] or [one for one in among if one.name.lower() == wanted]
    if len(found) != 1:
        known = ", ".join(f"{one.name} ({one.id})" for one in among[:5])
        read.problems.add(variable, read.text(variable), f"{what}: {known}", "give one of these ids")
        return None
    return found[0]


def _one_of_file(read: _Reader) -> Inventory:
    inventory = _file(read)
    asset = None if inventory is None else _named(read, "ASSET_ID", inventory.assets, "an asset of the file")
    if inventory is None or asset is None:
        return Inventory()
    return Inventory(tuple(site for site in inventory.sites if site.id == asset.site_id), (asset,), inventory.groups)


def _one_of_variables(read: _Reader) -> Inventory:
    fields: dict[str, object] = {"name": read.text("ASSET_NAME") or read.text("ASSET_ID")}
    for variable, key in _TEXTS.items():
        if read.has(variable):
            fields[key] = read.text(variable)
    before = len(read.problems.found)
    for variable, key in _NUMBERS.items():
        if read.has(variable):
            fields[key] = read.number(variable, math.nan, least=-math.inf)
        elif variable not in _OPTIONAL:
            read.problems.add(variable, "nothing", "a number", "set it, or name an assets file with ASSETS_PATH")
    if not read.has("SITE_ID"):
        read.problems.add("SITE_ID", "nothing", "the id of the asset's site", "set it")
    if len(read.problems.found) > before:
        return Inventory()
    asset: Asset | None = None
    try:
        asset = read_asset(fields)
    except InvalidInputError as error:
        read.problems.extend(_by_variable(problem) for problem in error.problems)
    if asset is None:
        return Inventory()
    return Inventory((Site(asset.site_id, read.text("SITE_NAME") or asset.site_id),), (asset,))


def _with_opcua(read: _Reader, served: Inventory) -> Inventory:
    """As in the original, its variables put assets behind OPC UA that name no device of their own."""
    if not (read.has("OPCUA_CONFIG_PATH") or read.has("OPCUA_ENDPOINT")):
        return served
    assets = tuple(replace(asset, device="opcua:") if asset.device == "sim:" else asset for asset in served.assets)
    return replace(served, assets=assets)


def _by_variable(problem: Problem) -> Problem:
    """Name the variable where the check names the key of the file."""
    for variable, key in {**_NUMBERS, **_TEXTS}.items():
        if problem.where.split(" ", 1)[0].endswith(f".{key}"):
            return replace(problem, where=variable)
    return problem


def _tls(read: _Reader, encrypted: bool) -> TlsFiles | None:
    files = TlsFiles(
        read.file("AFTERBAY_AGENT_CA"),
        read.file("AFTERBAY_AGENT_CERT"),
        read.file("AFTERBAY_AGENT_KEY"),
        read.text("AFTERBAY_AGENT_SERVER_NAME") or None,
    )
    if (files.certificate is None) != (files.key is None):
        lacks = "AFTERBAY_AGENT_KEY" if files.key is None else "AFTERBAY_AGENT_CERT"
        read.problems.add(lacks, "nothing", "certificate and key together", "set both")
    return files if encrypted or files != TlsFiles() else None


def _token(read: _Reader) -> str | None:
    path = read.file("AFTERBAY_AGENT_TOKEN_FILE")
    token = read.text("AFTERBAY_AGENT_TOKEN")
    if path is not None and path.is_file():
        token = path.read_text(encoding="utf-8", errors="replace").strip()
    if token and not (token.isascii() and token.isprintable() and " " not in token):
        read.problems.add("AFTERBAY_AGENT_TOKEN", "a value that is not shown", "printable ASCII without blanks", "")
        return None
    return token or None


def _default_folder(gateway_id: str) -> Path:
    from platformdirs import user_data_path

    safe = "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in gateway_id)[:80]
    return user_data_path("afterbay") / "agent" / safe.lstrip(".")
