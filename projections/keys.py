"""Keys of rows, and which streams a row is folded from. Rows of a session have the key `tenant/session`."""

from __future__ import annotations

from functools import lru_cache
from typing import get_args

from domain import enrolment, session
from domain.event import Event
from domain.recorded import Recorded, Stored
from domain.stream import Stream, parse

parsed = lru_cache(maxsize=50_000)(parse)  # the same streams come again and again


@lru_cache(maxsize=50_000)
def session_keys(stream: str) -> tuple[str, ...]:
    """The session that a stream belongs to; none for a schedule's or a user's stream."""
    at = parse(stream)
    return (f"{at.tenant}/{at.session}",) if at.session else ()


def about_session(recorded: Recorded) -> tuple[str, ...]:
    """The session that an event is about: by its stream, or because it enrols or withdraws the candidate."""
    if keys := session_keys(recorded.stream):
        return keys
    match recorded.body:
        case enrolment.CandidateEnrolled(session=name) | enrolment.CandidateWithdrawn(session=name):
            return (f"{parsed(recorded.stream).tenant}/{name}",)
    return ()


def session_streams(key: str) -> tuple[str, ...]:
    """All streams of the session that a key begins with."""
    tenant, name = key.split("/")[:2]
    exact = (str(Stream(tenant, kind, name)) for kind in ("session", "incidents", "chat", "record"))
    below = (str(Stream(tenant, kind, name)) + ".*" for kind in ("intervention", "recording"))
    return (*exact, *below)


def schedule_of_session(recorded: Recorded) -> tuple[str, ...]:
    """The schedule's stream, which holds a session's enrolment: the session's first event names it."""
    match recorded.body:
        case session.Opened(schedule=name):
            return (str(Stream(parsed(recorded.stream).tenant, "schedule", name)),)
    return ()


def session_suspects(stored: Stored) -> tuple[str, ...]:
    """What an event that cannot be read may touch: its session; nobody knows whom an enrolment is about."""
    return session_keys(stored.stream) or whole_stream(stored)


def whole_stream(stored: Stored) -> tuple[str, ...]:
    """For rows of which a stream holds many: nobody knows which one an unreadable event is about."""
    return (stored.stream,)


def events_of(*kinds: object) -> frozenset[type[Event]]:
    """The events of these unions, or these single ones."""
    return frozenset(event for kind in kinds for event in get_args(kind) or (kind,))


ENROLMENT: frozenset[type[Event]] = frozenset({enrolment.CandidateEnrolled, enrolment.CandidateWithdrawn})
