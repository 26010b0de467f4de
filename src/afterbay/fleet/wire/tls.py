"""Encryption and identity of the link: TLS, mutual TLS, tokens; plain text on loopback only."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from afterbay.core.errors import InvalidInputError, Problem, UnavailableError
from afterbay.fleet.wire.options import CLIENT_OPTIONS

__all__ = [
    "ClientTls",
    "ServerTls",
    "diagnose",
    "is_loopback",
    "open_channel",
    "open_port",
    "peer_names",
    "token_metadata",
    "token_of",
]

_HEADER = "authorization"
_SCHEME = "Bearer "


@dataclass(frozen=True, slots=True)
class ServerTls:
    """Certificate of the headend, and who may call."""

    certificate: Path
    """Chain in PEM, its own certificate first."""
    key: Path
    client_ca: Path | None = None
    """Authorities whose certificates agents must show; None: agents need none."""


@dataclass(frozen=True, slots=True)
class ClientTls:
    """What an agent trusts, and what it shows."""

    ca: Path | None = None
    """Authorities in PEM; None: those that the operating system trusts."""
    certificate: Path | None = None
    key: Path | None = None
    server_name: str | None = None
    """Name that the headend's certificate must have, where it is not that of the address."""


def is_loopback(address: str) -> bool:
    """Does the address (`host:port`, `[::1]:port`, `unix:path`) stay on this machine?"""
    if address.startswith("unix:"):
        return True
    host = _split(address)[0]
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def open_port(server: grpc.aio.Server, address: str, tls: ServerTls | None, *, proxy: str = "") -> int:
    """Let the server listen, and return its port.

    Args:
        server: Not started yet.
        address: `host:port`; port 0 takes a free one.
        tls: None: plain text, on loopback only.
        proxy: Name of a proxy in front that encrypts; with it plain text is accepted elsewhere too.

    Raises:
        InvalidInputError: Plain text off loopback, or a file that cannot be used.
        UnavailableError: The address is taken or not ours.
    """
    _split(address)
    try:
        if tls is not None:
            port: int = server.add_secure_port(address, _server_credentials(tls))
        else:
            _refuse_plain(address, proxy)
            port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise UnavailableError(f"{address}: cannot listen there: {str(error).splitlines()[0]}") from None
    return port


def open_channel(
    address: str,
    tls: ClientTls | None,
    *,
    options: Sequence[tuple[str, Any]] = CLIENT_OPTIONS,
    proxy: str = "",
) -> grpc.aio.Channel:
    """Return a channel to a headend; it connects when it is used.

    Raises:
        InvalidInputError: Plain text off loopback without a named proxy, or a file that cannot be used.
    """
    if tls is None:
        _refuse_plain(address, proxy)
        return grpc.aio.insecure_channel(address, options=list(options))
    _check_client(tls)
    credentials = grpc.ssl_channel_credentials(
        root_certificates=_read(tls.ca), private_key=_read(tls.key), certificate_chain=_read(tls.certificate)
    )
    named = [("grpc.ssl_target_name_override", tls.server_name)] if tls.server_name else []
    return grpc.aio.secure_channel(address, credentials, options=[*options, *named])


def peer_names(auth_context: Mapping[str, Iterable[bytes]]) -> tuple[str, ...]:
    """Return the names in a peer's certificate: SAN URIs first, then the common name; none without a certificate.

    DNS names are no identity here: any server certificate of the same authority has one.
    """
    found: list[str] = []
    names = [bytes(name).decode(errors="replace") for name in auth_context.get("x509_subject_alternative_name", ())]
    found += [name for name in names if "://" in name or name.startswith("urn:")]
    found += [bytes(name).decode(errors="replace") for name in auth_context.get("x509_common_name", ())]
    return tuple(found)


def token_metadata(token: str | None) -> tuple[tuple[str, str], ...]:
    """Return the metadata of a call that shows a token."""
    return ((_HEADER, _SCHEME + token),) if token else ()


def token_of(metadata: Iterable[tuple[str, Any]] | None) -> str | None:
    """Return the token that a call shows, or None."""
    for key, value in metadata or ():
        if key == _HEADER and isinstance(value, str) and value.startswith(_SCHEME):
            return value[len(_SCHEME) :]
    return None


def diagnose(address: str, tls: ClientTls, *, timeout_s: float = 5.0) -> str | None:
    """Say in words why an encrypted connection fails, which gRPC does not; None: the handshake works.

    Blocks; for `agent check` and for one line in the log, not for the path of a message.
    """
    host, port = _split(address)
    context = ssl.create_default_context(cafile=None if tls.ca is None else str(tls.ca))
    context.set_alpn_protocols(["h2"])
    if tls.certificate is not None:
        context.load_cert_chain(str(tls.certificate), None if tls.key is None else str(tls.key))
    try:
        with (
            socket.create_connection((host, port), timeout=timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=tls.server_name or host) as secure,
        ):
            # TLS 1.3 shows what it thinks of our certificate only after the handshake; HTTP/2 begins with settings.
            if not secure.recv(1):
                own = (
                    "none was given"
                    if tls.certificate is None
                    else f"{tls.certificate}: not its authority's, or expired"
                )
                return f"{address}: the headend does not accept this agent's certificate ({own})"
    except ssl.SSLCertVerificationError as error:
        return f"{address}: the headend's certificate is refused: {error.verify_message}"
    except ssl.SSLError as error:
        reason = (error.reason or str(error)).lower().replace("_", " ")
        return f"{address}: the encrypted connection fails: {reason}"
    except TimeoutError:
        return f"{address}: no answer within {timeout_s:g} s"
    except OSError as error:
        return f"{address}: cannot connect: {error.strerror or error}"
    return None


def _refuse_plain(address: str, proxy: str) -> None:
    if not proxy and not is_loopback(address):
        raise InvalidInputError(
            Problem(
                address,
                "plain text",
                "TLS, or plain text on loopback (127.0.0.1, ::1)",
                "give a certificate, or name the proxy that encrypts",
            )
        )


def _server_credentials(tls: ServerTls) -> grpc.ServerCredentials:
    """Return credentials that read the files again when they change: a renewed certificate needs no restart."""
    state = {"stamp": _stamp(tls)}
    initial = _certificates(tls)

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        stamp = _stamp(tls)
        if stamp == state["stamp"]:
            return None
        try:
            renewed = _certificates(tls)
        except InvalidInputError:
            return None  # half-written: the old one stays, the next handshake looks again
        state["stamp"] = stamp
        return renewed

    return grpc.dynamic_ssl_server_credentials(initial, fetch, require_client_authentication=tls.client_ca is not None)


def _certificates(tls: ServerTls) -> grpc.ServerCertificateConfiguration:
    _check_pair(tls.certificate, tls.key)
    return grpc.ssl_server_certificate_configuration(
        [(_read(tls.key), _read(tls.certificate))], root_certificates=_read(tls.client_ca)
    )


def _stamp(tls: ServerTls) -> tuple[int, ...]:
    files = [path for path in (tls.certificate, tls.key, tls.client_ca) if path is not None]
    try:
        return tuple(path.stat().st_mtime_ns for path in files)
    except OSError:
        return ()


def _check_client(tls: ClientTls) -> None:
    if (tls.certificate is None) != (tls.key is None):
        given = "certificate" if tls.key is None else "key"
        raise InvalidInputError(Problem("client certificate", f"only a {given}", "certificate and key together"))
    if tls.certificate is not None and tls.key is not None:
        _check_pair(tls.certificate, tls.key)
    _read(tls.ca)


def _check_pair(certificate: Path, key: Path) -> None:
    """Refuse what gRPC would take in silence and then fail every handshake with."""
    _read(certificate)
    _read(key)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(str(certificate), str(key))
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None) or str(error)
        raise InvalidInputError(
            Problem(str(certificate), str(reason).lower().replace("_", " "), f"a PEM certificate that fits {key}")
        ) from None


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInputError(Problem(str(path), error.strerror or str(error), "a readable PEM file")) from None


def _split(address: str) -> tuple[str, int]:
    if address.startswith("unix:"):
        return address, 0
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65_535 or (":" in host and host[0] != "["):
        raise InvalidInputError(Problem("address", address, "host:port, such as 127.0.0.1:50051 or [::1]:50051"))
    return host.strip("[]"), int(port)
