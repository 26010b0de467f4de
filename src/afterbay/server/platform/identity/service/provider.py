"""Single sign-on: OpenID Connect, authorisation code with PKCE, against one provider that is found by its issuer."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from afterbay.core.errors import InvalidInputError, NotAllowedError, Problem, UnavailableError

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import OAuth2Client  # type: ignore[import-untyped]

    from afterbay.server.platform.identity.service.settings import OidcSettings

__all__ = ["Provider", "Start"]

_KEPT: Final = timedelta(hours=1)
_LEEWAY_S: Final = 60
# With keys that only the provider has; neither none nor a secret that both sides know.
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_NEEDED: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Start:
    """A sign-in that was begun; the browser keeps it until it comes back."""

    url: str
    """At the provider, where the browser goes next."""
    state: str
    nonce: str
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the provider says of itself."""

    document: Mapping[str, Any]
    keys: Mapping[str, Any]
    at: datetime


class Provider:
    """Talks with one provider; what it says of itself is kept for an hour."""

    def __init__(self, settings: OidcSettings) -> None:
        _check_address(settings.issuer, "AFTERBAY_OIDC_ISSUER")
        if not settings.client_id:
            raise InvalidInputError(Problem("AFTERBAY_OIDC_CLIENT_ID", "nothing", "the id that the provider gave us"))
        self.settings = settings
        self._known: _Known | None = None
        self._lock = threading.Lock()

    def start(self, redirect_uri: str, now: datetime) -> Start:
        """Begin a sign-in.

        Args:
            redirect_uri: Our address that the provider sends the browser back to.
            now: The time.

        Raises:
            UnavailableError: If the provider does not answer.
            NotAllowedError: If what it says of itself cannot be trusted.
        """
        known = self._discover(now)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        with self._client(redirect_uri) as client:
            url, _ = client.create_authorization_url(
                known.document["authorization_endpoint"], state=state, code_verifier=verifier, nonce=nonce
            )
        return Start(str(url), state, nonce, verifier)

    def finish(
        self, redirect_uri: str, code: str, started: Start, now: datetime, *, issuer: str | None = None
    ) -> Mapping[str, Any]:
        """Exchange the code that a browser brought and return the claims about its user.

        Args:
            redirect_uri: The same as at the start.
            code: What the provider gave the browser.
            started: What `start` gave.
            now: The time.
            issuer: `iss` of the answer, where the provider sends it (RFC 9207).

        Raises:
            UnavailableError: If the provider does not answer.
            NotAllowedError: If the code, or what it was exchanged for, is not good.
        """
        known = self._discover(now)
        if issuer is not None and issuer != self.settings.issuer:
            raise _wrong("the answer is of another provider")
        with _answers(), self._client(redirect_uri) as client:
            token = client.fetch_token(
                known.document["token_endpoint"], grant_type="authorization_code", code=code,
                code_verifier=started.verifier,
            )  # fmt: skip
        claims = self._read_id_token(token, started.nonce, now)
        return self._with_userinfo(claims, token, redirect_uri, known)

    def _read_id_token(self, token: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError, JoseError
        from joserfc.jwk import KeySet

        def read(known: _Known) -> jwt.Token:
            return jwt.decode(str(token.get("id_token", "")), KeySet.import_key_set(dict(known.keys)),  # type: ignore[arg-type]
                              algorithms=_ALGORITHMS)  # fmt: skip

        try:
            try:
                decoded = read(self._discover(now))
            except InvalidKeyIdError:
                # The provider has new keys since.
                decoded = read(self._discover(now, anew=True))
            claims = CodeIDToken(
                decoded.claims, decoded.header,
                {"iss": {"essential": True, "values": [self.settings.issuer]}},
                {"nonce": nonce, "client_id": self.settings.client_id, "access_token": token.get("access_token")},
            )  # fmt: skip
            claims.validate(now=int(now.timestamp()), leeway=_LEEWAY_S)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise _wrong(f"its ID token is not good ({type(error).__name__})") from error
        audience = claims.get("aud")
        if self.settings.client_id not in (audience if isinstance(audience, list) else [audience]):
            raise _wrong("its ID token is for another client")
        return dict(claims)

    def _with_userinfo(
        self, claims: dict[str, Any], token: Mapping[str, Any], redirect_uri: str, known: _Known
    ) -> Mapping[str, Any]:
        """Ask for the claims that the ID token leaves out."""
        address = known.document.get("userinfo_endpoint")
        wanted = {"email", self.settings.role_claim.partition(".")[0]} if self.settings.roles else {"email"}
        if not address or wanted <= claims.keys():
            return claims
        with _answers(), self._client(redirect_uri, token) as client:
            answer = client.get(str(address))
            answer.raise_for_status()
            more = answer.json()
        if not isinstance(more, dict) or more.get("sub") != claims.get("sub"):
            raise _wrong("its two answers are about two people")
        return {**more, **claims}

    def _discover(self, now: datetime, *, anew: bool = False) -> _Known:
        with self._lock:
            known = self._known
            if known is not None and not anew and now - known.at < _KEPT:
                return known
            import httpx2

            with _answers(), httpx2.Client(timeout=self.settings.timeout_s) as client:
                address = self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
                document = _document(client, address)
                if document.get("issuer") != self.settings.issuer:
                    raise _wrong("it calls itself by another issuer than AFTERBAY_OIDC_ISSUER")
                for name in _NEEDED:
                    _check_address(str(document.get(name, "")), name)
                keys = _document(client, str(document["jwks_uri"]))
            self._known = _Known(document, keys, now)
            return self._known

    def _client(self, redirect_uri: str, token: Mapping[str, Any] | None = None) -> OAuth2Client:
        from authlib.integrations.httpx_client import OAuth2Client

        settings = self.settings
        return OAuth2Client(
            client_id=settings.client_id,
            client_secret=settings.client_secret or None,
            token_endpoint_auth_method="client_secret_basic" if settings.client_secret else "none",
            scope=" ".join(settings.scopes),
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            token=dict(token) if token is not None else None,
            timeout=settings.timeout_s,
        )


@contextmanager
def _answers() -> Iterator[None]:
    """Turn what a provider does wrong into our errors."""
    import httpx2
    from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped]

    try:
        yield
    except httpx2.HTTPStatusError as error:
        if error.response.status_code < 500:
            raise _wrong(f"it answered {error.response.status_code}") from error
        raise _silent(error) from error
    except httpx2.HTTPError as error:
        raise _silent(error) from error
    except AuthlibBaseError as error:
        raise _wrong(str(error.error)[:100]) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, InvalidInputError):
            raise
        raise _wrong("its answer cannot be read") from error


def _document(client: Any, address: str) -> dict[str, Any]:
    answer = client.get(address)
    answer.raise_for_status()
    document = answer.json()
    if not isinstance(document, dict):
        raise TypeError("no object")
    return document


def _check_address(address: str, where: str) -> None:
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise InvalidInputError(Problem(where, address[:200], "an https:// address", "http:// is for loopback only"))


def _wrong(reason: str) -> NotAllowedError:
    return NotAllowedError(f"the provider of single sign-on did not vouch for you: {reason} -> begin again")


def _silent(error: Exception) -> UnavailableError:
    return UnavailableError(
        f"the provider of single sign-on does not answer ({type(error).__name__}) -> try again later"
    )  # fmt: skip
