"""What an ID token must be before it is believed."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from afterbay.core.errors import NotAllowedError
from afterbay.server.platform.identity.service import OidcSettings, Provider, utc_now

CLIENT, SECRET = "afterbay", "a secret of the tests, long enough"


class Forged(Provider):
    """A provider whose documents are known, so that an ID token of any kind can be shown."""

    def __init__(self, key: RSAKey) -> None:
        super().__init__(OidcSettings("https://login.example.org", CLIENT, SECRET))
        self._public = {"keys": [key.as_dict(private=False)]}

    def _discover(self, now: Any, *, anew: bool = False) -> Any:
        from afterbay.server.platform.identity.service.provider import _Known

        return _Known({"issuer": self.settings.issuer}, self._public, now)


KEY = RSAKey.generate_key(2048, {"kid": "one"})


@pytest.mark.parametrize(
    ("change", "good"),
    [
        ({}, True),
        ({"aud": ["afterbay", "other"], "azp": "afterbay"}, True),
        ({"iss": "https://evil.example"}, False),
        ({"aud": "other"}, False),
        ({"aud": ["other"], "azp": "afterbay"}, False),
        ({"aud": ["afterbay", "other"], "azp": "other"}, False),
        ({"nonce": "another"}, False),
        ({"nonce": None}, False),
        ({"exp": 1}, False),
        ({"exp": None}, False),
        ({"sub": None}, False),
        ({"at_hash": "x"}, False),
        ({"alg": "HS256"}, False),
        ({"alg": "none"}, False),
        ({"key": "another"}, False),
    ],
)
def test_an_id_token_is_taken_only_when_everything_about_it_is_right(change: dict[str, Any], good: bool) -> None:
    now = utc_now()
    claims = {"iss": "https://login.example.org", "aud": CLIENT, "sub": "ada", "nonce": "n",
              "iat": int(now.timestamp()), "exp": int(now.timestamp()) + 60, **change}  # fmt: skip
    alg, other = claims.pop("alg", "RS256"), claims.pop("key", None)
    key = RSAKey.generate_key(2048, {"kid": "one"}) if other else KEY
    said = {name: value for name, value in claims.items() if value is not None}
    token = jwt.encode({"alg": "RS256", "kid": "one"}, said, key)
    if alg != "RS256":
        head = base64.urlsafe_b64encode(json.dumps({"alg": alg, "kid": "one"}).encode()).decode().rstrip("=")
        signed = f"{head}.{token.split('.')[1]}"
        # The well-known trick: the public key as the secret of a hash.
        mac = hmac.digest(KEY.as_pem(private=False), signed.encode(), "sha256") if alg == "HS256" else b""
        token = f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
    provider = Forged(KEY)

    def read() -> dict[str, Any]:
        return provider._read_id_token({"id_token": token, "access_token": "t"}, "n", now)

    if good:
        assert read()["sub"] == "ada"
    else:
        with pytest.raises(NotAllowedError, match="did not vouch"):
            read()
