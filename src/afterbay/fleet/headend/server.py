"""The headend on the network: a gRPC server that carries agents' streams to it and back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import datetime
from types import TracebackType
from typing import Final
from urllib.parse import unquote

import grpc
import grpc.aio

from afterbay.fleet.headend.headend import Headend
from afterbay.fleet.headend.newest import load_kernels
from afterbay.fleet.headend.stream import Stream
from afterbay.fleet.messages import Lease
from afterbay.fleet.wire import agent_pb2 as pb
from afterbay.fleet.wire import agent_pb2_grpc, bootstrap_answer, headend_message
from afterbay.fleet.wire.frame import FrameReader
from afterbay.fleet.wire.identity import OPEN, AllowList, Grant
from afterbay.fleet.wire.options import SERVER_OPTIONS
from afterbay.fleet.wire.tls import ServerTls, open_port, peer_names, token_of

__all__ = ["HeadendServer"]

_log = logging.getLogger(__name__)
_FAREWELL_S: Final = 0.05
"""So long after the end of what an agent sends is waited for the news that its connection is lost."""


class HeadendServer:
    """Listens for agents while its `async with` block runs.

    Memory does not grow with an agent that does not read: its outbox is bounded, one message at a time is with gRPC,
    and a write that takes longer than `stall_s` ends the stream. Nor with one that writes faster than the recorder
    takes it: the stream is not read further, and its sender feels the flow control.
    """

    def __init__(
        self,
        headend: Headend,
        address: str,
        *,
        tls: ServerTls | None = None,
        allow: AllowList | None = None,
        proxy: str = "",
        stall_s: float = 30.0,
        grace_s: float = 2.0,
    ) -> None:
        """Prepare.

        Args:
            headend: Running, and owned by the same event loop.
            address: `host:port`; port 0 takes a free one.
            tls: None: plain text, on loopback only.
            allow: Who may call and claim what, by certificate or token; None: anybody who can connect.
            proxy: Name of a proxy in front that encrypts; with it plain text is accepted elsewhere too.
            stall_s: Longest that an agent may leave a message unread [s].
            grace_s: Time for streams to end when the server stops [s].
        """
        self._headend = headend
        self._address = address
        self._tls = tls
        self._allow = allow
        self._proxy = proxy
        self._stall_s = stall_s
        self._grace_s = grace_s
        self._server: grpc.aio.Server | None = None
        self._refused = 0
        self.port = 0
        """Where it listens, once it does."""

    async def __aenter__(self) -> HeadendServer:
        """Listen; `InvalidInputError` and `UnavailableError` as `open_port`."""
        server = grpc.aio.server(options=list(SERVER_OPTIONS))
        server.add_generic_rpc_handlers((_handler(_Link(self)),))
        self.port = open_port(server, self._address, self._tls, proxy=self._proxy)
        await server.start()
        self._server = server
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._headend.close_streams("the headend stops")
            await self._server.stop(self._grace_s)
            self._server = None

    async def admit(self, context: grpc.aio.ServicerContext[object, object]) -> Grant:
        """Find out who calls, and end the call when nobody may."""
        if self._allow is None:
            return OPEN
        names = peer_names(context.auth_context())
        token = token_of(context.invocation_metadata())
        grant = self._allow.of_names(names) or (self._allow.of_token(token) if token else None)
        if grant is not None:
            return grant
        shown = f"certificate {names[0]!r}" if names else "a token" if token else "no certificate and no token"
        told = f"{_peer(context)} shows {shown}: not on the allow-list"
        self._refused += 1
        if self._refused & (self._refused - 1) == 0:
            self._headend.note_refusal(f"{told} (refusal {self._refused})")
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, told)
        raise AssertionError  # abort raises

    async def carry(self, context: grpc.aio.ServicerContext[object, object]) -> None:
        """Carry one agent's stream until either side ends it."""
        grant = await self.admit(context)
        stream = self._headend.open_stream(_peer(context), grant)
        reader = asyncio.create_task(self._read(stream, context))
        writer = asyncio.create_task(self._write(stream, context))
        reason = "disconnected"
        try:
            done: set[asyncio.Task[None]] = set()
            while not done and not self._stalls(stream):
                done, _ = await asyncio.wait(
                    (reader, writer), timeout=self._stall_s / 2.0, return_when=asyncio.FIRST_COMPLETED
                )
            if not done:
                reason = f"does not read: a message waited for {self._stall_s:g} s"
            elif any(_failed(task) for task in done):
                reason = "connection lost"
            else:
                # A lost connection ends the reading like a farewell, and cancels this call a moment sooner or later.
                await asyncio.sleep(_FAREWELL_S)
        except asyncio.CancelledError:
            reason = "connection lost"
            raise
        finally:
            reason = stream.outbox.closed_because or reason
            self._headend.close_stream(stream, reason)
            for task in (reader, writer):
                task.cancel()
            await asyncio.gather(reader, writer, return_exceptions=True)
        if reason != "disconnected":
            await context.abort(grpc.StatusCode.UNAVAILABLE, reason)

    def restorations(self, request: pb.BootstrapRequest, grant: Grant) -> pb.BootstrapResponse:
        """Answer an agent that starts."""
        return bootstrap_answer(self._headend.bootstrap(request.asset_ids, grant), self._headend.now())

    async def _read(self, stream: Stream, context: grpc.aio.ServicerContext[object, object]) -> None:
        headend = self._headend
        while (message := await context.read()) is not grpc.aio.EOF:
            if not headend.has_room:
                await headend.room(stream)
            headend.hear(stream, message)

    async def _write(self, stream: Stream, context: grpc.aio.ServicerContext[object, object]) -> None:
        loop = asyncio.get_running_loop()
        while (message := await stream.outbox.next()) is not None:
            now = self._headend.now()
            if isinstance(message, Lease) and _is_late(message, now, asks=stream.protocol > 0):
                if stream.protocol == 0:
                    self._headend.not_written(stream, message)
                continue
            stream.writing_since_s = loop.time()
            await context.write(headend_message(message, now))
            stream.writing_since_s = None

    def _stalls(self, stream: Stream) -> bool:
        # Looked at now and then: a timer around every write would cost more than the write.
        since_s = stream.writing_since_s
        return since_s is not None and asyncio.get_running_loop().time() - since_s > self._stall_s


class _Link(agent_pb2_grpc.AgentLinkServicer):
    """The service of `agent.proto`."""

    def __init__(self, server: HeadendServer) -> None:
        self._carrier = server

    async def Stream(  # noqa: N802
        self,
        request_iterator: Iterator[pb.AgentToHeadend],  # noqa: ARG002
        context: grpc.aio.ServicerContext[object, object],
    ) -> None:
        await self._carrier.carry(context)

    async def Bootstrap(  # noqa: N802
        self, request: pb.BootstrapRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> pb.BootstrapResponse:
        return self._carrier.restorations(request, await self._carrier.admit(context))


def _handler(link: _Link) -> grpc.GenericRpcHandler:
    """Return the service as the generated code would add it, but for who reads the messages of a stream."""
    return grpc.method_handlers_generic_handler(
        pb.DESCRIPTOR.services_by_name["AgentLink"].full_name,
        {
            "Stream": grpc.stream_stream_rpc_method_handler(
                link.Stream,
                request_deserializer=FrameReader(load_kernels).read,
                response_serializer=pb.HeadendToAgent.SerializeToString,
            ),
            "Bootstrap": grpc.unary_unary_rpc_method_handler(
                link.Bootstrap,
                request_deserializer=pb.BootstrapRequest.FromString,
                response_serializer=pb.BootstrapResponse.SerializeToString,
            ),
        },
    )


def _is_late(lease: Lease, now: datetime, *, asks: bool) -> bool:
    """Is it better not written? After its delivery deadline an agent is asked whether it has it, and refuses it if not.

    Without that answer a command that a lost connection swallowed would count as sent for ever. One of the original
    would apply it.
    """
    late = not asks and lease.deliver_by is not None and lease.deliver_by < now
    return not lease.cancel and (late or (lease.valid_until is not None and lease.valid_until <= now))


def _peer(context: grpc.aio.ServicerContext[object, object]) -> str:
    """Return `host:port` of `ipv4:127.0.0.1:1234` and `ipv6:%5B::1%5D:1234`."""
    kind, _, rest = unquote(context.peer()).partition(":")
    return rest if kind in {"ipv4", "ipv6"} else f"{kind}:{rest}"


def _failed(task: asyncio.Task[None]) -> bool:
    """Did one half of a stream end by an error? One that is not gRPC's is a defect, and is logged as such."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not type(error).__module__.startswith("grpc"):
        _log.error("a stream ended by a defect of the headend", exc_info=error)
    return task.cancelled() or error is not None
