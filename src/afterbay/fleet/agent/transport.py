"""The agent's end of a gRPC stream: outbound only, one channel per connection."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

from afterbay.core.errors import AfterbayError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import grpc

    from afterbay.fleet.wire import agent_pb2 as pb
    from afterbay.fleet.wire.tls import ClientTls

__all__ = ["Conversation", "GrpcTransport", "Transport"]

_ENDING_S: Final = 2.0
"""So long a headend may take to say why a stream takes no message any more."""


class Conversation(Protocol):
    """One stream to a headend. `send` waits while the headend does not read; both raise `UnavailableError`."""

    async def send(self, message: pb.AgentToHeadend) -> None:
        """Write a message."""

    async def receive(self) -> pb.HeadendToAgent | None:
        """Return the next message; None: the headend has ended the stream."""

    async def close(self) -> None:
        """End the stream."""


class Transport(Protocol):
    """How a headend is reached."""

    async def open(self) -> Conversation:
        """Begin a stream."""

    async def bootstrap(self, asset_ids: Sequence[str], timeout_s: float) -> pb.BootstrapResponse:
        """Ask what the headend remembers of assets."""


class GrpcTransport:
    """A headend at an address.

    Args:
        address: `host:port`.
        tls: None: plain text, on loopback only.
        token: Shown with every call.
        proxy: Name of a proxy in front that encrypts.
        options: Of the channel, in place of the usual ones with the same name.
    """

    def __init__(
        self,
        address: str,
        *,
        tls: ClientTls | None = None,
        token: str | None = None,
        proxy: str = "",
        options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        self.address = address
        self._tls = tls
        self._token = token
        self._proxy = proxy
        self._options = dict(options)

    async def open(self) -> Conversation:
        """Begin a stream; it fails with its first use when nobody is there."""
        from afterbay.fleet.wire import agent_pb2_grpc
        from afterbay.fleet.wire.tls import token_metadata

        channel = self._channel()
        stub = agent_pb2_grpc.AgentLinkStub(channel)  # type: ignore[no-untyped-call]
        return _GrpcConversation(channel, stub.Stream(metadata=token_metadata(self._token)), self)

    async def bootstrap(self, asset_ids: Sequence[str], timeout_s: float) -> pb.BootstrapResponse:
        """Ask what the headend remembers of assets; `UnavailableError` when it does not say."""
        import grpc

        from afterbay.fleet.wire import agent_pb2_grpc, bootstrap_request
        from afterbay.fleet.wire.tls import token_metadata

        channel = self._channel()
        try:
            stub = agent_pb2_grpc.AgentLinkStub(channel)  # type: ignore[no-untyped-call]
            answer: pb.BootstrapResponse = await stub.Bootstrap(
                bootstrap_request(asset_ids), metadata=token_metadata(self._token), timeout=timeout_s
            )
        except grpc.aio.AioRpcError as error:
            raise UnavailableError(await self.explain(error.code(), error.details())) from None
        finally:
            await channel.close()
        return answer

    async def explain(self, code: grpc.StatusCode, details: str | None) -> str:
        """Say why a call failed; of TLS gRPC itself says next to nothing."""
        import grpc

        from afterbay.fleet.wire.tls import diagnose

        told = f"{self.address}: {details or code.name.lower()}"
        if self._tls is not None and code is grpc.StatusCode.UNAVAILABLE:
            with suppress(OSError, AfterbayError):
                found = await asyncio.to_thread(diagnose, self.address, self._tls, timeout_s=3.0)
                return found or told
        return told

    def _channel(self) -> Any:
        from afterbay.fleet.wire.options import CLIENT_OPTIONS
        from afterbay.fleet.wire.tls import open_channel

        # A new channel is to make a new connection: channels of one pool would share the one that is dead.
        options = {**dict(CLIENT_OPTIONS), "grpc.use_local_subchannel_pool": 1, **self._options}
        return open_channel(self.address, self._tls, options=tuple(options.items()), proxy=self._proxy)


class _GrpcConversation:
    def __init__(self, channel: Any, call: Any, transport: GrpcTransport) -> None:
        self._channel = channel
        self._call = call
        self._transport = transport

    async def send(self, message: pb.AgentToHeadend) -> None:
        import grpc

        try:
            await self._call.write(message)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            raise UnavailableError(await self._ending()) from None

    async def receive(self) -> pb.HeadendToAgent | None:
        import grpc

        try:
            message = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise UnavailableError(await self._transport.explain(error.code(), error.details())) from None
        return None if message is grpc.aio.EOF else message

    async def _ending(self) -> str:
        """Say why the stream is over.

        gRPC fails a write into it with an internal error and forgets what the headend said: the headend is asked.
        """
        try:
            await self._transport.bootstrap((), _ENDING_S)
        except UnavailableError as why:
            return str(why)
        return f"{self._transport.address}: the stream has ended"

    async def close(self) -> None:
        with suppress(Exception):  # it is over either way
            await self._call.done_writing()
        self._call.cancel()
        await self._channel.close()
