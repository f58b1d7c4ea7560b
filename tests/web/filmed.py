"""Finished recordings of a session, real ones: a player finds moving pictures and sound in them."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from commands import flags, recordings
from commands.keys import KeyName
from domain import incidents, recording
from domain.phase import Track
from media.clips import card_clip, sound_clip
from media.clock import SenderClock, StreamClock
from media.finalise import finalise
from media.names import SegmentName, finalised_object_key, recording_name
from media.recorder import Recorder
from tests.api.hall import Exam, Hall, an_exam, sit
from tests.api.test_identity import picture
from tests.api.test_live import flag
from tests.api.test_observed import BLIND, DARK
from tests.api.test_reviews import complete
from tests.media.tape import Tape, play, segment_of


async def a_filmed_exam(hall: Hall) -> Exam:
    """One candidate with 70 s of both tracks, three incidents and a fault of nobody's; another one without any flag.

    Flags at 5 s and at 38 s, and at 50 s what an invigilator raised: so that there is a film between and after them.
    """
    exam = await an_exam(hall, candidates=2)
    for number in range(2):
        await sit(exam, number)
    began, at = hall.clock(), f"/api/v1/sessions/{exam.sessions[0]}"
    await filmed(exam, 0, "camera", began)
    await filmed(exam, 0, "screen", began + timedelta(seconds=2))
    for name, after in (("early", 5), ("later", 38)):
        await flag(exam, 0, name, began + timedelta(seconds=after), picture(size=(320, 240)))
        ended = began + timedelta(seconds=after + 4)
        order = incidents.CloseIncident(incident=name, ended_at=ended, severity="high", peak=0.91)
        await hall.act(f"close {name}", partial(flags.close_incident, session=exam.sessions[0], order=order))
    hall.clock.ahead += began + timedelta(seconds=50) - hall.clock()
    raised = {"severity": "warn", "note": "Talks to somebody."}
    assert (await exam.invigilator.post(f"{at}/incidents", json=raised)).status_code == 201
    assert (await exam.candidates[0].post(f"{at}/messages", json={"text": "My pen is empty."})).status_code == 201
    hall.clock.ahead += timedelta(seconds=30)
    for coverage in (DARK, BLIND):
        report = partial(flags.report_coverage, session=exam.sessions[0], order=coverage)
        await hall.act(f"coverage {exam.sessions[0]} {coverage.detector}", report)
    for number in range(2):
        submitted = await exam.candidates[number].post(f"/api/v1/sessions/{exam.sessions[number]}/submit")
        assert submitted.status_code == 200
    await complete(await hall.as_a("auditor"), exam.sessions[0])
    await hall.as_a("reviewer")
    return exam


async def filmed(exam: Exam, number: int, track: Track, began: datetime, seconds: float = 70) -> None:
    """One track of one connection from `began` on, as a media worker and its uploader leave it after the exam."""
    session, hall = exam.sessions[number], exam.hall
    name = recording_name("main", session, track)
    start = partial(recordings.start_connection, session=session, track=track, connection=1, worker="w1")
    await hall.act(f"start {name.text}", start)
    subject = (await exam.candidates[number].get("/api/v1/me")).json()["actor"]
    key = await hall.core.keys.data_key(KeyName(subject, session, "media"))
    tape, sender = Tape(), SenderClock()
    clocks = {"video": StreamClock(90_000, sender), "audio": StreamClock(48_000, sender)}
    recorder = Recorder(
        name, 1, data_key=key, store=tape, clocks=clocks,
        wall=lambda at: began + timedelta(seconds=at),  # type: ignore[arg-type]
    )  # fmt: skip
    for frame in sorted([*play(card_clip(2), seconds), *play(sound_clip(3), seconds)], key=lambda f: f.arrival):
        recorder.on_frame(frame)
    recorder.close()
    segments = []
    for note in tape.notes:
        place = SegmentName(name, 1, note.number).object_key()
        await hall.core.objects.put_new(place, tape.files[note.number])
        segments.append(segment_of(note, tape.files[note.number], object_key=place))
        order = recording.StoreSegment(segment=segments[-1])
        await hall.act(f"store {place}", partial(recordings.store_segment, name=name.text, order=order))
    end = recording.End(connection=1, at=began + timedelta(seconds=seconds), why="stopped")
    await hall.act(f"end {name.text}", partial(recordings.end_connection, name=name.text, order=end))
    file = finalise(key, name, segments, lambda segment: tape.files[segment.number])
    object_key = finalised_object_key(name, file.sha256, "VP8")
    await hall.core.objects.put_new(object_key, file.stored)
    made = recording.Finalise(
        object_key=object_key, bytes=len(file.stored), sha256=file.sha256, duration_s=file.duration_s,
        frames=file.frames, segments=file.segments,
    )  # fmt: skip
    await hall.act(f"film {name.text}", partial(recordings.finalise, name=name.text, order=made))
