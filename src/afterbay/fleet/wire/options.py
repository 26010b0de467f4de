"""Settings of the link that both ends must agree on: keepalive, sizes, and how a lost peer is found."""

from __future__ import annotations

__all__ = ["CLIENT_OPTIONS", "MAX_MESSAGE_BYTES", "SERVER_OPTIONS"]

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""About 10,000 samples; more is refused before it is read."""

_COMMON: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    # A half-open connection (packets dropped, no reset) is found by an unanswered ping, on either side.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # What really bounds the wait for the answer; without it a dropped peer is missed for a minute.
    ("grpc.http2.ping_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
)

CLIENT_OPTIONS: tuple[tuple[str, int], ...] = (
    *_COMMON,
    # The agent has a back-off of its own; gRPC's must not be the longer one.
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.enable_retries", 0),
)

SERVER_OPTIONS: tuple[tuple[str, int], ...] = (
    *_COMMON,
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    # Two headends on one port would share the agents between them, in silence.
    ("grpc.so_reuseport", 0),
)
