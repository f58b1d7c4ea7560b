"""Service tokens: issued, revoked, and read as they are sent, `vigil_<id>_<secret>`."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from commands.handler import Work
from domain import service_token
from domain.service_token import ServiceToken
from domain.user import Role

_TEXT = re.compile(r"vigil_(?P<token>t[a-z2-7]{24})_(?P<secret>[A-Za-z0-9_-]{43})")


class Presented(NamedTuple):
    """A text that looks like a service token: whose it says it is, and the secret that has to prove it."""

    token: str
    secret: str

    def __str__(self) -> str:
        return f"vigil_{self.token}_{self.secret}"

    def proves(self, state: ServiceToken) -> bool:
        """Compares in constant time. A plain hash will do: nobody can guess 256 random bits."""
        return hmac.compare_digest(hashed(self.secret), state.sha256)


def presented(text: str) -> Presented | None:
    """None for anything else, such as the sign-in of a person."""
    found = _TEXT.fullmatch(text)
    return Presented(found["token"], found["secret"]) if found else None


def fresh_secret() -> str:
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


async def issue(
    work: Work, *, name: str, roles: tuple[Role, ...], expires_at: datetime, sha256: str
) -> Mapping[str, str]:
    token = "t" + work.new_id("token")
    order = service_token.Issue(at=work.at, name=name, roles=roles, expires_at=expires_at, sha256=sha256)
    await work.do(service_token.DECIDER, token, order)
    return {"token": token}


async def revoke(work: Work, token: str) -> None:
    await work.do(service_token.DECIDER, token, service_token.Revoke())
