"""An OPC UA server as a device: its nodes are read, or a simulation is written into them; setpoints are written."""

from __future__ import annotations

import asyncio
import math
import random
import time
from typing import TYPE_CHECKING, Final

from afterbay.core.errors import InvalidInputError, Problems, UnavailableError
from afterbay.fleet.devices.device import WriteResult
from afterbay.fleet.devices.opcua_nodes import AssetNodes, nodes_of_assets
from afterbay.fleet.devices.opcua_samples import field_values, sample
from afterbay.fleet.devices.opcua_session import OpcuaSession
from afterbay.fleet.devices.opcua_units import check_ranges, check_units, uses_with_units
from afterbay.fleet.devices.order_checks import find_refusal
from afterbay.fleet.devices.retrying import Retry
from afterbay.fleet.devices.sample_words import unanswered

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from afterbay.fleet.devices.device import Device, DeviceOrder
    from afterbay.fleet.devices.opcua_mapping import NodeUse, OpcuaMapping
    from afterbay.fleet.inventory.records import Asset
    from afterbay.fleet.messages import Telemetry
    from afterbay.fleet.physics import SimulatedFleet

__all__ = ["OpcuaDevice"]

_SETPOINT_UNIT: Final = "MW"
_READ_BACK_TOLERANCE: Final = 1e-6


class OpcuaDevice:
    """All assets behind one OPC UA server.

    With `telemetry_write_sim` every asset is simulated and the nodes are written; without, the nodes are read, and
    only assets that have no telemetry nodes at all are simulated. A read that fails is never replaced by a
    simulation. OPC UA knows no timer for a setpoint: the agent ends each order.

    Args:
        mapping: Nodes of the server.
        assets: All assets behind it.
        known_ids: Ids of all assets of the inventory.
        simulated: Makes the device of the assets that are simulated; needed only where there are some.
        site_names: Name of each site id, for the telemetry.
        monotonic: Seconds of a clock that never steps.
        draw: Draws from 0 to 1, for the pauses between tries.

    Raises:
        InvalidInputError: Two assets share a node, or one is unknown; nothing is started.
    """

    ramps_itself = False
    """Whatever stands behind a setpoint node may jump to it, also where a simulation does not."""

    def __init__(
        self,
        mapping: OpcuaMapping,
        assets: Sequence[Asset],
        *,
        known_ids: Collection[str] = (),
        simulated: Callable[[Sequence[Asset]], Device] | None = None,
        site_names: Mapping[str, str] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._mapping = mapping
        self._nodes = {each.asset.id: each for each in nodes_of_assets(mapping, assets, known_ids)}
        self._ids = tuple(self._nodes)
        self._site_names = dict(site_names or {})
        self._monotonic = monotonic
        self._retry = Retry(monotonic, draw)
        self._session = OpcuaSession(mapping)
        self._lock = asyncio.Lock()
        self._last: dict[str, Telemetry] = {}
        self._leases: dict[str, DeviceOrder] = {}
        self._exchanged_s = -math.inf
        self.troubles: dict[str, str] = {}
        """Why an asset does not answer, by its id; empty while all is well."""
        modelled = [each.asset for each in self._nodes.values() if mapping.write_sim or not each.telemetry]
        self._simulated_ids = {asset.id for asset in modelled}
        self._simulated = simulated(modelled) if simulated is not None and modelled else None

    @property
    def asset_ids(self) -> tuple[str, ...]:
        """Assets behind this connection."""
        return self._ids

    @property
    def fleet(self) -> SimulatedFleet | None:
        """What is simulated behind the nodes, whose state an agent keeps over a restart; None: nothing is."""
        return getattr(self._simulated, "fleet", None)

    @property
    def interval_s(self) -> float:
        """Time between two readings of the nodes [s]; 0: every tick, as what is simulated always is."""
        return 0.0 if self._mapping.write_sim else self._mapping.interval_s

    @property
    def written_nodes(self) -> dict[tuple[str, str], str]:
        """Name of the asset whose setpoint each node of each endpoint is."""
        return {
            (self._mapping.endpoint, each.setpoint.node): each.asset.name
            for each in self._nodes.values()
            if each.setpoint is not None
        }

    async def open(self) -> None:
        """Connect, and compare units and ranges with the mapping where the server tells them.

        Raises:
            UnavailableError: The server does not answer or does not let us in.
            InvalidInputError: A node is not there, or has another unit than the mapping says.
            MissingExtraError: asyncua is not installed.
        """
        if self._simulated is not None:
            await self._simulated.open()
        async with self._lock:
            try:
                await self._connect()
            except (UnavailableError, InvalidInputError) as error:
                self._note_failure(str(error))
                raise

    async def read(self, now: datetime) -> Sequence[Telemetry]:
        """Return one sample of every asset that ever answered; the old one, marked bad, of one that does not now."""
        samples = {each.asset_id: each for each in await self._simulated.read(now)} if self._simulated else {}
        async with self._lock:
            if self._is_due():
                try:
                    await self._connect()
                    if self._mapping.write_sim:
                        await self._write_samples(samples)
                    else:
                        await self._read_nodes(now)
                    self._retry.succeeded()
                    self._exchanged_s = self._monotonic()
                except (UnavailableError, InvalidInputError) as error:
                    self._note_failure(str(error))
            for asset_id, last in self._last.items():
                samples[asset_id] = unanswered(last, "no_answer") if asset_id in self.troubles else last
        return [samples[asset_id] for asset_id in self._ids if asset_id in samples]

    async def write(self, orders: Sequence[DeviceOrder], now: datetime) -> Sequence[WriteResult]:
        """Write each setpoint into its asset's own node and read it back."""
        async with self._lock:
            down = ""
            if any((nodes := self._nodes.get(order.asset_id)) and nodes.setpoint for order in orders):
                # Waiting once for a server that is not there is enough for all orders.
                try:
                    await self._connect()
                except (UnavailableError, InvalidInputError) as error:
                    self._note_failure(down := str(error))
            return [await self._write(order, now, down) for order in orders]

    async def close(self) -> None:
        """Leave the server; the setpoints stay as they are."""
        async with self._lock:
            await self._session.close()
        if self._simulated is not None:
            await self._simulated.close()

    def _is_due(self) -> bool:
        return self._retry.due and self._monotonic() - self._exchanged_s >= self._mapping.interval_s

    def _note_failure(self, reason: str) -> None:
        for asset_id in self._ids:
            self.troubles[asset_id] = reason
        self._retry.failed()

    async def _connect(self) -> None:
        """Make a session, unless one stands, and check what the server says of the nodes."""
        if self._session.is_open:
            return
        await self._session.connect()
        try:
            await self._check_nodes()
        except InvalidInputError:
            await self._session.close()
            raise

    async def _check_nodes(self) -> None:
        uses = []
        problems = Problems()
        setpoints = [(each, each.setpoint) for each in self._nodes.values() if each.setpoint is not None]
        for each, use in setpoints:
            uses.append((f"setpoint of {each.asset.name}", _SETPOINT_UNIT, use))
        for each in self._nodes.values():
            uses.extend(uses_with_units(f"telemetry of {each.asset.name}", list(each.telemetry.items())))
        # Every node is read once: those that are written must have a known type, and none may be missing.
        places = {use.node: place for place, _, use in uses}
        for each in self._nodes.values():
            for name, use in (*each.telemetry.items(), *each.details.items()):
                places.setdefault(use.node, f"telemetry of {each.asset.name}.{name}")
        for node, value in zip(places, await self._session.learn_kinds(list(places)), strict=True):
            if value.status in ("BadNodeIdUnknown", "BadNodeIdInvalid"):
                where = f"{self._mapping.source}: {places[node]}"
                problems.add(where, node, "a node of the server", f"{value.status}: copy its id from the server")
        units = await self._session.properties([use.node for _, _, use in uses], "EngineeringUnits")
        check_units(self._mapping.source, uses, units, problems)
        ranges = await self._session.properties([use.node for _, use in setpoints], "EURange")
        for (each, use), told in zip(setpoints, ranges, strict=True):
            check_ranges(self._mapping.source, each.asset, use, told, problems)
        problems.raise_if_any()

    async def _read_nodes(self, now: datetime) -> None:
        read = [each for each in self._nodes.values() if each.asset.id not in self._simulated_ids]
        wanted = list(
            dict.fromkeys(use.node for each in read for use in (*each.telemetry.values(), *each.details.values()))
        )
        said = dict(zip(wanted, await self._session.read(wanted), strict=True))
        self.troubles.clear()
        for each in read:
            asset = each.asset
            new = sample(each, self._site_names.get(asset.site_id, ""), said, self._lease_of(asset.id, now), now)
            if new is not None:
                self._last[asset.id] = new
            else:
                self.troubles[asset.id] = _power_trouble(each, {node: value.status for node, value in said.items()})

    def _lease_of(self, asset_id: str, now: datetime) -> str | None:
        order = self._leases.get(asset_id)
        if order is None or (order.valid_until is not None and order.valid_until <= now):
            self._leases.pop(asset_id, None)
            return None
        return order.lease_id

    async def _write_samples(self, samples: Mapping[str, Telemetry]) -> None:
        values = [
            pair for asset_id, each in samples.items() for pair in field_values(self._nodes[asset_id], each)
        ]  # fmt: skip
        refused = [
            f"{node}: {reason}"
            for (node, _), reason in zip(values, await self._session.write(values), strict=True) if reason
        ]  # fmt: skip
        self.troubles.clear()
        if refused:
            self.troubles.update(dict.fromkeys(samples, "; ".join(refused[:3])))

    async def _write(self, order: DeviceOrder, now: datetime, down: str) -> WriteResult:
        nodes = self._nodes.get(order.asset_id)
        refusal = self._find_refusal(nodes, order, now) or (down if nodes is not None and nodes.setpoint else "")
        if nodes is None or refusal:
            return WriteResult(order.asset_id, accepted=False, reason=refusal)
        result = WriteResult(order.asset_id, accepted=True)
        if nodes.setpoint is not None:
            try:
                result = await self._write_setpoint(nodes.setpoint, order)
            except UnavailableError as error:
                self._note_failure(str(error))
                return WriteResult(order.asset_id, accepted=False, reason=str(error))
        # The model follows only what the server took: the two must not part.
        if result.accepted and order.asset_id in self._simulated_ids and self._simulated is not None:
            simulated = (await self._simulated.write([order], now))[0]
            if not simulated.accepted or nodes.setpoint is None:
                result = simulated
        if result.accepted:
            self._leases[order.asset_id] = order
        return result

    def _find_refusal(self, nodes: AssetNodes | None, order: DeviceOrder, now: datetime) -> str:
        simulated = self._simulated is not None and order.asset_id in self._simulated_ids
        if nodes is not None and nodes.setpoint is None and not simulated:
            return "no setpoint node is mapped: the asset can be read, not commanded"
        return find_refusal(None if nodes is None else nodes.asset, order, now)

    async def _write_setpoint(self, use: NodeUse, order: DeviceOrder) -> WriteResult:
        refused = (await self._session.write([(use.node, order.mw / use.scale)]))[0]
        if refused:
            return WriteResult(order.asset_id, accepted=False, reason=refused)
        answer = (await self._session.read([use.node]))[0]
        try:
            told_mw = float(answer.value) * use.scale
        except (TypeError, ValueError):
            told_mw = math.nan
        if answer.quality == "bad" or not math.isfinite(told_mw):
            reason = f"written, but it cannot be read back ({answer.status})"
            return WriteResult(order.asset_id, accepted=True, reason=reason)
        close = abs(told_mw - order.mw) <= _READ_BACK_TOLERANCE * max(1.0, abs(order.mw))
        reason = "" if close else f"the server keeps {told_mw:g} MW instead of {order.mw:g} MW"
        return WriteResult(order.asset_id, accepted=True, reason=reason, read_back_mw=told_mw)


def _power_trouble(nodes: AssetNodes, statuses: Mapping[str, str]) -> str:
    use = nodes.telemetry.get("current_mw") or nodes.telemetry["mw"]
    return f"the node of its power ({use.node}) answers {statuses[use.node]}"
