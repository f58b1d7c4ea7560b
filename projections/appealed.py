"""Appeals against a record, and what became of them, in its row of the gradebook."""

from __future__ import annotations

from typing import assert_never

import msgspec
from msgspec.structs import replace

from domain.appeal import (
    AppealAnswered,
    AppealAttached,
    Appealed,
    AppealEvent,
    AppealWithdrawn,
    Attached,
    RecordLinkRenewed,
)
from projections.gradebook_row import Appeal, Appealing


def fold(known: tuple[Appeal, ...], event: AppealEvent) -> tuple[Appeal, ...]:
    match event:
        case RecordLinkRenewed():
            return known
        case Appealed(appeal=name, text=text, at=at, decision=decision, incident=incident):
            return (*known, Appeal(appeal=name, text=text.text, at=at, decision=decision, incident=incident))
        case AppealAttached() | AppealWithdrawn() | AppealAnswered():
            return tuple(_after(one, event) if one.appeal == event.appeal else one for one in known)
        case _:
            assert_never(event)


def standing(known: tuple[Appeal, ...]) -> Appealing:
    if not known:
        return "no"
    return "open" if any(one.state == "open" for one in known) else "over"


def _after(one: Appeal, event: AppealAttached | AppealWithdrawn | AppealAnswered) -> Appeal:
    match event:
        case AppealAttached():
            return replace(one, attached=(*one.attached, msgspec.convert(event, Attached, from_attributes=True)))
        case AppealWithdrawn(at=at):
            return replace(one, state="withdrawn", ended_at=at)
        case AppealAnswered(answer=answer, by=by, reason=reason, at=at):
            return replace(one, state=answer, by=by, reason=reason.text, ended_at=at)
        case _:
            assert_never(event)
