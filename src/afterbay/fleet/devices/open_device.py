"""Chooses the adapter of an asset by its device URI; assets behind one connection share one device."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from afterbay.core.errors import InvalidInputError, Problem, Problems
from afterbay.fleet.devices.opcua import OpcuaDevice
from afterbay.fleet.devices.opcua_mapping import mapping_from_environment, read_mapping
from afterbay.fleet.devices.simulated import open_simulated
from afterbay.fleet.devices.sunspec import SunspecDevice
from afterbay.fleet.devices.sunspec_address import SunspecAddress, read_sunspec_uri
from afterbay.fleet.inventory.words import suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from afterbay.fleet.devices.device import Device
    from afterbay.fleet.inventory.records import Asset, Site

__all__ = ["DEVICE_SCHEMES", "DeviceSurroundings", "open_device", "open_devices"]

DEVICE_SCHEMES: Final = ("sim", "opcua", "opc.tcp", "sunspec+tcp")
_EXAMPLES: Final = "sim: | opcua:mapping.yaml | opc.tcp://host:4840 | sunspec+tcp://host:502/1"


@dataclass(frozen=True, slots=True)
class DeviceSurroundings:
    """What devices need to know beside their assets; every effect is an argument."""

    start: datetime
    """Where simulated time begins, UTC."""
    sites: tuple[Site, ...] = ()
    known_ids: frozenset[str] = frozenset()
    """Ids of all assets of the inventory: an OPC UA mapping may serve several gateways."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables by name; the `OPCUA_*` ones are read."""
    monotonic: Callable[[], float] = time.monotonic
    draw: Callable[[], float] = random.random


def open_device(uri: str, assets: Sequence[Asset], surroundings: DeviceSurroundings) -> Device:
    """Return the device of a URI, not yet connected.

    Args:
        uri: `sim:`, `opcua:` (the `OPCUA_*` variables), `opcua:mapping.yaml`, `opc.tcp://host:port/path` or
            `sunspec+tcp://host:port/unit`.
        assets: All assets behind it, one or more; what they say of their own device does not matter.
        surroundings: Clock, sites and variables.

    Raises:
        InvalidInputError: The URI, its mapping or its options cannot be used; every problem is told.
        NotFoundError: There is no such mapping file.
    """
    (device,) = open_devices([replace(asset, device=uri) for asset in assets], surroundings)
    return device


def open_devices(assets: Iterable[Asset], surroundings: DeviceSurroundings) -> tuple[Device, ...]:
    """Return the devices of assets, not yet connected, in the order of their first asset; raises as `open_device`."""
    groups: dict[tuple[str, ...], list[Asset]] = {}
    problems = Problems()
    for asset in assets:
        try:
            groups.setdefault(_connection(asset), []).append(asset)
        except InvalidInputError as error:
            problems.extend(error.problems)
    devices: list[Device] = []
    for (scheme, *_), members in groups.items():
        try:
            devices.append(_OPENERS[scheme](members, surroundings))
        except InvalidInputError as error:
            problems.extend(error.problems)
    _check_shared_nodes(devices, problems)
    problems.raise_if_any()
    return tuple(devices)


def _connection(asset: Asset) -> tuple[str, ...]:
    """Return what names the connection of an asset: the scheme, and where it leads."""
    scheme = asset.device.partition(":")[0].lower()
    if scheme not in DEVICE_SCHEMES or ":" not in asset.device:
        move = suggest(scheme, DEVICE_SCHEMES, "write sim: for the simulator")
        raise InvalidInputError(Problem(f"device of {asset.name}", asset.device or "nothing", _EXAMPLES, move))
    if scheme == "sunspec+tcp":
        address = _address(asset)
        return scheme, address.host, str(address.port)
    return scheme, asset.device


def _check_shared_nodes(devices: Sequence[Device], problems: Problems) -> None:
    """Note nodes that two mappings of the same server would both write."""
    owners: dict[tuple[str, str], str] = {}
    for device in devices:
        for place, name in device.written_nodes.items() if isinstance(device, OpcuaDevice) else ():
            if owners.setdefault(place, name) != name:
                got = f"the node {place[1]} of {owners[place]}"
                problems.add(f"device of {name}", got, "a setpoint node of its own", "mend one of the two mappings")


def _open_simulated(assets: Sequence[Asset], surroundings: DeviceSurroundings) -> Device:
    return open_simulated(
        assets[0].device,
        assets,
        start=surroundings.start,
        sites=surroundings.sites,
        monotonic=surroundings.monotonic,
    )


def _open_opcua(assets: Sequence[Asset], surroundings: DeviceSurroundings) -> Device:
    scheme, _, rest = assets[0].device.partition(":")
    if scheme.lower() == "opc.tcp":
        mapping = mapping_from_environment(surroundings.environment, endpoint=assets[0].device)
    elif rest:
        mapping = read_mapping(Path(rest))
    else:
        mapping = mapping_from_environment(surroundings.environment)
    return OpcuaDevice(
        mapping,
        assets,
        known_ids=surroundings.known_ids,
        simulated=lambda modelled: _open_simulated([replace(each, device="sim:") for each in modelled], surroundings),
        site_names={site.id: site.name for site in surroundings.sites},
        monotonic=surroundings.monotonic,
        draw=surroundings.draw,
    )


def _open_sunspec(assets: Sequence[Asset], surroundings: DeviceSurroundings) -> Device:
    problems = Problems()
    units: dict[int, Asset] = {}
    addresses = [(asset, _address(asset)) for asset in assets]
    options = addresses[0][1].options
    for asset, address in addresses:
        other = units.setdefault(address.unit, asset)
        if other is not asset:
            problems.add(
                f"device of {asset.name}", f"{asset.device}, as {other.name}", "a unit of its own",
                "give every asset its own unit id",
            )  # fmt: skip
        if address.options != options:
            problems.add(
                f"device of {asset.name}", f"other options than {assets[0].name}", "the same options",
                f"{address.host}:{address.port} is one connection",
            )  # fmt: skip
    problems.raise_if_any()
    return SunspecDevice(
        addresses[0][1].host,
        addresses[0][1].port,
        [(asset, address.unit) for asset, address in addresses],
        options=options,
        site_names={site.id: site.name for site in surroundings.sites},
        monotonic=surroundings.monotonic,
        draw=surroundings.draw,
    )


def _address(asset: Asset) -> SunspecAddress:
    return read_sunspec_uri(asset.device, f"device of {asset.name}")


_OPENERS: Final[dict[str, Callable[[Sequence[Asset], DeviceSurroundings], Device]]] = {
    "sim": _open_simulated,
    "opcua": _open_opcua,
    "opc.tcp": _open_opcua,
    "sunspec+tcp": _open_sunspec,
}
