"""Stream names: `tenant/kind/name`. Every stream of a session is named by the session's id."""

from __future__ import annotations

from typing import NamedTuple

SESSION_KINDS = ("session", "incidents", "chat", "intervention", "recording", "record")


class Stream(NamedTuple):
    """The three parts of a stream id; `str()` gives what is stored."""

    tenant: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.tenant}/{self.kind}/{self.name}"

    @property
    def session(self) -> str | None:
        """The session that this stream belongs to, or None for a schedule's, a user's or another's."""
        return self.name.partition(".")[0] if self.kind in SESSION_KINDS else None


def parse(stream_id: str) -> Stream:
    """The inverse of `str(Stream)`; a tenant or kind never holds a slash."""
    tenant, kind, name = stream_id.split("/", 2)
    return Stream(tenant, kind, name)
