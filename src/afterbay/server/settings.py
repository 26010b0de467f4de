"""What the environment says about the server, in one place: `AFTERBAY_*` and the names of the documents.

Where a variable has two names, the one that begins with `AFTERBAY_` wins.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from afterbay.core.errors import InvalidInputError, Problem, Problems

__all__ = ["Address", "Settings", "Stated", "is_loopback", "read_address", "read_settings", "stated"]

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")
_LEVELS = {"trace": "debug", "debug": "debug", "info": "info", "warn": "warning", "warning": "warning",
           "error": "error", "critical": "critical", "off": "critical"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_address(text: str) -> Address:
    """Return `host:port` or `[v6]:port` as its parts.

    Raises:
        ValueError: If it is neither.
    """
    host, colon, port = text.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError("host:port, such as 127.0.0.1:3001")
    return Address(host, int(port))


def is_loopback(host: str) -> bool:
    """Can this name be reached from this machine alone?"""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _truthy(value: Any) -> Any:
    # As the original reads it: what is not one of these words is no.
    return value.strip().lower() in _TRUE if isinstance(value, str) else value


def _flag(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    word = value.strip().lower()
    if word not in _TRUE + _FALSE:
        raise ValueError(f"one of {', '.join(_TRUE + _FALSE)}")
    return word in _TRUE


def _address(value: Any) -> Any:
    return read_address(value) if isinstance(value, str) else value


def _level(value: Any) -> Any:
    """RUST_LOG may name targets (`info,der_headend=debug`); the first bare level counts."""
    words = [word.strip().lower() for word in str(value).split(",")]
    return next((_LEVELS[word] for word in words if word in _LEVELS), "info")


def _words(value: Any) -> Any:
    return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value


def _either(name: str, *others: str) -> Any:
    return AliasChoices(f"AFTERBAY_{name}", *others)


class Settings(BaseSettings):
    """The server's settings; `read_settings` makes them and turns what is wrong into our errors."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True, populate_by_name=True)

    data_dir: Path = Field(default_factory=lambda: user_data_path("afterbay"), validation_alias=_either("DATA_DIR"))
    database_url: SecretStr | None = Field(None, validation_alias=_either("DATABASE_URL", "DATABASE_URL"))
    """None: no database of a headend alone; else, and by the name `embedded`, the PostgreSQL in the data folder."""
    reset_db: Annotated[bool, BeforeValidator(_truthy)] = Field(False, validation_alias=_either("RESET_DB", "RESET_DB"))
    http: Annotated[Address, NoDecode, BeforeValidator(_address)] = Field(
        Address("127.0.0.1", 3001), validation_alias=_either("HTTP_ADDR", "HEADEND_HTTP_ADDR")
    )
    grpc: Annotated[Address, NoDecode, BeforeValidator(_address)] = Field(
        Address("127.0.0.1", 50051), validation_alias=_either("GRPC_ADDR", "HEADEND_GRPC_ADDR")
    )
    log_level: Annotated[str, BeforeValidator(_level)] = Field(
        "info", validation_alias=_either("LOG_LEVEL", "RUST_LOG")
    )
    fleet_tokens: SecretStr | None = Field(None, validation_alias=_either("FLEET_TOKENS"))
    """`name:token` pairs, separated by commas or lines."""
    fleet_tokens_file: Path | None = Field(None, validation_alias=_either("FLEET_TOKENS_FILE"))
    tls_cert: Path | None = Field(None, validation_alias=_either("TLS_CERT"))
    tls_key: Path | None = Field(None, validation_alias=_either("TLS_KEY"))
    trusted_proxies: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)] = Field(
        (), validation_alias=_either("TRUSTED_PROXIES")
    )
    """Addresses of the proxies that speak TLS for us; nobody else is answered."""
    grpc_cert: Path | None = Field(None, validation_alias=_either("GRPC_CERT"))
    grpc_key: Path | None = Field(None, validation_alias=_either("GRPC_KEY"))
    grpc_client_ca: Path | None = Field(None, validation_alias=_either("GRPC_CLIENT_CA"))
    """Authority of the agents' certificates (mutual TLS)."""
    grpc_allow: Path | None = Field(None, validation_alias=_either("GRPC_ALLOW"))
    """Allow-list: which certificate or token may claim which assets."""
    grpc_token: SecretStr | None = Field(None, validation_alias=_either("GRPC_TOKEN"))
    """One token for every agent; simpler than an allow-list."""
    grpc_proxy: str = Field("", validation_alias=_either("GRPC_PROXY"))
    """Name of the proxy that speaks TLS for the link."""
    buffer_mb: int = Field(1024, ge=1, validation_alias=_either("BUFFER_MB"))
    """Most that is kept on disk while the database is away [MB]."""
    max_body_kb: int = Field(1024, ge=1, validation_alias=_either("MAX_BODY_KB"))

    # The platform.
    listen: Annotated[Address, NoDecode, BeforeValidator(_address)] = Field(
        Address("127.0.0.1", 8000), validation_alias=_either("LISTEN")
    )
    """Address of the platform's web and API."""
    public_url: str = Field("", validation_alias=_either("PUBLIC_URL"))
    """Where users reach us, such as https://afterbay.example; for links in mails and for single sign-on."""
    storage_url: str = Field("", validation_alias=_either("STORAGE_URL"))
    """A folder, s3://bucket/folder or gs://bucket/folder; empty: `storage` in the data folder."""
    secret_key: SecretStr | None = Field(None, validation_alias=_either("SECRET_KEY"))
    """Signs sign-ins; several, separated by commas, while a key is replaced. None: made and kept in the data folder."""
    oidc_issuer: str = Field("", validation_alias=_either("OIDC_ISSUER"))
    """Identity provider of single sign-on; empty: local accounts only."""
    oidc_client_id: str = Field("", validation_alias=_either("OIDC_CLIENT_ID"))
    oidc_client_secret: SecretStr | None = Field(None, validation_alias=_either("OIDC_CLIENT_SECRET"))
    oidc_name: str = Field("single sign-on", validation_alias=_either("OIDC_NAME"))
    oidc_scopes: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)] = Field(
        ("openid", "email", "profile"), validation_alias=_either("OIDC_SCOPES")
    )
    oidc_role_claim: str = Field("groups", validation_alias=_either("OIDC_ROLE_CLAIM"))
    oidc_roles: str = Field("", validation_alias=_either("OIDC_ROLES"))
    """Roles by the claim's value: `engineers=bess-sizing:engineer+fleet:viewer, it=platform:admin`."""
    oidc_link_by_email: Annotated[bool, BeforeValidator(_flag)] = Field(
        False, validation_alias=_either("OIDC_LINK_BY_EMAIL")
    )
    oidc_create_users: Annotated[bool, BeforeValidator(_flag)] = Field(
        False, validation_alias=_either("OIDC_CREATE_USERS")
    )
    smtp_url: SecretStr | None = Field(None, validation_alias=_either("SMTP_URL"))
    """smtp://user:password@host:587 or smtps://...; None: no mail is sent."""
    smtp_from: str = Field("", validation_alias=_either("SMTP_FROM"))
    webhook_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)] = Field(
        (), validation_alias=_either("WEBHOOK_HOSTS")
    )
    """Hosts of this network that webhooks may reach; others have to be public."""
    dask: str = Field("", validation_alias=_either("DASK"))
    """Scheduler of a Dask cluster for heavy jobs; empty: processes of this machine."""
    compute_processes: int | None = Field(None, ge=1, le=1024, validation_alias=_either("COMPUTE_PROCESSES"))
    """Processes for heavy jobs; None: one for each core."""
    worker: Annotated[bool, BeforeValidator(_flag)] = Field(True, validation_alias=_either("WORKER"))
    """`afterbay serve` runs a worker too."""
    fleet: Annotated[bool, BeforeValidator(_flag)] = Field(False, validation_alias=_either("FLEET"))
    """`afterbay serve` is a headend too: agents dial in, `/api/v1/fleet` answers."""
    quotas: str = Field("", validation_alias=_either("QUOTAS"))
    """Other limits than the manifests': `bess-sizing.max_projects_per_user=20`, separated by commas."""
    rate_limit: str = Field("600/minute", validation_alias=_either("RATE_LIMIT"))
    """Requests of one user; `off`: no limit."""
    rate_limit_address: str = Field("3000/minute", validation_alias=_either("RATE_LIMIT_ADDRESS"))
    rate_limit_sign_in: str = Field("30/minute", validation_alias=_either("RATE_LIMIT_SIGN_IN"))
    max_upload_mb: int = Field(100, ge=1, le=10_000, validation_alias=_either("MAX_UPLOAD_MB"))
    """Largest file that is read at all [MB]; the manifests' quotas are below it."""
    db_pool: int = Field(10, ge=1, le=200, validation_alias=_either("DB_POOL"))
    """Connections of the server that stay open; as many again while it is busy."""
    log_format: Literal["console", "json"] = Field("console", validation_alias=_either("LOG_FORMAT"))
    metrics_token: SecretStr | None = Field(None, validation_alias=_either("METRICS_TOKEN"))
    """Bearer token that opens /metrics from elsewhere; None: this machine only."""
    telemetry_keep_days: int = Field(0, ge=0, validation_alias=_either("TELEMETRY_KEEP_DAYS"))
    """Telemetry that is older is dropped [days]; 0: all of it is kept."""

    @cached_property
    def database(self) -> str | None:
        """The database's address in full, or None."""
        return self.database_url.get_secret_value().strip() if self.database_url else None

    @cached_property
    def storage(self) -> str:
        """Where files are kept."""
        return self.storage_url.strip() or str(self.data_dir / "storage")

    @property
    def secure(self) -> bool:
        """Clients of the platform use TLS, ours or the proxy's."""
        return bool(self.tls_cert and self.tls_key) or bool(self.trusted_proxies)

    def tokens(self) -> dict[str, str]:
        """Return who has which token, by token.

        Raises:
            InvalidInputError: If a pair cannot be read, or the file.
        """
        found: dict[str, str] = {}
        problems = Problems()
        for where, text in self._token_texts():
            for place, pair in enumerate((line for line in text.replace(",", "\n").splitlines() if line.strip()), 1):
                name, colon, token = (part.strip() for part in pair.strip().partition(":"))
                if pair.strip().startswith("#"):
                    continue
                if not colon or not name or len(token) < 16 or not token.isascii() or " " in token:
                    move = "make one with `python -c 'import secrets; print(secrets.token_urlsafe())'`"
                    problems.add(
                        f"{where}, entry {place}", "no usable pair", "name:token, 16 or more signs of ASCII", move
                    )
                elif token in found:
                    problems.add(f"{where}, entry {place}", f"the token of {found[token]} again", "a token each")
                else:
                    found[token] = name
        problems.raise_if_any()
        return found

    def _token_texts(self) -> list[tuple[str, str]]:
        texts = []
        if self.fleet_tokens:
            texts.append(("AFTERBAY_FLEET_TOKENS", self.fleet_tokens.get_secret_value()))
        if self.fleet_tokens_file:
            try:
                texts.append((str(self.fleet_tokens_file), self.fleet_tokens_file.read_text(encoding="utf-8")))
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "no text"
                problem = Problem("AFTERBAY_FLEET_TOKENS_FILE", f"{self.fleet_tokens_file} ({reason})",
                                  "a file of name:token lines", "check its path and permissions")  # fmt: skip
                raise InvalidInputError(problem) from None
        return texts


def read_settings(**given: Any) -> Settings:
    """Return the settings of the environment; what is `given` by name wins, unless it is None.

    Raises:
        InvalidInputError: With every variable that cannot be used.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise InvalidInputError([_problem(one) for one in error.errors()]) from None


@dataclass(frozen=True, slots=True)
class Stated:
    """One setting as it is in force."""

    name: str
    variable: str
    """Name that begins with `AFTERBAY_`."""
    value: str
    """Without what is secret."""
    origin: str
    """`default`, `command line`, or the name of the environment variable."""


def stated(
    settings: Settings, given: Collection[str] = (), environment: Mapping[str, str] = os.environ
) -> list[Stated]:
    """Return every setting with its value and where that comes from; secrets are hidden.

    Args:
        settings: As they are in force.
        given: Names that the command line gave.
        environment: That the settings were read from.
    """
    found = []
    for name, field in Settings.model_fields.items():
        choices = field.validation_alias
        names = [str(one) for one in choices.choices] if isinstance(choices, AliasChoices) else [name]
        used = next((one for one in names if environment.get(one)), None)
        origin = "command line" if name in given else used or "default"
        found.append(Stated(name, names[0], _shown(settings, name), origin))
    return found


def _shown(settings: Settings, name: str) -> str:
    if name == "database_url" and (settings.database or "embedded").lower().rstrip(":") == "embedded":
        return f"embedded in {settings.data_dir / 'postgres'}"
    return _told(getattr(settings, name))


def _told(value: Any) -> str:
    if value is None or value in ("", ()):
        return "-"
    if isinstance(value, SecretStr):
        return _without_password(value.get_secret_value())
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _without_password(text: str) -> str:
    """An address is worth showing, without its password and without what a query may carry; nothing else is."""
    if text.strip().lower().rstrip(":") == "embedded":
        return text
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return "***"
    if not parts.scheme or not parts.netloc:
        return "***"
    port = f":{parts.port}" if parts.port else ""
    user = f"{parts.username}:***@" if parts.username else ""
    return f"{parts.scheme}://{user}{host}{port}{parts.path}"


def _problem(error: Mapping[str, Any]) -> Problem:
    where = _variable(str(error["loc"][0])) if error["loc"] else "environment"
    hidden = any(word in where.lower() for word in ("token", "database", "secret", "smtp"))
    got = "a value that is not shown" if hidden else repr(error.get("input"))
    return Problem(where, got, _allowed(error), "correct or unset the variable")


def _allowed(error: Mapping[str, Any]) -> str:
    """Return what may stand there in our words: the range of a number, the choices of a word, or the rule's own."""
    field = _field(str(error["loc"][0])) if error["loc"] else None
    if field is not None and error["type"].startswith(("int_", "greater_than", "less_than")):
        bounds = {name: getattr(one, name) for one in field.metadata for name in ("ge", "le") if hasattr(one, name)}
        words = [f"{word} {bounds[name]:,}" for name, word in (("ge", "from"), ("le", "to")) if name in bounds]
        return " ".join(["a whole number", *words])
    if error["type"] == "literal_error":
        return str(error["ctx"]["expected"])
    return str(error["msg"]).removeprefix("Value error, ")


def _field(name: str) -> FieldInfo | None:
    for field in Settings.model_fields.values():
        choices = field.validation_alias
        if isinstance(choices, AliasChoices) and name in choices.choices:
            return field
    return None


def _variable(name: str) -> str:
    """Return the variable that was set: of several names, the one that the user wrote."""
    field = _field(name)
    if field is None or not isinstance(field.validation_alias, AliasChoices):
        return name
    return next((str(one) for one in field.validation_alias.choices if str(one) in os.environ), name)
