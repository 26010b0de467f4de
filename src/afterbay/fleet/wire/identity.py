"""Who a gateway is, and which assets it may claim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from typing import Any

import yaml

from afterbay.core.errors import Problems

__all__ = ["OPEN", "AllowList", "Grant", "read_allow_list"]


@dataclass(frozen=True, slots=True)
class Grant:
    """What a caller may do, once it is known who it is."""

    name: str
    """Name in the certificate or of the token; empty: nobody asked."""
    gateway_id: str | None = None
    """The only gateway it may call itself; None: any."""
    asset_ids: frozenset[str] | None = None
    """Assets it may claim; None: any (those of `site_ids` too)."""
    site_ids: frozenset[str] = frozenset()
    """Sites whose assets it may claim, also those added later."""

    def allows(self, asset_id: str, site_id: str) -> bool:
        """May this caller claim the asset, which the inventory places at the site?"""
        return self.asset_ids is None or asset_id in self.asset_ids or site_id in self.site_ids


OPEN = Grant("")
"""Any gateway, any asset: without certificates, tokens or a list nobody is told apart."""


@dataclass(frozen=True, slots=True)
class AllowList:
    """Grants by the name in a certificate and by the SHA-256 of a token (hexadecimal)."""

    by_name: Mapping[str, Grant]
    by_token: Mapping[str, Grant]

    def of_names(self, names: Iterable[str]) -> Grant | None:
        """Return the grant of a certificate, by its SAN URIs and then its common name."""
        return next((self.by_name[name] for name in names if name in self.by_name), None)

    def of_token(self, token: str) -> Grant | None:
        """Return the grant of a token; takes as long for a wrong one as for a right one."""
        digest = sha256(token.encode()).hexdigest()
        found = None
        for known, grant in self.by_token.items():
            if compare_digest(known, digest):
                found = grant
        return found

    @classmethod
    def of_one_token(cls, token: str) -> AllowList:
        """Return the list of a headend with one token for every gateway."""
        return cls({}, {sha256(token.encode()).hexdigest(): Grant("token")})


_KEYS = ("name", "token_sha256", "gateway_id", "assets", "sites")


def read_allow_list(path: Path) -> AllowList:
    """Read an allow-list.

    ```yaml
    gateways:
      - name: urn:afterbay:gateway:north-quay   # SAN URI or common name of its certificate
        gateway_id: north-quay
        sites: [0b1e6f0e-7c0b-4c53-9a39-6f7f6f3f1c11]
      - token_sha256: 5e88...                   # sha256 of a token, for a gateway without a certificate
        gateway_id: mill-lane
        assets: [6a1d...]
    ```

    Raises:
        InvalidInputError: With every entry that cannot be used. A broken list is never taken for an empty one.
    """
    problems = Problems()
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        problems.add(str(path), str(error).splitlines()[0], "a readable YAML file", "check the path of the allow-list")
        document = None
    problems.raise_if_any()
    entries = document.get("gateways") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        problems.add(str(path), type(document).__name__, "a key `gateways` with a list")
        entries = []
    by_name: dict[str, Grant] = {}
    by_token: dict[str, Grant] = {}
    for number, entry in enumerate(entries):
        where = f"{path}: gateways[{number}]"
        if not isinstance(entry, dict):
            problems.add(where, entry, "a mapping with " + ", ".join(_KEYS))
            continue
        _read_entry(entry, where, by_name, by_token, problems)
    problems.raise_if_any()
    return AllowList(by_name, by_token)


def _read_entry(
    entry: dict[Any, Any], where: str, by_name: dict[str, Grant], by_token: dict[str, Grant], problems: Problems
) -> None:
    for key in entry:
        if key not in _KEYS:
            problems.add(f"{where}.{key}", "an unknown key", ", ".join(_KEYS))
    name, token = entry.get("name"), entry.get("token_sha256")
    if not name and not token:
        problems.add(where, "neither name nor token_sha256", "one of the two")
        return
    gateway_id = entry.get("gateway_id")
    grant = Grant(
        str(name or f"token {token}"[:14]),
        None if gateway_id is None else str(gateway_id),
        _ids(entry, "assets", where, problems),
        _ids(entry, "sites", where, problems),
    )
    for key, known in ((name, by_name), (token, by_token)):
        if key is None:
            continue
        if str(key) in known:
            problems.add(where, str(key), "a name or token that stands once")
        known[str(key)] = grant
    if token is not None and (len(str(token)) != 64 or set(str(token)) - set("0123456789abcdef")):
        problems.add(f"{where}.token_sha256", str(token)[:12], "64 hexadecimal digits, lower case")


def _ids(entry: dict[Any, Any], key: str, where: str, problems: Problems) -> frozenset[str]:
    given = entry.get(key, [])
    if not isinstance(given, list) or not all(isinstance(one, str) and one for one in given):
        problems.add(f"{where}.{key}", given, "a list of ids")
        return frozenset()
    return frozenset(given)
