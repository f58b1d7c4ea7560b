"""A sitting as the read models see it: events in the ledger's order, and rows folded from them without a database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from domain import chat, enrolment, incidents, intervention, record, recording, schedule, session, user
from domain.event import Event, Private
from domain.recorded import Envelope, Recorded
from projections.folding import fold, touching
from projections.model import Model, R
from tests.domain.hall import NINE, POLICY, TWO_HOURS, WINDOW, at

SCHEDULE, SESSION = "t/schedule/anatomy", "t/session/s1"
INCIDENTS, CHAT, RECORD = "t/incidents/s1", "t/chat/s1", "t/record/s1"
CAMERA, SCREEN = "t/recording/s1.camera", "t/recording/s1.screen"
PAUSE = "t/intervention/s1.p1"

Said = tuple[str, Event]


def about_ada(text: str | None) -> Private:
    return Private("ada", text, session="s1", key_class="notes")


CREATED = (SCHEDULE, schedule.Created(title="Anatomy II", window=WINDOW, duration_s=TWO_HOURS, policy=POLICY))
ENROLLED = (
    SCHEDULE,
    enrolment.CandidateEnrolled(subject="ada", session="s1", name=about_ada("Ada L."), number=about_ada("7")),
)
OPENED = (SESSION, session.Opened(schedule="anatomy", subject="ada"))
STARTED = (SESSION, session.Started(at=at("9:05"), policy=POLICY, duration_s=TWO_HOURS, end_at=WINDOW.closes_at))
SUBMITTED = (SESSION, session.Submitted(at=at("10:30"), by="candidate"))
BEGUN = (CREATED, ENROLLED, OPENED, STARTED)


def flagged(name: str = "i1", severity: incidents.Severity = "warn", picture: str | None = "p1") -> Said:
    evidence = picture and incidents.Evidence(at=at("9:10"), object_key=picture, sha256="00", raw_score=0.9)
    provenance = incidents.Provenance(
        detector="several_people", detector_version="1", weights={}, thresholds={}, rule_version="1"
    )
    return INCIDENTS, incidents.Opened(
        incident=name, kind="several_people", started_at=at("9:10"), severity=severity, confidence=0.8,
        provenance=provenance, evidence=evidence or None,
    )  # fmt: skip


def closed(name: str = "i1", severity: incidents.Severity = "high") -> Said:
    return INCIDENTS, incidents.Closed(incident=name, ended_at=at("9:12"), severity=severity, peak=0.95, why="clear")


def judged(verdict: incidents.Verdict, name: str = "i1", by: str = "kim") -> Said:
    return INCIDENTS, incidents.VerdictGiven(incident=name, verdict=verdict, reason=about_ada("seen"), by=by)


def raised(name: str = "i2") -> Said:
    note = about_ada("whispers")
    return INCIDENTS, incidents.RaisedByPerson(incident=name, at=at("9:20"), severity="info", note=note)


def sent(name: str = "m1", side: chat.Side = "candidate", text: str | None = "hello") -> Said:
    return CHAT, chat.MessageSent(message=name, side=side, by="ada", at=at("9:15"), text=about_ada(text))


def read_by(who: str, name: str = "m1") -> Said:
    return CHAT, chat.MessageRead(message=name, by=who)


def requested(kind: intervention.Kind = "pause", stream: str = PAUSE) -> Said:
    words = about_ada("please look at the screen")
    return stream, intervention.Requested(
        session="s1", kind=kind, reason_code="", text=words, minutes=None, by="kim", at=at("9:30")
    )


def segment(number: int, stream: str = CAMERA) -> Said:
    began = at("9:05") + timedelta(seconds=6 * (number - 1))
    return stream, recording.SegmentStored(
        segment=recording.Segment(
            connection=1, number=number, started_at=began, ended_at=began + timedelta(seconds=6), bytes=1000,
            frames=90, sha256="00", object_key=f"k{number}", codec="VP8", width=640, height=480, complete=True,
        )
    )  # fmt: skip


def sealed(number: int = 1, kind: record.SealKind = "provisional") -> Said:
    return RECORD, record.Sealed(
        number=number, kind=kind, at=at("10:31"), owed=() if kind == "complete" else ("camera",), streams={SESSION: 4},
        root="ab", checkpoint="vigil\n1\n", clock="synchronised",
    )  # fmt: skip


def registered(stream: str = "t/user/kim") -> Said:
    def private(text: str) -> Private:
        return Private("kim", text, key_class="profile")

    name, email, password = private("Kim"), private("kim@example.org"), private("$argon2id$secret")
    return stream, user.Registered(name=name, email=email, password=password)


def recorded(
    said: Said, position: int, *, moment: datetime | None = None, actor: str = "someone", version: int = 0
) -> Recorded:
    """The n-th event of the ledger, recorded n seconds after nine unless another moment is given."""
    stream, body = said
    envelope = Envelope(actor=actor, command=f"c{position}")
    at = moment or NINE + timedelta(seconds=position)
    return Recorded(position, stream, version or position, at, envelope, body)


def rows_of(model: Model[R], happened: Iterable[Said]) -> dict[str, R]:
    """The model's rows after these events. Fails if one of them could not be folded."""
    versions: Counter[str] = Counter()
    entries = []
    for n, said in enumerate(happened, 1):
        versions[said[0]] += 1
        entries.append(recorded(said, n, version=versions[said[0]]))
    folded = fold(model, touching(model, entries), {})
    assert not folded.poison, folded.poison
    return {key: row for key, row in folded.rows.items() if row is not None}


def row_of(model: Model[R], *happened: Said) -> R:
    """The model's only row after these events."""
    (row,) = rows_of(model, happened).values()
    return row
