"""One Modbus TCP connection to one or more SunSpec units: requests, refusals in words, and the chain of models."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from afterbay.core.errors import AfterbayError, MissingExtraError, UnavailableError
from afterbay.fleet.devices.sunspec_models import BASES, END_OF_CHAIN, MARKER, MODELS, read_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from afterbay.fleet.devices.registers import WordOrder

__all__ = ["ModbusRefusedError", "SunspecLink"]

_MOST_MODELS: Final = 200
_LAST_ADDRESS: Final = 0xFFFF
_WORDS: Final = {
    1: "the device does not know this function",
    2: "the device has no such register, or it cannot be written",
    3: "the device does not accept this value",
    4: "the device failed while doing it",
    5: "the device needs longer; nothing is confirmed",
    6: "the device is busy",
    7: "the device will not do it",
    8: "the device found its memory damaged",
    10: "the Modbus gateway has no path to this unit",
    11: "the unit behind the Modbus gateway does not answer",
}


class ModbusRefusedError(AfterbayError):
    """A unit answered that it will not do this."""

    def __init__(self, code: int, what: str) -> None:
        self.code = code
        super().__init__(f"{what}: {_WORDS.get(code, 'the device refused')} (Modbus exception {code})")


class SunspecLink:
    """A connection that is made when it is needed and dropped when an answer stays away.

    Args:
        host: Name or address.
        port: TCP port.
        timeout_s: Longest wait for a connection or an answer [s].
        word_order: Order of the registers of a long number.
    """

    def __init__(self, host: str, port: int, *, timeout_s: float, word_order: WordOrder) -> None:
        self.host = host
        self.port = port
        self.word_order: WordOrder = word_order
        self._timeout_s = timeout_s
        self._client: Any = None

    async def connect(self) -> None:
        """Connect, unless the connection stands.

        Raises:
            UnavailableError: Nobody answers at this address.
            MissingExtraError: pymodbus is not installed.
        """
        if self._client is not None and self._client.connected:
            return
        self.close()
        try:
            from pymodbus.client import AsyncModbusTcpClient
        except ImportError:
            raise MissingExtraError("pymodbus", "fleet", "a SunSpec device") from None

        # Its own reconnection is off: ours waits with jitter and learns the models anew.
        client = AsyncModbusTcpClient(self.host, port=self.port, timeout=self._timeout_s, retries=0, reconnect_delay=0)
        if not await client.connect():
            client.close()
            raise UnavailableError(f"no Modbus device answers at {self.host}:{self.port}")
        self._client = client

    def close(self) -> None:
        """Drop the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def read(self, unit: int, address: int, count: int) -> list[int]:
        """Return holding registers of a unit.

        Raises:
            ModbusRefusedError: The unit refused.
            UnavailableError: It did not answer; the connection is dropped.
        """
        client = self._connected()
        answer = await self._ask(client.read_holding_registers, unit, f"read {address}", address, count=count)
        registers: list[int] = answer.registers
        if len(registers) != count:
            self.close()
            raise UnavailableError(f"unit {unit} at {self.host}:{self.port} sent {len(registers)} of {count} registers")
        return registers

    async def write(self, unit: int, address: int, values: Sequence[int], what: str) -> None:
        """Write holding registers of a unit; raises as `read` does."""
        await self._ask(self._connected().write_registers, unit, f"write {what}", address, list(values))

    async def find_models(self, unit: int) -> dict[int, int]:
        """Return the address of each model that we know, from the chain that begins with the SunS marker.

        Raises:
            UnavailableError: It is no SunSpec unit, or a model is not laid out as SunSpec defines it.
            ModbusRefusedError: The unit refused in the middle of the chain.
        """
        address = await self._find_marker(unit) + len(MARKER)
        found: dict[int, int] = {}
        for _ in range(_MOST_MODELS):
            if address >= _LAST_ADDRESS:
                break
            model_id, length = await self.read(unit, address, 2)
            if model_id == END_OF_CHAIN:
                return found
            known = MODELS.get(model_id)
            if known is not None and length != known.length:
                raise UnavailableError(
                    f"unit {unit} at {self.host}:{self.port}: its model {model_id} ({known.name}) has {length} "
                    f"registers, SunSpec defines {known.length}; reading it would give wrong numbers"
                )
            if known is not None:
                found.setdefault(model_id, address)
            address += 2 + length
        raise UnavailableError(f"unit {unit} at {self.host}:{self.port}: the chain of models has no end")

    async def read_model(self, unit: int, model_id: int, address: int) -> dict[str, float | None]:
        """Return the points of a model by name; raises as `read` does."""
        model = MODELS[model_id]
        registers: dict[int, int] = {}
        for offset, count in model.spans:
            registers.update(enumerate(await self.read(unit, address + offset, count), start=offset))
        return read_points(model, registers, self.word_order)

    async def _find_marker(self, unit: int) -> int:
        refused = ""
        for base in BASES:
            try:
                if tuple(await self.read(unit, base, len(MARKER))) == MARKER:
                    return base
            except ModbusRefusedError as refusal:
                refused = f" ({refusal})"
        raise UnavailableError(
            f"unit {unit} at {self.host}:{self.port} shows no SunS marker at {', '.join(map(str, BASES))}{refused}"
            " -> check host, port and unit id"
        )

    def _connected(self) -> Any:
        if self._client is None or not self._client.connected:
            self.close()
            raise UnavailableError(f"the connection to {self.host}:{self.port} is lost")
        return self._client

    async def _ask(self, call: Any, unit: int, what: str, *args: Any, **options: Any) -> Any:
        from pymodbus.exceptions import ModbusException

        try:
            answer = await call(*args, device_id=unit, **options)
        except (TimeoutError, ModbusException, OSError):
            # The answer may still come: on the same connection it could be taken for that of the next request.
            self.close()
            raise UnavailableError(f"unit {unit} at {self.host}:{self.port} does not answer") from None
        except asyncio.CancelledError:
            self.close()
            raise
        if answer.isError():
            raise ModbusRefusedError(answer.exception_code, f"unit {unit}, {what}")
        return answer
