"""Long afterwards: what a record says of the bundle that its session's streams lie in."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from random import Random

from commands import archiving, recordings
from domain import record
from domain.stream import parse
from tests.commands.days.day import Day, move
from tests.commands.days.model import ENDED
from tests.commands.days.world import Said


@move("archive a session")
def _archive(day: Day, chance: Random) -> Said:
    session = day.pick(chance, [name for name in day.sittings if _fits(day, name)], day.some(chance, *ENDED))
    heads = {entry.stream: entry.version for entry in day.world.log if parse(entry.stream).session == session}
    if day.session(session).over and chance.random() < 0.5:
        order = record.Seal(at=day.at, owed=(), streams=heads, root="00", checkpoint="note", clock="synchronised")
        day.say("system", partial(recordings.seal, session=session, order=order))
    streams = {stream: version for stream, version in heads.items() if parse(stream).kind != "record"}
    if chance.random() < 0.1:
        streams = {stream: version - 1 for stream, version in streams.items()}
    wanted = partial(archiving.archive, session=session, bundle=f"{session}.bundle", sha256="00", streams=streams)
    later = day.at + timedelta(days=chance.choice([0, 100, 100, 100]))
    said = day.world.say("system", later, wanted)
    if said.made:
        known = day.world.state(record.DECIDER, session)
        assert (known.kind, known.keeping.holds) == ("complete", {})
        assert known.shelved.subject == day.session(session).subject
        assert day.session(session).over
        assert later > day.at or not day.session(session).ended_at, "the candidate may read it and appeal"
    return said


@move("bring a session back")
def _bring_back(day: Day, chance: Random) -> Said:
    away = [name for name in day.sittings if day.world.state(record.DECIDER, name).shelved.bundle]
    return day.say("system", partial(archiving.bring_back, session=day.pick(chance, away, day.some(chance))))


def _fits(day: Day, session: str) -> bool:
    known = day.world.state(record.DECIDER, session)
    return known.kind == "complete" and not known.keeping.holds and not known.shelved.bundle
