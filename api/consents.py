"""What candidates agree to beyond the notice, and what they object to."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from litestar import post
from litestar.params import FromPath, JSONBody

from api import hints
from api.callers import may
from api.limits import limited
from api.ordering import AnyRequest, command
from commands import consents
from domain.consent import LONGEST_OBJECTION
from domain.purpose import Purpose


class ConsentAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    purpose: Purpose
    agreed: bool


class NewObjection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_OBJECTION)]


@post("/sessions/{session:str}/consents", guards=[may("candidate")], status_code=204)
async def answer(request: AnyRequest, session: FromPath[str], data: JSONBody[ConsentAnswer]) -> None:
    """Agrees to what the exam asks consent for, or does not, and sits it all the same. Whoever has agreed may withdraw
    it at any time: what depends on it stays off in this session from then on, and is not held against them.
    """
    await command(request, partial(consents.answer, name=session, purpose=data.purpose, agreed=data.agreed))
    await _told(request, session)


@post("/sessions/{session:str}/objections", guards=[may("candidate")], status_code=204, opt=limited("messages"))
async def raise_objection(request: AnyRequest, session: FromPath[str], data: JSONBody[NewObjection]) -> None:
    """Says what the candidate objects to, for the staff to answer. It stands in the record, and the exam goes on."""
    await command(request, partial(consents.raise_objection, name=session, text=data.text))
    await _told(request, session)


async def _told(request: AnyRequest, session: str) -> None:
    told: hints.Hints = request.app.state.hints
    await told.say(hints.candidate(session))


HANDLERS = (answer, raise_objection)
