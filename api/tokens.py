"""Signed tokens: who somebody is, for one purpose, until a moment. What they may do is never in them.

The text is base64url(payload) "." base64url(HMAC-SHA256 over the payload), the payload a msgpack array.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal

import msgspec

Kind = Literal["user", "candidate", "join", "link", "record", "reader", "own_link"]
LONGEST = 1024  # characters


class BadToken(Exception):
    """Forged, torn, or past its end."""


class Token(msgspec.Struct, frozen=True, kw_only=True, array_like=True, forbid_unknown_fields=True):
    """`user` names an account; `candidate` and `join` name a subject and the one session that they are good for;
    `link` names an account and the one recording that it plays; `record` and `reader` name a subject and the session
    whose record they lead to: a link that is kept for long, and who came by it; `own_link` is a recording of theirs.

    `expires_at` is in seconds since 1970. `id` makes two tokens for the same differ. `sign_outs` says how often the
    account had been signed out everywhere when this was made; after the next time it is good for nothing. `device` is
    the one that a candidate joined from, and `link` the number of the join
    link, or record link, that they came by.
    """

    kind: Kind
    tenant: str
    subject: str
    schedule: str = ""
    session: str = ""
    expires_at: int
    id: str = ""
    sign_outs: int = 0
    device: str = ""
    link: int = 0
    recording: str = ""


class Tokens:
    """Signs and reads tokens under one 32-byte secret."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != 32:
            raise ValueError("a secret of 32 bytes signs tokens")
        self._secret = secret

    def sign(self, token: Token) -> str:
        payload = _encoder.encode(msgspec.structs.replace(token, id=token.id or secrets.token_urlsafe(9)))
        return f"{_text(payload)}.{_text(self._mac(payload))}"

    def read(self, text: str, at: datetime, *kinds: Kind) -> Token:
        """The token, if it is whole, ours, of one of these kinds and not expired at `at`. Raises `BadToken`."""
        payload, dot, mac = text.partition(".")
        if not dot or len(text) > LONGEST:
            raise BadToken
        try:
            raw = _bytes(payload)
            if not hmac.compare_digest(_bytes(mac), self._mac(raw)):
                raise BadToken
            token = _decoder.decode(raw)
        except (ValueError, msgspec.MsgspecError):
            raise BadToken from None
        if token.kind not in kinds or at.timestamp() >= token.expires_at:
            raise BadToken
        return token

    def _mac(self, payload: bytes) -> bytes:
        return hmac.new(self._secret, b"vigil/token/1" + payload, sha256).digest()


def ends(at: datetime, after: timedelta = timedelta()) -> int:
    return int((at + after).timestamp())


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Token)
