"""What is told of a change of a session: to the wall of its schedule, and to the candidate.

On `schedule/<id>` a patch is `{"key": ..., "set": {field: value}}`: the fields of the row that changed, each whole.
On `session/<id>` it is one of `{"session": ...}`, `{"message": ...}`, `{"intervention": ...}` and `{"help": ...}`: what
concerns the candidate, and nothing of incidents or of who the invigilators are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain import chat, intervention
from domain import help as asking
from domain.event import Event
from domain.recorded import Recorded
from projections.keys import parsed
from projections.live_row import Live
from projections.model import Change
from projections.stages import STAGES


def changes(key: str, before: Live | None, after: Live | None, recorded: Recorded) -> Sequence[Change]:
    """A row is never taken away, so `after` is always there."""
    if after is None:
        return ()
    told: list[Change] = []
    fields = [name for name in after.__struct_fields__ if before is None or _differs(before, after, name)]
    if fields and after.schedule:
        told.append((f"schedule/{after.schedule}", {"key": key, "set": {n: getattr(after, n) for n in fields}}))
    own = _to_candidate(recorded) or _standing(before, after)
    if own:
        told.append((f"session/{after.session}", own))
    return told


def _to_candidate(recorded: Recorded) -> Mapping[str, object] | None:
    match recorded.body:
        case chat.MessageSent(message=name, side=side, at=at, text=text):
            return {"message": {"message": name, "side": side, "at": at, "text": text.text, "stage": "sent"}}
        case chat.MessageDelivered(message=name):
            return {"message": {"message": name, "stage": "delivered"}}
        case chat.MessageRead(message=name):
            return {"message": {"message": name, "stage": "read"}}
        case asking.HelpRequested(help=name, topic=topic, at=at):
            return {"help": {"help": name, "stage": "requested", "topic": topic, "at": at}}
        case asking.HelpTaken(help=name):
            return {"help": {"help": name, "stage": "taken"}}
        case asking.HelpReleased(help=name):
            return {"help": {"help": name, "stage": "requested"}}
        case asking.HelpAnswered(help=name, text=text):
            return {"help": {"help": name, "stage": "answered", "answer": text.text if text else ""}}
        case asking.HelpWithdrawn(help=name):
            return {"help": {"help": name, "stage": "withdrawn"}}
    if isinstance(recorded.body, tuple(STAGES)):
        return {"intervention": _intervention(parsed(recorded.stream).name, recorded.body)}
    return None


def _intervention(name: str, body: Event) -> Mapping[str, object]:
    asked: dict[str, object] = {"intervention": name, "stage": STAGES[type(body)]}
    match body:
        case intervention.Requested(kind=kind, at=at, reason_code=code, text=text, minutes=minutes):
            words = text.text if text else None
            asked |= {"kind": kind, "at": at, "reason_code": code, "text": words, "minutes": minutes}
            return asked | ({"break_kind": body.break_kind} if body.break_kind else {})
        case intervention.Failed(why=why):
            return asked | {"why": why}
    return asked


def _standing(before: Live | None, after: Live) -> Mapping[str, object] | None:
    names = ("phase", "clock", "tracks", "faults")
    if before is not None and not any(_differs(before, after, name) for name in names):
        return None
    return {"session": {name: getattr(after, name) for name in names}}


def _differs(before: Live, after: Live, name: str) -> bool:
    old, new = getattr(before, name), getattr(after, name)
    return old is not new and old != new
