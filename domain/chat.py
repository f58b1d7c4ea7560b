"""The chat of one session: messages between the candidate and the invigilators, sent, delivered and read."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Command, Decider, Event, Private, Refused

Side = Literal["candidate", "invigilator"]
LONGEST = 2000  # characters
AT_MOST, WITHIN_S = 20, 60  # messages of one side in so many seconds


class CannedVersion(msgspec.Struct, frozen=True):
    """The canned message that a text is from, and which version of it that was."""

    canned: str
    version: int


# Events. Tags and field names are on disk for ever.


class MessageSent(Event, frozen=True, kw_only=True, tag="chat.message_sent"):
    """`outage` is the one whose text this is, which nobody wrote here; "" for what somebody wrote."""

    message: str
    side: Side
    by: str
    at: datetime
    text: Private
    canned: CannedVersion | None = None
    outage: str = ""


class MessageDelivered(Event, frozen=True, kw_only=True, tag="chat.message_delivered"):
    message: str


class MessageRead(Event, frozen=True, kw_only=True, tag="chat.message_read"):
    message: str
    by: str


ChatEvent = MessageSent | MessageDelivered | MessageRead

# Commands.


class Send(Command, frozen=True, kw_only=True):
    message: str
    side: Side
    by: str
    at: datetime
    text: Private
    canned: CannedVersion | None = None
    outage: str = ""


class MarkDelivered(Command, frozen=True, kw_only=True):
    message: str
    side: Side  # of the one it was delivered to


class MarkRead(Command, frozen=True, kw_only=True):
    message: str
    side: Side
    by: str


ChatCommand = Send | MarkDelivered | MarkRead

# State.


class Chat(msgspec.Struct, frozen=True, kw_only=True):
    """Who sent each message, which were delivered and read, and when each side wrote last.

    What is told by itself, as an outage is, neither meets the rate limit nor counts for it.
    """

    sent: dict[str, Side] = {}
    delivered: frozenset[str] = frozenset()
    read: frozenset[str] = frozenset()
    recent: dict[Side, tuple[datetime, ...]] = {}  # each side's last messages, for the rate limit


def evolve(state: Chat, event: ChatEvent) -> Chat:
    match event:
        case MessageSent(message=message, side=side, outage=outage) if outage:
            return replace(state, sent=state.sent | {message: side})
        case MessageSent(message=message, side=side, at=at):
            recent = (*state.recent.get(side, ()), at)[-AT_MOST:]
            return replace(state, sent=state.sent | {message: side}, recent=state.recent | {side: recent})
        case MessageDelivered(message=message):
            return replace(state, delivered=state.delivered | {message})
        case MessageRead(message=message):
            return replace(state, read=state.read | {message}, delivered=state.delivered | {message})
        case _:
            assert_never(event)


def decide(command: ChatCommand, state: Chat) -> tuple[ChatEvent, ...]:
    match command:
        case Send(message=message, side=side, by=by, at=at, text=text, canned=canned, outage=outage):
            if message in state.sent:
                return ()
            if not (text.text or "").strip():
                raise Refused("a message needs some text", field="text", kind="invalid")
            if len(text.text or "") > LONGEST:
                raise Refused(f"a message has at most {LONGEST} characters", field="text", kind="invalid")
            if not outage:
                _must_not_flood(state.recent.get(side, ()), at)
            return (MessageSent(message=message, side=side, by=by, at=at, text=text, canned=canned, outage=outage),)
        case MarkDelivered(message=message, side=side):
            _received(message, side, state)
            return () if message in state.delivered else (MessageDelivered(message=message),)
        case MarkRead(message=message, side=side, by=by):
            _received(message, side, state)
            return () if message in state.read else (MessageRead(message=message, by=by),)
        case _:
            assert_never(command)


def _must_not_flood(recent: tuple[datetime, ...], at: datetime) -> None:
    if len(recent) < AT_MOST or (wait := recent[0] + timedelta(seconds=WITHIN_S) - at) <= timedelta():
        return
    wait_s = ceil(wait.total_seconds())
    rule = (
        f"wait {wait_s} second{'s' if wait_s > 1 else ''} and send this again: it was not sent,"
        f" because {AT_MOST} messages were sent within a minute; those have arrived"
    )
    raise Refused(rule, kind="wait", after_s=wait_s)


def _received(message: str, side: Side, state: Chat) -> None:
    if message not in state.sent:
        raise Refused("there is no such message", field="message", kind="not_found")
    if state.sent[message] == side:
        raise Refused("only the other side can receive a message", field="message")


DECIDER: Decider[Chat, ChatCommand, ChatEvent] = Decider("chat", Chat(), evolve, decide, ChatEvent)
