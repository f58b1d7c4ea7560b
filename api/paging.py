"""Lists in pages, in one way everywhere: at most `limit` rows that come after a place, and `next`, the place to go on.

A place is the sort key of the row before it, so what is added or taken away meanwhile moves no other row from page to
page. It is sealed, because it may hold a name and will stand in addresses. It is good for its own list only.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from typing import Annotated, Generic, NamedTuple, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from litestar.params import QueryParameter

from api.ordering import AnyRequest, caller_of, services_of
from api.problems import Denied
from api.reading import Where, rows_of
from projections.model import Model, R
from projections.reader import Found

T = TypeVar("T")
Key = tuple[str | int | float | bool, ...]
Limit = Annotated[int, QueryParameter(ge=1, le=1000, description="The most rows of one page")]
After = Annotated[str, QueryParameter(max_length=4000, description="`next` of the page before; empty for the first")]
USUAL = 500  # rows of a page, when nobody says


class Page(NamedTuple, Generic[T]):
    """`next` is None on the last page."""

    rows: tuple[T, ...]
    next: str | None


def page(request: AnyRequest, rows: Iterable[T], key: Callable[[T], Key], limit: int, after: str) -> Page[T]:
    """The rows of a list that come next in the order of their keys, which tell all rows apart. Raises `Denied` 422."""
    ordered = sorted(((key(row), row) for row in rows), key=lambda pair: pair[0])
    place = opened(request, after)
    try:
        left = [pair for pair in ordered if place is None or pair[0] > place]
    except TypeError:  # sealed by a version that put this list in another order
        raise _nowhere() from None
    shown = left[:limit]
    return Page(tuple(row for _, row in shown), sealed(request, shown[-1][0]) if len(left) > limit else None)


async def rows_after(
    request: AnyRequest, model: Model[R], where: Where, limit: int, after: str
) -> tuple[Found[R], str | None]:
    """The rows of a model that come next in the order of its keys, and the place to go on. Raises `Denied` 422."""
    place = opened(request, after)
    found = await rows_of(request, model, where, after=str(place[0]) if place else "", most=limit)
    return found, sealed(request, (found.onward,)) if found.onward else None


def sealed(request: AnyRequest, key: Key) -> str:
    """A place in the list that a request is for, as clients are given it."""
    cipher, where = _cipher(request)
    nonce = secrets.token_bytes(12)
    return urlsafe_b64encode(nonce + cipher.encrypt(nonce, msgspec.json.encode(key), where)).rstrip(b"=").decode()


def opened(request: AnyRequest, after: str) -> Key | None:
    """The key that was sealed; None for the beginning. Raises `Denied` 422 for what we never gave for this list."""
    if not after:
        return None
    cipher, where = _cipher(request)
    try:
        raw = urlsafe_b64decode(after + "=" * (-len(after) % 4))
        return tuple(msgspec.json.decode(cipher.decrypt(raw[:12], raw[12:], where)))
    except (ValueError, InvalidTag):
        raise _nowhere() from None


def _cipher(request: AnyRequest) -> tuple[AESGCM, bytes]:
    key = hmac.digest(services_of(request).secret, b"vigil/page/1", "sha256")
    return AESGCM(key), f"{caller_of(request).tenant} {request.url.path}".encode()


def _nowhere() -> Denied:
    return Denied(422, "invalid", "this is no place in this list; begin without it", field="after")
