"""The copy that a person is given on a granted request for access: put on each record that it holds, and released."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from commands.handler import Work
from domain import incidents, record, request, session_rules
from domain.event import Refused
from domain.release import Release, Withheld


async def release(
    work: Work, name: str, *, sessions: Sequence[str], withheld: tuple[Withheld, ...] = ()
) -> Mapping[str, str]:
    """One export over all of the person's records that are sealed, or that of the session which the request names.

    `sessions` are all of theirs. Says `of.<session>` for each one that it holds. What is restricted is in it too: the
    person's own access is never restricted.
    """
    state = await work.state(request.DECIDER, name)
    export = work.new_id("export")
    taken: list[str] = []
    known: set[str] = set()
    for session in (state.session,) if state.session else sorted(sessions):
        sitting = await work.state(session_rules.DECIDER, session)
        if sitting.subject == state.subject and (await work.state(record.DECIDER, session)).seals:
            taken.append(session)
            known |= (await work.state(incidents.DECIDER, session)).known
    if not set().union(*(one.incidents for one in withheld)) <= known:
        raise Refused("there is no such incident in what is released", field="withhold", kind="not_found")
    order = Release(
        at=work.at, by=work.order.actor, export=export, sessions=tuple(taken), withheld=withheld
    )  # fmt: skip
    await work.do(request.DECIDER, name, order)
    if not taken:
        raise Refused("no record of this person is sealed yet", field="request")
    for session in taken:
        out = record.Export(by=work.order.actor, export=export, at=work.at, request=name)
        await work.do(record.DECIDER, session, out)
    return {"export": export} | {f"of.{session}": "exported" for session in taken}
