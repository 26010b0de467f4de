"""Real servers on this machine, for the tests of the device adapters: a SunSpec plant and an OPC UA server."""

from __future__ import annotations

import asyncio
import logging
import math
import struct
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

import asyncua
from asyncua.common.utils import ServiceError
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["BASE", "OpcuaServer", "SunspecServer", "SunspecUnit", "ua"]

# The package does not export its names for type checkers.
_opcua: Any = asyncua
ua: Any = _opcua.ua
_T = TypeVar("_T")

BASE = 40000
_LENGTHS = {1: 66, 701: 153, 704: 65, 713: 7, 802: 62}
_FORMATS = {"h": 1, "H": 1, "i": 2, "I": 2, "Q": 4}


class SunspecUnit:
    """A battery inverter that keeps its setpoint, follows it at once, and ends it by its own timer.

    Offsets count registers from the id register of a model, as in the published definitions.
    """

    def __init__(
        self,
        *,
        lengths: dict[int, int] | None = None,
        swapped: bool = False,
        power_of_ten: int = 3,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.refuse: dict[int, ExcCodes] = {}
        """Exception for writes that touch this (absolute) register."""
        self.writes: list[tuple[int, list[int]]] = []
        self.silent = False
        self._swapped = swapped
        self._clock = clock
        self._ends_s = math.inf
        self._power_of_ten = power_of_ten
        self.start: dict[int, int] = {}
        self.registers = [0x5375, 0x6E53]
        for model_id, length in (lengths or _LENGTHS).items():
            self.start[model_id] = BASE + len(self.registers)
            self.registers += [model_id, length, *[0xFFFF] * length]
        self.registers += [0xFFFF, 0]
        for model_id in (701, 704, 713, 802):
            if model_id in self.start:
                self._fill(model_id)

    def _fill(self, model_id: int) -> None:
        values: dict[int, tuple[int, str]] = {
            701: {3: (1, "H"), 4: (3, "H"), 5: (1, "H"), 6: (0, "I"), 10: (0, "h"), 17: (5002, "I"),
                  19: (7_000_000, "Q"), 23: (9_000_000, "Q"), 115: (-2, "h"), 116: (self._power_of_ten, "h"),
                  120: (0, "h")},
            704: {22: (0, "H"), 23: (0, "H"), 24: (0, "i"), 26: (0, "i"), 30: (0, "H"), 31: (0, "I"), 33: (0, "I"),
                  49: (100, "H"), 50: (1, "H"), 55: (self._power_of_ten, "h")},
            713: {2: (1200, "H"), 3: (600, "H"), 4: (500, "H"), 5: (1000, "H"), 6: (0, "H"), 7: (5, "h"), 8: (-1, "h")},
            802: {3: (1200, "H"), 7: (90, "H"), 8: (10, "H"), 10: (15, "H"), 11: (50, "H"), 13: (100, "H"),
                  14: (42, "I"), 16: (6, "H"), 17: (0, "H"), 18: (1, "H"), 19: (0, "H"), 22: (3, "H"),
                  53: (5, "h"), 56: (0, "h"), 58: (0, "h")},
        }[model_id]  # fmt: skip
        for offset, (value, code) in values.items():
            self.put(model_id, offset, value, code)

    def put(self, model_id: int, offset: int, value: int, code: str = "H") -> None:
        """Set a number of a model."""
        words = list(struct.unpack(f">{_FORMATS[code]}H", struct.pack(f">{code}", value)))
        if self._swapped:
            words.reverse()
        place = self.start[model_id] - BASE + offset
        self.registers[place : place + len(words)] = words

    def get(self, model_id: int, offset: int, code: str = "H") -> int:
        """Return a number of a model."""
        place = self.start[model_id] - BASE + offset
        words = self.registers[place : place + _FORMATS[code]]
        if self._swapped:
            words = words[::-1]
        value: int = struct.unpack(f">{code}", struct.pack(f">{len(words)}H", *words))[0]
        return value

    async def act(
        self, function: int, start: int, address: int, count: int, registers: list[int], values: Any
    ) -> ExcCodes | None:
        """Stand behind the server's registers: answer reads from ours, take writes into ours."""
        while self.silent:
            await asyncio.sleep(0.01)
        self.settle()
        if values:
            for place in range(address, address + count):
                if place in self.refuse:
                    return self.refuse[place]
            self.writes.append((address, list(values)))
            self.registers[address - BASE : address - BASE + count] = list(values)
            if address <= self.start.get(704, 0) + 22 < address + count:
                self._enable()
        registers[:-1] = self.registers
        return None

    def _enable(self) -> None:
        self._ends_s = math.inf
        if self.get(704, 22) == 1:
            self.follow(self.get(704, 24, "i"))
            seconds = self.get(704, 31, "I")
            self.put(704, 33, seconds, "I")
            if seconds:
                self._ends_s = self._clock() + seconds

    def settle(self) -> None:
        """Let the device's own timer run out if its time has come."""
        if self._clock() >= self._ends_s:
            self._ends_s = math.inf
            self.put(704, 22, self.get(704, 30))
            self.put(704, 24, self.get(704, 26, "i"), "i")
            self.put(704, 31, 0, "I")
            self.put(704, 33, 0, "I")
            self.follow(self.get(704, 24, "i"))

    def follow(self, power: int) -> None:
        """Deliver this power, in the unit of the scale factor."""
        self.put(701, 10, power, "h")


class SunspecServer:
    """A pymodbus server with some units; `async with` starts and ends it."""

    def __init__(self, units: dict[int, SunspecUnit], port: int = 0) -> None:
        self.units = units
        self.port = port
        self._server: Any = None

    async def __aenter__(self) -> SunspecServer:
        devices = [
            SimDevice(
                id=number,
                simdata=[SimData(BASE, values=list(unit.registers), datatype=DataType.REGISTERS)],
                action=unit.act,
            )
            for number, unit in self.units.items()
        ]
        self._server = ModbusTcpServer(devices, address=("127.0.0.1", self.port))
        await self._server.serve_forever(background=True)
        self.port = self._server.transport.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def kill(self) -> None:
        """End the server and its connections; the units live on."""
        if self._server is not None:
            for each in list(self._server.active_connections.values()):
                each.close()
            await self._server.shutdown()
            self._server = None
            await asyncio.sleep(0)


class OpcuaServer:
    """An asyncua server in a thread of its own: loading its address space takes seconds, so many tests share one."""

    def __init__(self) -> None:
        logging.getLogger("asyncua").setLevel(logging.CRITICAL)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._kinds: dict[str, Any] = {}
        self.port = 0
        self.index = 0
        self.largest_read = 1_000_000
        """Nodes that one read request may name."""
        self.requests = 0
        """Reads of several nodes."""
        self.call(self._make())

    @property
    def endpoint(self) -> str:
        """Where it listens."""
        return f"opc.tcp://127.0.0.1:{self.port}/plant"

    def call(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Do something in the server's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)

    async def _make(self) -> None:
        self.server: Any = _opcua.Server()
        await self.server.init()
        self.server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        self.index = await self.server.register_namespace("urn:afterbay:test")
        service = self.server.iserver.attribute_service
        whole_read = service.read

        def read(parameters: Any, *rest: Any, **named: Any) -> Any:
            self.requests += len(parameters.NodesToRead) > 1
            if len(parameters.NodesToRead) > self.largest_read:
                raise ServiceError(ua.StatusCodes.BadTooManyOperations)
            return whole_read(parameters, *rest, **named)

        service.read = read
        await self._start()

    async def _start(self) -> None:
        self.server.set_endpoint(self.endpoint)
        await self.server.start()
        self.port = self.server.bserver._server.sockets[0].getsockname()[1]

    def protect(self, certificate: str, private_key: str) -> None:
        """Start again, offering encryption with this certificate too."""

        async def load() -> None:
            await self.server.load_certificate(certificate)
            await self.server.load_private_key(private_key)

        self.stop()
        self.call(load())
        kinds = ua.SecurityPolicyType
        self.server.set_security_policy([kinds.NoSecurity, kinds.Basic256Sha256_SignAndEncrypt])
        self.start()

    def start(self) -> None:
        """Start again at the same port, with the nodes as they were."""
        self.call(self._start())

    def stop(self) -> None:
        """End the server and its connections."""
        self.call(self.server.stop())

    def end(self) -> None:
        """End the thread too."""
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    def add(
        self, name: str, value: Any, kind: str = "Double", *, writable: bool = False, unit: str = "",
        reach: tuple[float, float] | None = None,
    ) -> str:  # fmt: skip
        """Add a variable and return its node id."""
        return self.call(self._add(name, value, kind, writable, unit, reach))

    async def _add(
        self, name: str, value: Any, kind: str, writable: bool, unit: str, reach: tuple[float, float] | None
    ) -> str:
        node_id = ua.NodeId(name, self.index)
        variable = await self.server.nodes.objects.add_variable(node_id, name, value, ua.VariantType[kind])
        if writable:
            await variable.set_writable()
        if unit:
            told = ua.EUInformation(DisplayName=ua.LocalizedText(unit))
            await variable.add_property(0, "EngineeringUnits", told)
        if reach:
            await variable.add_property(0, "EURange", ua.Range(Low=reach[0], High=reach[1]))
        self._kinds[node_id.to_string()] = ua.VariantType[kind]
        return str(node_id.to_string())

    def put(self, node: str, value: Any, *, status: int = 0, at: Any = None) -> None:
        """Set a value with its status and source time, in the type that the node has."""

        async def put() -> None:
            variable = self.server.get_node(node)
            data = ua.DataValue(
                ua.Variant(value, self._kinds[node]), StatusCode=ua.StatusCode(status), SourceTimestamp=at
            )
            await self.server.iserver.write_attribute_value(variable.nodeid, data)

        self.call(put())

    def get(self, node: str) -> Any:
        """Return a node's value."""
        return self.call(self.server.get_node(node).read_value())
