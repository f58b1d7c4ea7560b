"""The audit of sign-ins: who signed in and out, who failed, whose address waited, who was assigned to audit."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get
from litestar.params import QueryParameter

from api.callers import may
from api.ordering import AnyRequest, caller_of
from api.paging import USUAL, After, Limit, rows_after
from api.problems import Denied
from api.reading import Where
from projections.signins import SIGNINS, Noted


class SignIns(msgspec.Struct, frozen=True, kw_only=True):
    """The newest first. `stale` says that some cannot be shown now."""

    position: int
    sign_ins: tuple[Noted, ...]
    next: str | None
    stale: bool


@get("/sign-ins", guards=[may("admin", "auditor")])
async def read(
    request: AnyRequest,
    *,
    user: Annotated[str, QueryParameter(max_length=64, pattern=r"^[a-z0-9]*$")] = "",
    limit: Limit = USUAL,
    after: After = "",
) -> SignIns:
    """Sign-ins, failures, waits, lifts, sign-outs and assignments of auditors, of everybody or of one `user`.

    People are pseudonyms. An auditor reads it who is assigned to everything.

    A try that was turned away because its address had to wait is no event: the wait is.
    """
    caller = caller_of(request)
    if "admin" not in caller.roles and not (caller.auditing and caller.auditing.everything):
        raise Denied(403, "forbidden", "these are of the whole institution, and you are assigned to some schedules")
    where: Where = {"user": user} if user else {}
    found, onward = await rows_after(request, SIGNINS, where, limit, after)
    return SignIns(
        position=found.position, sign_ins=tuple(found.rows.values()),
        next=onward, stale=bool(found.stale),
    )  # fmt: skip


HANDLERS = (read,)
