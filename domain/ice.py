"""STUN and TURN servers by which browsers get their media through, and the credentials of the latter.

Servers are named by URIs (RFC 7064, RFC 7065). A TURN server shares a secret with us and gives every caller who names a
time that has not come yet its relay (draft-uberti-behave-turn-rest-00; coturn calls it `use-auth-secret`). So nothing
is kept of whom we let in, and what leaks is worth nothing when the time has come.
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import datetime, timedelta
from hashlib import sha1
from hmac import digest
from typing import Literal, cast

import msgspec

Transport = Literal["udp", "tcp", "tls"]

LIFETIME = timedelta(hours=12)
"""Longer than any exam with its extra time, for a server may look again when a relay is renewed. Pages ask anew for
each connection, so that none ever begins with credentials that are old."""

_URI = re.compile(
    r"(?P<scheme>stun|turn|turns):"
    r"(?P<host>[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])"
    r"(:(?P<port>[0-9]{1,5}))?"
    r"(\?transport=(?P<transport>udp|tcp))?"
)


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server is asked. `relays` is whether it is a TURN server, which wants credentials."""

    uri: str
    host: str
    port: int
    transport: Transport
    relays: bool


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a TURN server takes until `expires_at`."""

    username: str
    password: str
    expires_at: datetime


def server(uri: str) -> Server:
    """Reads `stun:host:port`, `turn:host:port?transport=udp` and `turns:host:port`. Raises ValueError.

    Ports are 3478 and, with TLS, 5349 where none is named.
    """
    found = _URI.fullmatch(uri.lower())
    if not found:
        raise ValueError("not the URI of a STUN or TURN server")
    scheme, tls = found["scheme"], found["scheme"] == "turns"
    transport = found["transport"]
    if transport and (scheme == "stun" or (tls and transport == "udp")):
        raise ValueError(f"no browser speaks {scheme} over {transport}")
    port = int(found["port"] or (5349 if tls else 3478))
    if not 0 < port < 65536:
        raise ValueError("not a port")
    return Server(
        uri=found[0], host=found["host"].strip("[]"), port=port,
        transport="tls" if tls else cast("Transport", transport or "udp"), relays=scheme != "stun",
    )  # fmt: skip


def credentials(secret: str, name: str, at: datetime) -> Credentials:
    """Those of a caller. `name` is what the server may write into its logs, so it is nobody's own name."""
    expires_at = (at + LIFETIME).replace(microsecond=0)
    username = f"{int(expires_at.timestamp())}:{name}"
    password = b64encode(digest(secret.encode(), username.encode(), sha1)).decode()
    return Credentials(username=username, password=password, expires_at=expires_at)
