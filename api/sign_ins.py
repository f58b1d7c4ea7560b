"""The audit of sign-ins: who signed in and out, who failed, whose address waited and who lifted it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get
from litestar.params import QueryParameter

from api.callers import may
from api.ordering import AnyRequest, caller_of
from api.reading import Where, rows_of
from projections.signins import SIGNINS, Noted, key_below, position_in


class SignIns(msgspec.Struct, frozen=True, kw_only=True):
    """The newest first. `next` is for `before`, when there is more. `stale` says that some cannot be shown now."""

    position: int
    sign_ins: tuple[Noted, ...]
    next: int | None
    stale: bool


@get("/sign-ins", guards=[may("admin", "auditor")])
async def read(
    request: AnyRequest,
    *,
    user: Annotated[str, QueryParameter(max_length=64, pattern=r"^[a-z0-9]*$")] = "",
    before: Annotated[int, QueryParameter(ge=1, le=10**18)] = 10**18,
    most: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
) -> SignIns:
    """Sign-ins, failures, waits, lifts and sign-outs of everybody, or of one `user`. People are pseudonyms.

    A try that was turned away because its address had to wait is no event: the wait is.
    """
    where: Where = {"user": user} if user else {}
    after = key_below(caller_of(request).tenant, before)
    found = await rows_of(request, SIGNINS, where, after=after, most=most)
    return SignIns(
        position=found.position, sign_ins=tuple(found.rows.values()),
        next=position_in(found.onward) if found.onward else None, stale=bool(found.stale),
    )  # fmt: skip


HANDLERS = (read,)
