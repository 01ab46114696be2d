"""Whom an encrypted connection trusts, and which certificate it shows."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Final

from chatcli.errors import Refused
from chatcli.providers.base import Network

_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def context_for(network: Network, *, encrypted: bool) -> ssl.SSLContext:
    """Return how connections are secured, `encrypted` telling whether any of them will be.

    The profile's bundle is trusted in the place of the system's certificates, as curl does it; with
    none, SSL_CERT_FILE and SSL_CERT_DIR decide. Raises Refused where a file can't be used.
    """
    if not encrypted:
        # It trusts nobody. Reading what the system trusts would cost time for nothing.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = _trusting(network.ca_bundle) if network.ca_bundle else _as_usual()
    if network.client_cert:
        _show(context, network.client_cert, network.client_key)
    return context


def _trusting(bundle: str) -> ssl.SSLContext:
    try:
        if Path(bundle).is_dir():
            return ssl.create_default_context(capath=bundle)
        return ssl.create_default_context(cafile=bundle)
    except (OSError, ValueError) as error:
        raise Refused(
            f"the certificates in {bundle} can't be read: {_why(error)}",
            "`ca_bundle` of the profile is a file in PEM format, or a folder of them",
        ) from error


def _as_usual() -> ssl.SSLContext:
    import httpx2

    for name in _VARIABLES:
        place = os.environ.get(name)
        if place and not Path(place).exists():
            raise Refused(f"{name} names {place}, which is not there", f"mend or unset {name}")
    try:
        return httpx2.create_ssl_context()
    except (OSError, ValueError) as error:
        named = next((name for name in _VARIABLES if os.environ.get(name)), None)
        where = f"{named} names" if named else "the system trusts"
        told = f"the certificates that {where} can't be read: {_why(error)}"
        raise Refused(told, f"mend or unset {named}" if named else "") from error


def _show(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    try:
        # Without a password, OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: "")
    except (OSError, ValueError) as error:
        raise Refused(
            f"the client certificate {certificate} can't be used: {_why(error)}",
            "`client_cert` and `client_key` are PEM files of one pair, without a passphrase",
        ) from error


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no PEM").replace("_", " ").lower()
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
