"""The read model `timeline`: a row for each event of a session's streams, and for its enrolment, as it can be shown."""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.event import Private
from domain.recorded import Recorded, Stored
from projections.keys import about_session, schedule_of_session, session_keys, session_streams, whole_stream
from projections.model import Model

__all__ = ["TIMELINE", "Moment"]


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One event. `body` is its JSON with private texts opened; those that are forgotten are null. Times are UTC.

    `occurred_at` is by the client's or the media clock, where there is one.
    """

    session: str
    position: int
    tag: str
    stream: str
    recorded_at: datetime
    occurred_at: datetime | None
    actor: str
    body: dict[str, object]


def keys(recorded: Recorded) -> tuple[str, ...]:
    return tuple(_key(key, recorded.position) for key in about_session(recorded))


def fold(_: Moment | None, recorded: Recorded) -> Moment | None:
    body = msgspec.to_builtins(recorded.body, enc_hook=_opened)
    (key,) = about_session(recorded)
    return Moment(
        session=key.partition("/")[2], position=recorded.position, tag=body.pop("type"), stream=recorded.stream,
        recorded_at=recorded.recorded_at, occurred_at=recorded.envelope.occurred_at, actor=recorded.envelope.actor,
        body=body,
    )  # fmt: skip


def _suspects(stored: Stored) -> tuple[str, ...]:
    return tuple(_key(key, stored.position) for key in session_keys(stored.stream)) or whole_stream(stored)


def _key(session_key: str, position: int) -> str:
    """Keys of one session sort by position."""
    return f"{session_key}/{position:020}"


def _opened(private: object) -> str | None:
    if isinstance(private, Private):
        return private.text
    raise NotImplementedError(type(private))


TIMELINE: Model[Moment] = Model(
    name="timeline", version=1, row=Moment, events=None, index=("session", "position", "tag"), keys=keys, fold=fold,
    streams=session_streams, leads=schedule_of_session, suspects=_suspects,
)  # fmt: skip
