"""One kept session with an OPC UA server, made anew with a new client when it is lost."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from afterbay.core.errors import MissingExtraError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from afterbay.fleet.devices.opcua_mapping import OpcuaMapping
    from afterbay.fleet.messages import Quality

__all__ = ["NodeValue", "OpcuaSession"]

_TOO_LARGE: Final = (
    "BadTooManyOperations", "BadRequestTooLarge", "BadResponseTooLarge", "BadEncodingLimitsExceeded",
    "BadTcpMessageTooLarge",
)  # fmt: skip
_LONGEST_CONNECT: Final = 3.0
_SEVERITY_SHIFT: Final = 30
_QUALITIES: Final[tuple[Quality, ...]] = ("good", "uncertain", "bad", "bad")
_INTEGERS: Final = ("SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64")


@dataclass(frozen=True, slots=True)
class NodeValue:
    """What a node said."""

    value: Any
    quality: Quality
    status: str
    """Name of the status code."""
    timestamp: datetime | None
    """Of the source, or of the server where the source gives none."""
    kind: str
    """Name of the variant type."""


class OpcuaSession:
    """Reads and writes nodes over one session.

    Args:
        mapping: Endpoint, user, protection and time limit.
    """

    def __init__(self, mapping: OpcuaMapping) -> None:
        self._mapping = mapping
        self._client: Any = None
        self._batch = 1_000_000
        self.kinds: dict[str, str] = {}
        """Variant type of each node that was read since the session was made."""

    @property
    def is_open(self) -> bool:
        """Whether there is a session, as far as is known."""
        return self._client is not None

    async def connect(self) -> None:
        """Make a session with a new client; an old one is left first.

        Raises:
            UnavailableError: The server does not answer, or does not let us in.
            MissingExtraError: asyncua is not installed.
        """
        await self.close()
        mapping = self._mapping
        # A client that lost its connection stays lost in part (asyncua issue 1660): it is never used again.
        client = _asyncua().Client(mapping.endpoint, timeout=mapping.timeout_s)
        if mapping.username is not None:
            client.set_user(mapping.username)
            client.set_password(mapping.password or "")
        try:
            async with asyncio.timeout(_LONGEST_CONNECT * mapping.timeout_s):
                await self._protect(client)
                await client.connect()
        except Exception as error:
            client.disconnect_socket()
            raise UnavailableError(f"no session with {mapping.endpoint}: {_words(error)}") from None
        except asyncio.CancelledError:
            client.disconnect_socket()
            raise
        self._client = client
        self.kinds = {}

    async def close(self) -> None:
        """Leave the server."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(self._mapping.timeout_s):
                    await client.disconnect()
            client.disconnect_socket()

    async def read(self, nodes: Sequence[str]) -> list[NodeValue]:
        """Return the value of each node, in one request where the server allows it.

        Raises:
            UnavailableError: The session is lost.
        """
        values = await self._split(nodes, self._read_batch)
        self.kinds.update({node: value.kind for node, value in zip(nodes, values, strict=True) if value.kind != "Null"})
        return values

    async def write(self, values: Sequence[tuple[str, object]]) -> list[str]:
        """Write nodes in their own types and return, for each, "" or why it was not written.

        Raises:
            UnavailableError: The session is lost.
        """
        return await self._split(values, self._write_batch)

    async def learn_kinds(self, nodes: Sequence[str]) -> list[NodeValue]:
        """Read nodes that will be written, so that their types are known, also of those that are empty yet.

        Raises:
            UnavailableError: The session is lost.
        """
        ua = _asyncua().ua
        values = await self.read(nodes)
        empty = [node for node in nodes if node not in self.kinds]

        async def ask(batch: Sequence[str]) -> list[Any]:
            ids = [ua.NodeId.from_string(node) for node in batch]
            answers: list[Any] = await self._client.uaclient.read_attributes(ids, ua.AttributeIds.DataType)
            return answers

        for node, answer in zip(empty, await self._split(empty, ask), strict=True):
            kind = answer.Value.Value if answer.Value is not None else None
            names = {each.value: each.name for each in ua.VariantType}
            if isinstance(kind, ua.NodeId) and kind.NamespaceIndex == 0 and kind.Identifier in names:
                self.kinds[node] = names[kind.Identifier]
        return values

    async def properties(self, nodes: Sequence[str], name: str) -> list[Any]:
        """Return a property of each node, such as its engineering units; None where it has none.

        Raises:
            UnavailableError: The session is lost.
        """
        ua = _asyncua().ua
        element = ua.RelativePathElement(
            ReferenceTypeId=ua.NodeId(ua.ObjectIds.HasProperty),
            IsInverse=False,
            IncludeSubtypes=True,
            TargetName=ua.QualifiedName(name),
        )

        async def find(batch: Sequence[str]) -> list[str]:
            paths = [
                ua.BrowsePath(StartingNode=ua.NodeId.from_string(node), RelativePath=ua.RelativePath([element]))
                for node in batch
            ]
            results = await self._client.uaclient.translate_browsepaths_to_nodeids(paths)
            return [each.Targets[0].TargetId.to_string() if each.Targets else "" for each in results]

        places = await self._split(nodes, find)
        values = iter(await self._split([place for place in places if place], self._read_batch))
        return [next(values).value if place else None for place in places]

    async def _split(self, items: Sequence[Any], ask: Any) -> list[Any]:
        """Ask for all items in batches of the size that the server last took."""
        done: list[Any] = []
        while len(done) < len(items):
            batch = items[len(done) : len(done) + self._batch]
            if self._client is None:
                raise UnavailableError(f"no session with {self._mapping.endpoint}")
            try:
                done.extend(await ask(batch))
            except Exception as error:  # asyncua lets errors of every kind through
                if type(error).__name__ in _TOO_LARGE and len(batch) > 1:
                    self._batch = len(batch) // 2
                    if self._is_connected():
                        continue
                await self.close()
                raise UnavailableError(f"the session with {self._mapping.endpoint} is lost: {_words(error)}") from None
        return done

    async def _read_batch(self, nodes: Sequence[str]) -> list[NodeValue]:
        ua = _asyncua().ua
        ids = [ua.NodeId.from_string(node) for node in nodes]
        return [_value(each) for each in await self._client.uaclient.read_attributes(ids, ua.AttributeIds.Value)]

    async def _write_batch(self, values: Sequence[tuple[str, object]]) -> list[str]:
        ua = _asyncua().ua
        answers = [""] * len(values)
        ids, data, places = [], [], []
        for place, (node, value) in enumerate(values):
            kind = self.kinds.get(node, "Double")
            try:
                variant = ua.Variant(_as_kind(value, kind), ua.VariantType[kind])
                ua.ua_binary.variant_to_binary(variant)
            except (TypeError, ValueError, struct.error, OverflowError, ua.UaError):
                answers[place] = f"{value!r} is no {kind}"
                continue
            ids.append(ua.NodeId.from_string(node))
            data.append(ua.DataValue(variant))
            places.append(place)
        if ids:
            codes = await self._client.uaclient.write_attributes(ids, data, ua.AttributeIds.Value)
            for place, code in zip(places, codes, strict=True):
                answers[place] = "" if code.is_good() else f"the server answers {code.name}: {code.doc}"
        return answers

    async def _protect(self, client: Any) -> None:
        security = self._mapping.security
        if security.policy == "none":
            return
        ua, security_policies = _asyncua().ua, importlib.import_module("asyncua.crypto.security_policies")
        # Servers refuse a client whose name is not the one in its certificate.
        certificate = await importlib.import_module("asyncua.crypto.uacrypto").load_certificate(
            str(security.certificate)
        )
        x509 = importlib.import_module("cryptography.x509")
        with contextlib.suppress(x509.ExtensionNotFound):
            names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            for uri in names.get_values_for_type(x509.UniformResourceIdentifier)[:1]:
                client.application_uri = uri
        await client.set_security(
            getattr(security_policies, f"SecurityPolicy{security.policy}"),
            str(security.certificate),
            str(security.private_key),
            server_certificate=str(security.server_certificate),
            mode=ua.MessageSecurityMode[security.mode],
        )

    def _is_connected(self) -> bool:
        protocol = self._client.uaclient.protocol
        return protocol is not None and protocol.transport is not None


def _asyncua() -> Any:
    try:
        return importlib.import_module("asyncua")
    except ImportError:
        raise MissingExtraError("asyncua", "fleet", "an OPC UA server") from None


def _value(data: Any) -> NodeValue:
    code = data.StatusCode
    number = 0 if code is None else code.value
    variant = data.Value
    return NodeValue(
        value=None if variant is None else variant.Value,
        quality=_QUALITIES[number >> _SEVERITY_SHIFT & 3],
        status="Good" if code is None else code.name,
        timestamp=data.SourceTimestamp or data.ServerTimestamp,
        kind="Null" if variant is None else variant.VariantType.name,
    )


def _as_kind(value: object, kind: str) -> object:
    """Return a value as the type of its node; raises `TypeError` or `ValueError` when it has no such form."""
    if kind == "String":
        return str(value)
    if kind in ("Float", "Double"):
        return float(value)  # type: ignore[arg-type]
    if kind in _INTEGERS:
        return round(float(value))  # type: ignore[arg-type]
    if kind == "Boolean" and isinstance(value, bool):
        return value
    raise TypeError(kind)


def _words(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text[:200] or type(error).__name__
