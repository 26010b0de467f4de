"""Whose certificates a client trusts, and what is wrong when it does not."""

from __future__ import annotations

import os
import ssl

from afterbay.core.errors import InvalidInputError, Problem

__all__ = ["trouble_of", "trusted"]

_NAME_DIFFERS = (62, 64)
"""OpenSSL: the certificate is for another host, or another IP address."""
_EXPIRED = 10


def trusted() -> ssl.SSLContext | bool:
    """Return what the HTTP client takes as `verify`.

    `SSL_CERT_FILE` and `SSL_CERT_DIR` name the authorities also for servers of this machine, for which nothing else
    of the environment counts.

    Raises:
        InvalidInputError: If the file that they name holds no certificates.
    """
    file, folder = os.environ.get("SSL_CERT_FILE") or None, os.environ.get("SSL_CERT_DIR") or None
    if file is None and folder is None:
        return True
    try:
        return ssl.create_default_context(cafile=file, capath=folder)
    except OSError as error:
        why = "no certificates in it" if isinstance(error, ssl.SSLError) else error.strerror
        got, allowed = f"{file or folder} ({why})", "a file with certificates of authorities (PEM)"
        raise InvalidInputError(Problem("SSL_CERT_FILE", got, allowed, "correct or unset the variable")) from None


def trouble_of(error: BaseException, url: str) -> str | None:
    """Return what TLS has against a server, with the next move; None: it is not TLS that failed.

    Args:
        error: How the connection failed.
        url: The address.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return None
    if isinstance(cause, ssl.SSLCertVerificationError):
        why = f"the certificate of {url} is not trusted ({cause.verify_message})"
        if cause.verify_code in _NAME_DIFFERS:
            return f"{why} -> use the name that stands in the certificate"
        if cause.verify_code == _EXPIRED:
            return f"{why} -> its operator has to renew it"
        return f"{why} -> name the authority that signed it: SSL_CERT_FILE=ca.pem"
    if cause.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        return f"{url} answers, but not with TLS -> try it with http://"
    return f"no secure connection to {url} ({cause.reason or cause})"
