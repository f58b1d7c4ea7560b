"""A small real ledger: one session from enrolment to its second seal, with media, evidence, chat and a verdict."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import AsyncConnection

from commands.checkpoint import Signer
from commands.envelope import encode, keys_of, tag_of
from commands.keys import KeyName, KeyRing, seal_object
from commands.ledger import Append, Appender, Part
from commands.notary import record_root, seal_batch, sign
from commands.objects import FolderStore
from commands.proofs import Checkpoint, covering, latest
from domain import (
    appeal,
    chat,
    enrolment,
    fault,
    incidents,
    intervention,
    onboarding,
    record,
    recording,
    schedule,
    session,
    triage,
)
from domain.coverage import CoverageReported
from domain.event import Event, KeyClass, Private
from domain.gaps import GapRecorded
from domain.late import LateSegmentStored, StillStored
from domain.phase import Track
from domain.policy import Policy, Window
from domain.recorded import Envelope
from domain.release import Withheld
from domain.segment import OWN_COPY, Segment
from media.blocks import seal_recording
from media.names import RecordingName, SegmentName, finalised_object_key
from media.sealing import SegmentSealer
from vigil.export import Exported, export_session, silent
from vigil.export_media import Progress

SIGNER = Signer("vigil.example/log", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = Signer("vigil.example/log", Ed25519PrivateKey.from_private_bytes(bytes(32)))
T0 = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
SUBJECT, SESSION = "cabc", "s1"
SCRIPT = "<script>alert('x')</script>"
LETTER = b"My brother says that it was he."


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


@dataclass
class World:
    """A ledger with one session from enrolment to its second seal, and the parts that an export needs."""

    conn: AsyncConnection
    keys: KeyRing
    appender: Appender
    objects: FolderStore
    versions: dict[str, int]

    async def append(self, *events: tuple[str, Event]) -> None:
        for stream, event in events:
            version = self.versions.get(stream, 0)
            for name in keys_of(event):
                await self.keys.data_key(name)
            envelope = Envelope(actor="user/kim", command=str(uuid4()))
            state = encode(event, envelope, stream, version + 1, self.keys.held)
            part = Part(stream, version, [(tag_of(event), state)])
            answer = await self.appender.append(Append(uuid4(), b"", "{}", [part]))
            assert answer.verdict == "done"
            self.versions[stream] = version + 1

    async def notarise(self) -> Checkpoint:
        while (await seal_batch(self.conn)).events:
            pass
        await sign(self.conn, SIGNER)
        found = await latest(self.conn)
        assert found
        return found

    async def seal(self, number: int, *owed: str) -> None:
        root = await record_root(self.conn, "t", SESSION)
        await self.notarise()
        checkpoint = await covering(self.conn, root.position)
        assert checkpoint
        kind: record.SealKind = "provisional" if owed else "complete"
        sealed = record.Sealed(
            number=number, kind=kind, at=at(4000 + number), owed=owed, streams=root.streams, root=root.root.hex(),
            checkpoint=checkpoint.note, clock="synchronised",
        )  # fmt: skip
        await self.append((f"t/record/{SESSION}", sealed))

    async def export(
        self, folder: Path, *, session: str = SESSION, keys: KeyRing | None = None, signer: Signer = SIGNER,
        size: int | None = None, progress: Progress = silent, withheld: tuple[Withheld, ...] = (),
    ) -> Exported:  # fmt: skip
        return await export_session(
            folder, "t", session, conn=self.conn, objects=self.objects, keys=keys or self.keys, signer=signer,
            size=size, progress=progress, withheld=withheld,
        )  # fmt: skip


def private(text: str, key_class: KeyClass = "notes") -> Private:
    return Private(SUBJECT, text, session=SESSION, key_class=key_class)


async def media(world: World, track: Track) -> list[tuple[str, Event]]:
    """Four segments, the third after a gap that is filled late, the last one torn; a still; the finished file."""
    data_key = await world.keys.data_key(KeyName(SUBJECT, SESSION, "media"))
    name, stream = RecordingName("t", SESSION, track), f"t/recording/{SESSION}.{track}"
    found: list[tuple[str, Event]] = [(stream, recording.Started(connection=1, at=at(0), worker="w1"))]
    for number, start, complete in ((1, 0, True), (2, 6, True), (3, 30, True), (4, 36, False)):
        segment = await _segment(world, data_key, SegmentName(name, 1, number), start, complete=complete)
        if number == 3:
            found.append((stream, GapRecorded(started_at=at(12), ended_at=at(30), why="lost")))
        found.append((stream, recording.SegmentStored(segment=segment)))
    sent = LateSegmentStored(
        segment=await _segment(world, data_key, SegmentName(name, OWN_COPY, 13_000), 13), sent_sha256="cd" * 32,
        device_started_at=at(12), device_ended_at=at(18), skew_ms=-1000.0, received_at=at(40),
    )  # fmt: skip
    found += [(stream, sent), (stream, await _still(world, data_key, stream, track))]
    whole = b"".join(seal_recording(data_key, name, [os.urandom(150_000), os.urandom(1000)]))
    hash_ = sha256(whole).hexdigest()
    key = finalised_object_key(name, hash_)
    await world.objects.put_new(key, whole)
    found.append((stream, recording.Ended(connection=1, at=at(42), why="stopped")))
    finished = recording.Finalised(
        object_key=key, bytes=len(whole), sha256=hash_, duration_s=42, frames=300, segments=5
    )
    return [*found, (stream, finished)]


async def _segment(
    world: World, data_key: bytes, place: SegmentName, start: float, *, complete: bool = True
) -> Segment:
    sealer = SegmentSealer(data_key, place)
    stored = sealer.header + b"".join(
        sealer.seal(os.urandom(900), end_ms=1000 * n, frames=10 * n, sounds=0, last=complete and n == 6)
        for n in range(1, 7)
    )
    await world.objects.put_new(place.object_key(), stored)
    return Segment(
        connection=place.connection, number=place.number, started_at=at(start), ended_at=at(start + 6),
        bytes=len(stored), frames=60, sha256=sha256(stored).hexdigest(), object_key=place.object_key(), codec="VP8",
        width=640, height=480, complete=complete,
    )  # fmt: skip


async def _still(world: World, data_key: bytes, stream: str, track: Track) -> StillStored:
    key = f"t/media/{SESSION}.{track}/still-0123456789abcdef.jpg.sealed"
    stored = seal_object(data_key, key, b"\xff\xd8a still")
    await world.objects.put_new(key, stored)
    return StillStored(
        at=at(20), device_at=at(19), skew_ms=-1000.0, received_at=at(20), object_key=key,
        sha256=sha256(stored).hexdigest(), width=640, height=480,
    )  # fmt: skip


async def _letter(world: World) -> appeal.AppealAttached:
    data_key = await world.keys.data_key(KeyName(SUBJECT, SESSION, "notes"))
    key = f"t/appeals/{SESSION}/0123456789abcdef.sealed"
    stored = seal_object(data_key, key, LETTER)
    await world.objects.put_new(key, stored)
    return appeal.AppealAttached(
        appeal="a1", number=1, at=at(6001), kind="text/plain", bytes=len(LETTER), object_key=key,
        sha256=sha256(stored).hexdigest(),
    )  # fmt: skip


async def evidence(world: World, name: str, jpeg: bytes, role: incidents.Role = "best") -> incidents.Evidence:
    data_key = await world.keys.data_key(KeyName(SUBJECT, SESSION, "media"))
    key = f"t/evidence/{SESSION}/{name}.jpg.sealed"
    stored = seal_object(data_key, key, jpeg)
    await world.objects.put_new(key, stored)
    return incidents.Evidence(at=at(20), object_key=key, sha256=sha256(stored).hexdigest(), raw_score=0.81, role=role)


SAMPLES = (
    incidents.Sampled(at=at(17), raw_score=0.12, positive=False),
    incidents.Sampled(at=at(19), raw_score=0.81, positive=True),
)


async def sit_an_exam(world: World) -> None:
    window = Window(opens_at=at(-600), last_entry_at=at(600), closes_at=at(7200), time_zone="Europe/Vienna")
    policy = Policy()
    first = await evidence(world, "i1-0123456789abcdef", b"\xff\xd8first picture", "first")
    better = await evidence(world, "i1-fedcba9876543210", b"\xff\xd8second picture")
    provenance = incidents.Provenance(
        detector="several_people", detector_version="1", weights={"faces.onnx": "ab" * 32}, thresholds={"open": 0.5},
        rule_version="2",
    )  # fmt: skip
    enrolled = enrolment.CandidateEnrolled(
        subject=SUBJECT, session=SESSION, name=private("Ola Nordmann", "profile"), number=private("4711", "profile"),
        email=private("ola@example.org", "profile"),
    )  # fmt: skip
    neighbour = Private("cxyz", "Somebody Else", session="s2", key_class="profile")
    plan, own = "t/schedule/x1", f"t/session/{SESSION}"
    flags, talk, act = f"t/incidents/{SESSION}", f"t/chat/{SESSION}", f"t/intervention/{SESSION}.v1"
    await world.append(
        (plan, schedule.Created(title="Anatomy II", window=window, duration_s=3600, policy=policy)),
        (plan, enrolled),
        (plan, enrolment.CandidateEnrolled(subject="cxyz", session="s2", name=neighbour, number=neighbour)),
        (own, session.Opened(schedule="x1", subject=SUBJECT)),
        ("t/session/s2", session.Opened(schedule="x1", subject="cxyz")),
        (own, session.Started(at=at(0), policy=policy, duration_s=3600, end_at=at(7200))),
        (talk, chat.MessageSent(message="m1", side="candidate", by=SUBJECT, at=at(5), text=private(SCRIPT, "chat"))),
        (flags, incidents.Opened(incident="i1", kind="several_people", started_at=at(19), severity="high",
                                 confidence=0.81, provenance=provenance, evidence=first, samples=SAMPLES)),
        (flags, incidents.EvidenceAdded(incident="i1", evidence=better)),
        (flags, incidents.Closed(incident="i1", ended_at=at(25), severity="high", peak=0.9, why="clear")),
        (flags, triage.Escalated(incident="i1", at=at(25), by="user/kim", note=private("Please look."))),
        (act, intervention.Requested(session=SESSION, kind="warn", reason_code="several_people",
                                     text=private("Please sit alone."), minutes=None, by="user/kim", at=at(26))),
        (act, intervention.Delivered(at=at(27))),
        (own, fault.ConnectionLost(at=at(12), track="camera", why="no media")),
        (own, session.Submitted(at=at(3600), by="candidate")),
        *(await media(world, "camera")),
        (flags, CoverageReported(detector="several_people", due=60, taken=50, cannot_tell=10, overloaded=0,
                                           muted=0, due_s=120, seen_s=100)),
        (flags, CoverageReported(detector="several_people", due=90, taken=70, cannot_tell=20, overloaded=0,
                                           muted=0, due_s=180, seen_s=140, reopened=1,
                                           reasons={"too_dark": 9, "no_picture": 11})),
    )  # fmt: skip
    await world.seal(1, "screen: the finished recording")
    await world.append(*(await media(world, "screen")))
    await world.seal(2)
    verdict = incidents.VerdictGiven(incident="i1", verdict="confirmed", reason=private("Two faces."), by="user/rev")
    tape = f"t/record/{SESSION}"
    answer = appeal.AppealAnswered(
        appeal="a1", answer="rejected", reason=private("It shows two people."), by="user/apart", at=at(7000)
    )
    appealed = appeal.Appealed(
        appeal="a1", text=private("It was my brother."), by=SUBJECT, at=at(6000), decision=0, incident="i1"
    )
    await world.append(
        (flags, verdict),
        (tape, appealed), (tape, await _letter(world)), (tape, answer),
        (tape, record.Viewed(by="user/rev", what="recording", at=at(7100))),
    )  # fmt: skip
    await world.append(*(("t/session/s2", onboarding.Ready()) for _ in range(20)))
    await world.notarise()
