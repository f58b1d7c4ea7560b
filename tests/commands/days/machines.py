"""What detectors, media and reactions say of a session, and what people say of the record."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from random import Random

from msgspec.structs import replace

from commands import flags, recordings, sessions, signals
from domain import incidents, late, record, recording
from domain.coverage import ReportCoverage
from domain.fault import FaultClosed, FaultOpened
from domain.phase import Track
from domain.segment import OWN_COPY, Segment
from domain.signals import VALUES, Batch, Sample, Signal, heard
from tests.commands.days.day import Day, move
from tests.commands.days.model import ENDED, RUNNING
from tests.commands.days.planning import TEXTS
from tests.commands.days.sitting import DEVICES, followed
from tests.commands.days.world import Said

TRACKS: tuple[Track, ...] = ("camera", "screen")
SEVERITIES: tuple[incidents.Severity, ...] = ("info", "warn", "high")
PROVENANCE = incidents.Provenance(
    detector="faces", detector_version="1", weights={}, thresholds={"score": 0.5}, rule_version="1"
)
FAULTS = ("messaging", "front_door")
UNREACHED = ("front_door", "database", "page")
SIGNALS: tuple[Signal, ...] = ("focus", "displays", "camera", "screen", "network")
# What machines tell changes nothing where it does not apply, and neither does a look or the same again.
TOLD = frozenset({
    "switch a detector on everywhere", "tell a session what is off everywhere",
    "lose a connection", "restore a connection", "open a fault", "close a fault", "note an outage", "hear a page",
    "hear nothing of a page", "open an incident", "add evidence", "close an incident", "report coverage",
    "end a connection", "send late media", "finalise a recording", "settle a recording", "look at the record",
    "follow the schedule", "expire holds", "reach a retention", "finish an erasure",
    "bring a session back", "give an intervention up",
    "let go of an incident", "let go of a request for help", "end a duty",
})  # fmt: skip


# Faults.


@move("lose a connection")
def _lose(day: Day, chance: Random) -> Said:
    return cut_off(day, day.some(chance, "in_progress", "in_progress", "paused"), chance.choice(TRACKS))


def cut_off(day: Day, session: str, track: Track) -> Said:
    said = day.say("system", partial(sessions.lose_connection, name=session, track=track, why="lost"))
    if said.made:
        assert day.sittings[session].phase in RUNNING
        day.sittings[session].lost[track] = day.at
    return said


@move("restore a connection")
def _restore(day: Day, chance: Random) -> Said:
    away = [name for name, sitting in day.sittings.items() if sitting.lost]
    session = chance.choice(away) if away and chance.random() < 0.5 else day.some(chance)
    track = chance.choice(TRACKS)
    said = day.say("system", partial(sessions.restore_connection, name=session, track=track))
    if said.made:
        assert track in day.sittings[session].lost
        day.sittings[session].comes_back(track, day.at)
    return said


@move("open a fault")
def _fault(day: Day, chance: Random) -> Said:
    session, what = day.some(chance, "in_progress", "paused"), chance.choice(FAULTS)
    since = day.at - timedelta(seconds=chance.choice([0, 10]))
    said = day.say("system", partial(sessions.open_fault, name=session, what=what, why="away", since=since))
    return reached(day, session, said)


@move("close a fault")
def _fault_over(day: Day, chance: Random) -> Said:
    what = chance.choice(FAULTS)
    faulty = [name for name in day.sittings if what in day.session(name).faults]
    session = day.pick(chance, faulty, day.some(chance))
    said = day.say("system", partial(sessions.close_fault, name=session, what=what, since=day.at))
    return reached(day, session, said)


@move("note an outage")
def _note(day: Day, chance: Random) -> Said:
    session, since = day.some(chance), day.at - timedelta(minutes=chance.choice([1, 5]))
    said = day.say("system", partial(sessions.note_outage, name=session, what="database", why="away", since=since))
    return reached(day, session, said)


def reached(day: Day, session: str, said: Said) -> Said:
    """Who cannot reach us is cut off, even if we see and hear them."""
    for event in said.made.get(f"{day.world.tenant}/session/{session}", ()):
        if isinstance(event, FaultOpened) and event.what in UNREACHED:
            assert event.since
            day.sittings[session].lost[event.what] = event.since
        elif isinstance(event, FaultClosed) and event.what in UNREACHED:
            assert event.since
            day.sittings[session].comes_back(event.what, event.since)
    return said


@move("follow the schedule")
def _follow(day: Day, chance: Random) -> Said:
    window = day.plan.window
    assert window
    behind = [
        name for name, sitting in day.sittings.items()
        if sitting.phase in RUNNING and sitting.followed and sitting.followed[0] < window.closes_at
    ]  # fmt: skip
    session = day.pick(chance, behind, day.some(chance, *RUNNING))
    said = day.say("system", partial(sessions.follow, name=session))
    if said.refused is None:
        followed(day, session)
    return said


# What a page signals.


@move("hear a page")
def _hear(day: Day, chance: Random) -> Said:
    session = day.some(chance, "in_progress", "in_progress", "paused")
    samples = []
    for signal in SIGNALS:
        since = day.at - timedelta(seconds=chance.choice([3, 20, 90]))
        samples.append(Sample(signal=signal, value=chance.choice(VALUES[signal]), at=since))
    batch = Batch(page=chance.choice(["a", "b"]), number=1, sent_at=day.at, skew_ms=0.0, samples=tuple(samples))
    return reached(day, session, day.say("candidate", partial(signals.hear, name=session, heard=heard(batch, day.at))))


@move("hear nothing of a page")
def _silence(day: Day, chance: Random) -> Said:
    telling = [name for name in day.sittings if day.session(name).page.kinds]
    session = chance.choice(telling) if telling and chance.random() < 0.5 else day.some(chance)
    since = day.at - timedelta(seconds=chance.choice([20, 60]))
    silent = partial(signals.fall_silent, name=session, since=since, ours=chance.random() < 0.3)
    return reached(day, session, day.say("system", silent))


# Incidents.


@move("open an incident")
def _open(day: Day, chance: Random) -> Said:
    session, name = day.some(chance, "in_progress"), f"n{len(day.world.said)}"
    found = incidents.OpenIncident(
        incident=name, kind=chance.choice(["several_people", "out_of_view"]),
        started_at=day.at - timedelta(seconds=chance.choice([0, 0, 0, 4000])),
        severity=chance.choice(SEVERITIES), confidence=0.9, provenance=PROVENANCE, evidence=None, observed=True,
        samples=tuple(incidents.Sampled(at=day.at, raw_score=score, positive=score > 0.5) for score in (0.2, 0.9)),
    )  # fmt: skip
    said = day.say("detector", partial(flags.open_incident, session=session, found=found))
    if said.made:
        day.keep("incident", name, session)
    return said


@move("add evidence")
def _evidence(day: Day, chance: Random) -> Said:
    name, session = day.one_of(chance, "incident", "nothing", "nobody")
    role = chance.choice(["first", "best", "last", None])
    seen = incidents.Evidence(at=day.at, object_key=f"{len(day.world.said)}", sha256="00", raw_score=0.9, role=role)
    evidence, severity = chance.choice([seen, None]), chance.choice(SEVERITIES)
    more = incidents.AddEvidence(incident=name, evidence=evidence, severity=severity)
    return day.say("detector", partial(flags.add_evidence, session=session, order=more))


@move("report coverage")
def _coverage(day: Day, chance: Random) -> Said:
    session, detector = day.some(chance, *ENDED), chance.choice(["faces", "objects", "browser"])
    told = ReportCoverage(
        detector=detector, due=10, taken=8, cannot_tell=1, overloaded=1, muted=0,
        reopened=chance.choice([0, 0, day.session(session).reopened]),
    )  # fmt: skip
    report = partial(flags.report_coverage, session=session, order=told)
    said = day.say("detector", report)
    return day.say("detector", report) if chance.random() < 0.3 else said  # and again


@move("close an incident")
def _close(day: Day, chance: Random) -> Said:
    name, session = day.one_of(chance, "incident", "nothing", "nobody")
    order = incidents.CloseIncident(incident=name, ended_at=day.at, severity=chance.choice(SEVERITIES), peak=0.9)
    return day.say("detector", partial(flags.close_incident, session=session, order=order))


@move("raise an incident by hand")
def _raise(day: Day, chance: Random) -> Said:
    session = day.some(chance)
    severity, note = chance.choice(SEVERITIES), chance.choice(TEXTS)
    said = day.say("invigilator", partial(flags.raise_by_hand, session=session, severity=severity, note=note))
    if name := said.ids.get("incident"):
        day.keep("incident", name, session)
    return said


@move("judge an incident")
def _judge(day: Day, chance: Random) -> Said:
    name, session = day.one_of(chance, "incident", "nothing", "nobody")
    verdict: incidents.Verdict = chance.choice(["confirmed", "dismissed", "unsure"])
    said = partial(flags.judge, session=session, incident=name, verdict=verdict, reason=chance.choice(TEXTS))
    return day.say("reviewer", said)


# Media.


@move("start a connection")
def _connect(day: Day, chance: Random) -> Said:
    session, track = day.some(chance, "in_progress"), chance.choice(TRACKS)
    name = recordings.recording_name(session, track)
    tape = day.world.state(recording.DECIDER, name)
    number, device = tape.connections + chance.choice([1, 1, 2]), chance.choice([None, *DEVICES])
    begin = partial(recordings.start_connection, session=session, track=track, connection=number, worker="w")
    said = day.say("media", partial(begin, device=device))
    if said.made:
        day.keep("recording", name)
    return said


@move("store a segment")
def _store(day: Day, chance: Random) -> Said:
    (name,) = day.one_of(chance, "recording", "nobody.camera")
    tape = day.world.state(recording.DECIDER, name)
    connection = max(1, tape.connections) + chance.choice([0, 0, 0, 2])
    number = sum(segment.connection == connection for segment in tape.segments) + 1
    segment = recording.Segment(
        connection=connection, number=number, started_at=day.at, ended_at=day.at + timedelta(seconds=6), bytes=1000,
        frames=90, sha256="00", object_key=f"{name}.{connection}.{number}", codec="VP8", width=640, height=480,
        complete=True,
    )  # fmt: skip
    order = recording.StoreSegment(segment=segment)
    return day.say("media", partial(recordings.store_segment, name=name, order=order))


@move("end a connection")
def _disconnect(day: Day, chance: Random) -> Said:
    (name,) = day.one_of(chance, "recording", "nobody.camera")
    tape = day.world.state(recording.DECIDER, name)
    order = recording.End(connection=tape.connections + chance.choice([0, 0, 1]), at=day.at, why="lost")
    return day.say("media", partial(recordings.end_connection, name=name, order=order))


@move("finalise a recording")
def _finalise(day: Day, chance: Random) -> Said:
    (name,) = day.one_of(chance, "recording", "nobody.camera")
    tape = day.world.state(recording.DECIDER, name)
    order = recording.Finalise(
        object_key=f"{name}.whole", bytes=1000, sha256="00", duration_s=6.0, frames=90, segments=len(tape.segments),
        session_ended_at=chance.choice([None, day.at]),
    )  # fmt: skip
    return day.say("media", partial(recordings.finalise, name=name, order=order))


@move("settle a recording")
def _settle(day: Day, chance: Random) -> Said:
    (name,) = day.one_of(chance, "recording", "nobody.camera")
    order = recording.Settle(session_ended_at=day.at + timedelta(seconds=10))
    return day.say("media", partial(recordings.settle, name=name, order=order))


@move("send late media")
def _send_late(day: Day, chance: Random) -> Said:
    known = [name for (name,) in day.made.get("recording", ())]
    gappy = [name for name in known if late.missing(day.world.state(recording.DECIDER, name))]
    name = day.pick(chance, gappy, chance.choice([*known, "nobody.camera"]))
    gaps = late.missing(day.world.state(recording.DECIDER, name))
    gap = chance.choice(gaps) if gaps else late.Stretch(day.at, day.at + timedelta(seconds=6))
    ends = min(gap.ended_at, gap.started_at + timedelta(seconds=6))
    segment = Segment(
        connection=OWN_COPY, number=int(gap.started_at.timestamp()), started_at=gap.started_at, ended_at=ends,
        bytes=1000, frames=90, sha256="00", object_key=f"{name}.{gap.started_at}", codec="VP8", width=640, height=480,
        complete=True,
    )  # fmt: skip
    order = late.StoreLate(
        segments=(segment,), sent_sha256="11", device_started_at=gap.started_at, device_ended_at=ends, skew_ms=0.0,
        received_at=day.at,
    )  # fmt: skip
    session = name.partition(".")[0]
    send = partial(recordings.store_late, session=session, name=name, order=order)
    said = day.say("candidate", send)
    if said.made:
        assert len(late.missing(day.world.state(recording.DECIDER, name))) <= len(gaps)
    return day.say("candidate", send) if chance.random() < 0.3 and not said.made else said  # and again


@move("send a still")
def _send_still(day: Day, chance: Random) -> Said:
    session, track = day.some(chance, "in_progress"), chance.choice(TRACKS)
    order = late.StoreStill(
        at=day.at, device_at=day.at, skew_ms=0.0, received_at=day.at, object_key="still", sha256="00", width=640,
        height=480,
    )  # fmt: skip
    name = recordings.recording_name(session, track)
    return day.say("candidate", partial(recordings.store_still, session=session, name=name, order=order))


# The record.


@move("look at the record")
def _view(day: Day, chance: Random) -> Said:
    view = partial(recordings.view, session=day.some(chance), what=chance.choice(["record", "media"]))
    said = day.say("reviewer", view)
    return day.say("reviewer", view) if chance.random() < 0.3 else said  # and again


@move("export the record")
def _export(day: Day, chance: Random) -> Said:
    return day.say("auditor", partial(recordings.export, session=day.some(chance, *ENDED)))


@move("seal the record")
def _seal(day: Day, chance: Random) -> Said:
    session = day.some(chance, *ENDED)
    heads = {entry.stream: entry.version for entry in day.world.log if f"/{session}" in entry.stream}
    order = record.Seal(at=day.at, owed=(), streams=heads, root="00", checkpoint="note", clock="synchronised")
    owed = chance.choice([(), ("coverage",)])
    return day.say("system", partial(recordings.seal, session=session, order=replace(order, owed=owed)))
