"""Links that play one recording without a sign-in: they end by themselves, and stand for whoever asked for them.

A candidate's stands for them by their record link, and is void with it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from litestar.connection import ASGIConnection
from msgspec.structs import replace

from api.problems import Denied
from api.tokens import BadToken, Token, Tokens, ends

LASTS = timedelta(hours=4)  # the longest exam, watched at its own pace


class Link(NamedTuple):
    """What goes behind the address of a recording, and until when it is good."""

    query: str
    ends_at: datetime


def signed(token: Token, tokens: Tokens, at: datetime) -> Link:
    """The link that says what `token` does. It is good for a while, and no longer than the token is."""
    until = min(ends(at, LASTS), token.expires_at)
    return Link(f"?link={tokens.sign(replace(token, expires_at=until))}", datetime.fromtimestamp(until, UTC))


def linked(connection: ASGIConnection[Any, Any, Any, Any], tokens: Tokens, at: datetime) -> Token | None:
    """Whom a link stands for, where a recording is asked for by one. Raises `Denied` 401 when it is no good there."""
    recording, text = connection.path_params.get("recording"), connection.query_params.get("link", "")
    if not recording or not text or connection.scope.get("method") not in {"GET", "HEAD"}:
        return None
    try:
        token = tokens.read(text, at, "link", "own_link")
    except BadToken:
        token = None
    if token is None or token.recording != recording:
        detail = "this link is for another recording or has ended; list the recordings again for a new one"
        raise Denied(401, "unauthenticated", detail, headers={"WWW-Authenticate": "Bearer"})
    return token
