"""Is the way to the headend free? Address, port, certificate, token and claim, clock: each by itself, in words."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from afterbay.core.errors import AfterbayError, UnavailableError
from afterbay.fleet.agent.running import client_tls, open_transport
from afterbay.fleet.agent.skew import skew_in_words
from afterbay.fleet.messages import CLOCK_SKEW_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from afterbay.fleet.agent.settings import AgentSettings, TlsFiles

__all__ = ["CheckStep", "check_link"]

_SOON_DAYS = 14.0


@dataclass(frozen=True, slots=True)
class CheckStep:
    """One thing that was tried."""

    name: str
    """address, port, certificate, own_certificate, headend, claim or clock."""
    result: Literal["ok", "warning", "failed", "skipped"]
    told: str
    next_move: str = ""


async def check_link(
    settings: AgentSettings, *, timeout_s: float = 5.0, now: datetime | None = None
) -> list[CheckStep]:
    """Try the way to the headend step by step; a step that fails ends the way.

    The claim is asked for with `Bootstrap`, which needs the same rights as a registration and takes no asset away
    from an agent that serves it.
    """
    now = now or datetime.now(UTC)
    host, _, port = settings.headend.rpartition(":")
    host = host.strip("[]")
    steps: list[CheckStep] = []
    for step in (
        lambda: _resolve(host, int(port)),
        lambda: _knock(host, int(port), timeout_s),
        lambda: _certificate(settings.tls, host, int(port), timeout_s, now),
        lambda: _own_certificate(settings.tls, now),
    ):
        steps.append(await asyncio.to_thread(step))
        if steps[-1].result == "failed":
            return steps
    steps += await _claim(settings, timeout_s)
    return steps


def _resolve(host: str, port: int) -> CheckStep:
    try:
        found = sorted({entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
    except OSError as error:
        return CheckStep("address", "failed", f"{host}: {error.strerror or error}", "check HEADEND_GRPC and the DNS")
    return CheckStep("address", "ok", f"{host} is {', '.join(str(one) for one in found)}")


def _knock(host: str, port: int, timeout_s: float) -> CheckStep:
    try:
        with socket.create_connection((host, port), timeout=timeout_s):
            return CheckStep("port", "ok", f"port {port} is open")
    except TimeoutError:
        return CheckStep("port", "failed", f"port {port}: no answer within {timeout_s:g} s", "check the firewall")
    except OSError as error:
        return CheckStep("port", "failed", f"port {port}: {error.strerror or error}", "is the headend running there?")


def _certificate(tls: TlsFiles | None, host: str, port: int, timeout_s: float, now: datetime) -> CheckStep:
    from afterbay.fleet.wire.tls import diagnose

    if tls is None:
        return CheckStep("certificate", "skipped", "plain text, which is for loopback only")
    files = client_tls(tls)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    trouble = diagnose(address, files, timeout_s=timeout_s)
    if trouble is not None:
        return CheckStep("certificate", "failed", trouble, "check AFTERBAY_AGENT_CA, the name and the dates")
    context = ssl.create_default_context(cafile=None if tls.ca is None else str(tls.ca))
    if tls.certificate is not None:
        context.load_cert_chain(str(tls.certificate), None if tls.key is None else str(tls.key))
    with (
        socket.create_connection((host, port), timeout=timeout_s) as plain,
        context.wrap_socket(plain, server_hostname=tls.server_name or host) as secure,
    ):
        found: dict[str, Any] = dict(secure.getpeercert() or {})
    return _validity("certificate", f"the headend's certificate is trusted for {tls.server_name or host}", found, now)


def _own_certificate(tls: TlsFiles | None, now: datetime) -> CheckStep:
    if tls is None or tls.certificate is None:
        return CheckStep("own_certificate", "skipped", "this agent shows no certificate")
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_cert_chain(str(tls.certificate), None if tls.key is None else str(tls.key))
        # The only way of the standard library to the dates of a file; it has been there since Python 2.6.
        decode: Callable[[str], dict[str, Any]] = ssl._ssl._test_decode_cert  # type: ignore[attr-defined]  # noqa: SLF001
        found = decode(str(tls.certificate))
    except (OSError, ssl.SSLError, ValueError) as error:
        return CheckStep("own_certificate", "failed", f"{tls.certificate}: {error}", "give a PEM file and its key")
    return _validity("own_certificate", f"{tls.certificate.name} fits its key", found, now)


def _validity(name: str, told: str, certificate: dict[str, Any], now: datetime) -> CheckStep:
    begins, ends = (
        datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate[key]), UTC) for key in ("notBefore", "notAfter")
    )
    if not begins <= now <= ends:
        return CheckStep(name, "failed", f"valid from {begins:%Y-%m-%d} to {ends:%Y-%m-%d}", "renew it")
    days = (ends - now).total_seconds() / 86_400.0
    if days < _SOON_DAYS:
        return CheckStep(name, "warning", f"{told}; it ends in {days:.0f} days", "renew it soon")
    return CheckStep(name, "ok", f"{told}, until {ends:%Y-%m-%d}")


async def _claim(settings: AgentSettings, timeout_s: float) -> list[CheckStep]:
    wanted = [asset.id for asset in settings.inventory.assets]
    asked_at = datetime.now(UTC)
    try:
        answer = await open_transport(settings).bootstrap(wanted, timeout_s)
    except UnavailableError as error:
        words = str(error)
        refused = any(word in words.lower() for word in ("allow-list", "token", "unauthenticated", "permission"))
        move = "check the token or certificate, and the headend's allow-list" if refused else "is this a headend?"
        return [CheckStep("headend", "failed", words, move)]
    except AfterbayError as error:
        return [CheckStep("headend", "failed", str(error), "correct the settings")]
    found = {known.asset_id for known in answer.assets}
    steps = [CheckStep("headend", "ok", f"{settings.headend} answers, and lets this agent in")]
    missing = [asset for asset in settings.inventory.assets if asset.id not in found]
    if missing:
        names = ", ".join(f"{asset.name} ({asset.id})" for asset in missing[:5])
        told = f"not this agent's to serve, or unknown there: {names}"
        steps.append(CheckStep("claim", "failed", told, "compare assets.yaml on both sides, and the allow-list"))
    else:
        steps.append(CheckStep("claim", "ok", f"{len(wanted)} of {len(wanted)} assets may be served"))
    steps.append(_skew(answer, asked_at, datetime.now(UTC)))
    return steps


def _skew(answer: Any, asked_at: datetime, answered_at: datetime) -> CheckStep:
    """Compare clocks: the headend wrote its answer between the question and now."""
    if not answer.headend_time_us:
        return _skew_by_samples(answer, answered_at)
    way_s = (answered_at - asked_at).total_seconds() / 2.0
    skew_s = asked_at.timestamp() + way_s - answer.headend_time_us / 1e6
    told = f"{skew_in_words(skew_s)}, give or take {way_s:.1f} s"
    if abs(skew_s) - way_s > CLOCK_SKEW_S:
        return CheckStep("clock", "warning", told, "set the clock that is wrong (NTP), or commands come too late")
    return CheckStep("clock", "ok", told)


def _skew_by_samples(answer: Any, now: datetime) -> CheckStep:
    """Compare clocks by the newest sample that the headend has of our assets: it cannot come from our future."""
    newest = max((known.telemetry.timestamp_us for known in answer.assets if known.HasField("telemetry")), default=0)
    ahead_s = newest / 1e6 - now.timestamp()
    if newest and ahead_s > CLOCK_SKEW_S:
        told = f"the headend has samples of these assets that are {ahead_s:.0f} s ahead of this clock"
        return CheckStep("clock", "warning", told, "set this machine's clock (NTP)")
    return CheckStep("clock", "ok" if newest else "skipped", "no sample of these assets is from the future"
                     if newest else "the headend does not tell its time")  # fmt: skip
