"""How an OPC UA session is protected: certificates and a policy, or nothing where that is said or harmless."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar
from urllib.parse import urlsplit

from afterbay.fleet.inventory.words import shown, suggest

if TYPE_CHECKING:
    from pathlib import Path

    from afterbay.core.errors import Problems

__all__ = ["SECURITY_VARIABLES", "OpcuaSecurity", "read_security"]

_Word = TypeVar("_Word", bound=str)
Policy = Literal["none", "Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"]
Mode = Literal["Sign", "SignAndEncrypt"]
_POLICIES: Final[tuple[Policy, ...]] = ("none", "Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss")
_MODES: Final[tuple[Mode, ...]] = ("Sign", "SignAndEncrypt")
_FILES: Final = ("certificate", "private_key", "server_certificate")
SECURITY_VARIABLES: Final = {
    "OPCUA_SECURITY_POLICY": "policy",
    "OPCUA_SECURITY_MODE": "mode",
    "OPCUA_CERTIFICATE": "certificate",
    "OPCUA_PRIVATE_KEY": "private_key",
    "OPCUA_SERVER_CERTIFICATE": "server_certificate",
}


@dataclass(frozen=True, slots=True)
class OpcuaSecurity:
    """Policy, mode and files; with a policy all three files are known."""

    policy: Policy = "none"
    mode: Mode = "SignAndEncrypt"
    certificate: Path | None = None
    private_key: Path | None = None
    server_certificate: Path | None = None
    """The only certificate that is trusted."""


def read_security(value: Any, endpoint: str, folder: Path, source: str, problems: Problems) -> OpcuaSecurity:
    """Read the key `security`: `none`, or policy, mode and files.

    Args:
        value: As in the file; nothing means none, on loopback only.
        endpoint: Of the server.
        folder: Of the mapping; files are named from there.
        source: Names the mapping in messages.
        problems: Takes what is wrong.
    """
    where = f"{source}: security"
    if isinstance(value, str):
        value = {"policy": value}
    if value is not None and not isinstance(value, dict):
        problems.add(where, shown(value), "none, or policy, mode and files", "security: none, for no protection")
        return OpcuaSecurity()
    given = dict(value or {})
    keys = tuple(SECURITY_VARIABLES.values())
    for key in given:
        if key not in keys:
            problems.add(f"{where}.{key}", "an unknown key", ", ".join(keys), suggest(key, keys))
    if not given and not _is_loopback(endpoint):
        problems.add(
            where, "nothing, off this machine", ", ".join(_POLICIES),
            "name a policy with certificates, or say `none` if the network itself is protected",
        )  # fmt: skip
    policy = _choice(given.get("policy", "none" if not set(_FILES) & set(given) else ""), _POLICIES)
    mode = _choice(given.get("mode", "SignAndEncrypt"), _MODES)
    if policy is None:
        problems.add(f"{where}.policy", shown(given.get("policy")), ", ".join(_POLICIES), "Aes256Sha256RsaPss, say")
    if mode is None:
        problems.add(f"{where}.mode", shown(given.get("mode")), ", ".join(_MODES), "SignAndEncrypt, say")
    files = {}
    for key in _FILES if policy != "none" else ():
        path = folder / str(given.get(key) or "")
        if not given.get(key) or not path.is_file():
            got = shown(given.get(key)) if given.get(key) else "nothing"
            problems.add(f"{where}.{key}", got, "a .pem or .der file", "a policy needs all three files")
        files[key] = path
    return OpcuaSecurity(policy or "none", mode or "SignAndEncrypt", **files)


def _choice(value: object, allowed: tuple[_Word, ...]) -> _Word | None:
    return next((each for each in allowed if each.lower() == str(value).lower()), None)


def _is_loopback(endpoint: str) -> bool:
    try:
        host = urlsplit(endpoint).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
