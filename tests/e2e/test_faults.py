"""Parts of an installation fail in the middle of one exam. It goes on, each fault is an event, nothing is lost."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil
import pytest
from onnx import TensorProto
from psycopg import AsyncConnection

from commands.envelope import read
from commands.ledger import COLUMNS
from commands.objects import open_store
from detectors.drawing import Drawing
from domain.recorded import Stored
from domain.recording import SegmentStored
from domain.segment import Segment
from tests.e2e.exam import Exam, Row, under_way, until
from tests.e2e.installation import Installation, running
from vigil.demo.steps import StepFailed

pytestmark = pytest.mark.slow

AWAY_S = 5.0  # after everything was looked at; a minute would show no more
SEATS = 2


@pytest.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """An installation whose detector for persons loads and then fails on every picture."""
    folder = tmp_path_factory.mktemp("faults")
    weights = folder / "failing.onnx"
    _write_failing(weights)
    async with running(folder / "home", VIGIL_WEIGHTS=str(weights)) as place:
        yield place


@pytest.fixture(scope="module")
async def exam(place: Installation) -> AsyncIterator[Exam]:
    """One exam that all of these tests fall upon, one after the other."""
    async with under_way(place, SEATS) as exam:
        yield exam


@pytest.fixture(autouse=True)
async def all_is_well(exam: Exam) -> None:
    await exam.healthy()


async def test_a_detector_that_fails_is_a_fault_and_never_an_incident(exam: Exam) -> None:
    for session in exam.sessions:
        found = await until("the fault", lambda session=session: _fault_of(exam, session, "detector persons"), 30)
        assert found["why"].startswith("it cannot look at the camera")
        row = await exam.live(session)
        assert row["phase"] == "in_progress"
        assert not row["open"]
        assert not row["incidents"]


async def test_while_nats_is_away_commands_and_recordings_go_on_and_the_fault_is_an_event(
    place: Installation, exam: Exam
) -> None:
    session = exam.sessions[0]
    before = await exam.account(session)
    heard = len(exam.heard)
    with await _taken(place):
        fault = await until("the fault", lambda: _fault_of(exam, session, "messaging"), 10)
        assert fault["why"].startswith("the message server is away")
        sent = await exam.invigilator.post(f"/sessions/{session}/messages", {"text": "We know, stay calm."})
        await until("the message", lambda: _shown(exam, session, sent["message"]))
        await _intervene(exam, session, "pause")
        await until("the pause", lambda: _phase(exam, session, "paused"))
        await until("live streams go on by looking for themselves", lambda: _heard(exam, heard, "messaging"))
        await asyncio.sleep(AWAY_S)
    await until("the fault is over", lambda: _over(exam, session, "messaging"))
    await _intervene(exam, session, "resume")
    await until("the resumption on the live stream", lambda: _heard(exam, heard, "in_progress"))

    async def grown() -> bool:
        return _segments(await exam.account(session)) >= _segments(before) + 6

    await until("segments that were recorded meanwhile and afterwards", grown, 40)
    after = await exam.account(session)
    assert not _gaps(after), "recording went on"
    assert not [fault for fault in after["faults"] if fault["what"] in ("camera", "screen")], (
        "nobody was taken for lost"
    )


async def test_a_message_server_that_hangs_is_not_taken_for_candidates_who_are_gone(
    place: Installation, exam: Exam
) -> None:
    nats = await place.process_of("nats-server")
    nats.suspend()
    try:
        await until("the fault", lambda: _fault_of(exam, exam.sessions[1], "messaging"), 10)
        await asyncio.sleep(1)
    finally:
        nats.resume()
    await exam.healthy()
    assert not _lost(await exam.account(exam.sessions[1]))


async def test_an_object_store_that_is_away_is_a_fault_and_what_waited_is_delivered_in_order(
    place: Installation, exam: Exam
) -> None:
    session = exam.sessions[0]
    objects, aside = place.home / "objects", place.home / "objects.aside"
    objects.rename(aside)
    objects.write_text("somebody put a file here")
    try:
        fault = await until("the fault", lambda: _fault_of(exam, session, "object_store"), 20)
        assert "our disk" in fault["why"]
        (await place.process_of("upload")).kill()  # whoever takes over must know of the fault
        await until("the other's fault", lambda: _fault_of(exam, exam.sessions[1], "object_store"), 20)
        spooled = await until("segments wait in the spool", lambda: _spooled(place, session), 20)
        assert (await exam.live(session))["phase"] == "in_progress"
        await exam.invigilator.post(f"/sessions/{session}/messages", {"text": "Please go on."})
    finally:
        objects.unlink()
        aside.rename(objects)
    await until("what waited is delivered", lambda: _delivered(place, session, spooled), 40)
    for session in exam.sessions:
        await until("the fault is over", lambda session=session: _over(exam, session, "object_store"))
        assert not _gaps(await exam.account(session))


async def test_a_media_worker_that_is_killed_loses_its_candidates_who_are_told_to_publish_to_the_next(
    place: Installation, exam: Exam
) -> None:
    session = exam.sessions[1]
    worker = await place.process_of("media")
    worker.kill()
    began = asyncio.get_running_loop().time()

    async def lost() -> bool:
        tracks = (await exam.live(session))["tracks"]
        return not tracks["camera"]["up"] and not tracks["screen"]["up"]

    await until("both tracks are shown as lost", lost, 10)
    print(f"a worker's death was noticed in {asyncio.get_running_loop().time() - began:.1f} s")
    assert not (await exam.live(session))["open"], "a fault is no incident"
    assert worker != await place.process_of("media")
    await exam.healthy()

    async def gaps() -> list[Row]:
        found = (await exam.account(session))["recordings"]
        return all(found[track]["gaps"] for track in ("camera", "screen")) and _gaps({"recordings": found})

    for gap in await until("a gap of each track", gaps, 40):
        assert gap["why"] == "worker_lost"


async def test_a_database_that_is_killed_comes_back_and_everybody_finds_it_again(
    place: Installation, exam: Exam
) -> None:
    session = exam.sessions[0]
    before = await exam.account(session)
    (await place.process_of("postgres")).kill()

    async def taken() -> str | None:
        with suppress(StepFailed):  # 503: try again in a moment
            sent = await exam.invigilator.post(f"/sessions/{session}/messages", {"text": "Was there something?"})
            return str(sent["message"])
        return None

    message = await until("a command that is taken", taken, 30)
    assert message
    await until("the message", lambda: _shown(exam, session, message))

    async def more() -> bool:
        return _segments(await exam.account(session)) > _segments(before)

    await until("segments come again", more, 30)
    assert len(_gaps(await exam.account(session))) == len(_gaps(before)), "recording never stopped"


async def test_a_detector_that_is_killed_again_and_again_saw_little_and_says_so(
    place: Installation, exam: Exam
) -> None:
    """The last of these tests: everyone submits, and the record tells of all that happened."""
    for _ in range(2):
        (await place.process_of("detect")).kill()
        await asyncio.sleep(0.5)
    await exam.candidates.all("submit", SEATS)

    async def complete() -> list[Row] | None:
        rows = [await exam.account(session) for session in exam.sessions]
        return rows if all(row["seals"] and row["seals"][-1]["kind"] == "complete" for row in rows) else None

    rows = await until("complete records", complete, 60)
    assert rows
    for row in rows:
        assert row["phase"] == "submitted"
        assert not row["incidents"], "no fault is ever conduct"
        recorded_s = row["recordings"]["camera"]["duration_s"]
        assert recorded_s > 20
        print(f"{recorded_s:.0f} s of camera, {row['coverage']}")
        for counted in row["coverage"].values():
            assert counted["taken"] + counted["cannot_tell"] + counted["overloaded"] == counted["due"]
            assert counted["taken"] == 0, "this one failed on every picture that it was shown"
            assert counted["due"] > (recorded_s - 30) / 4
        assert {"messaging", "object_store"} <= {fault["what"] for fault in row["faults"]}
        assert all(fault["ended_at"] for fault in row["faults"] if not fault["what"].startswith("detector ")), (
            "every fault but the detectors' is over"
        )
        assert all(recording["object_key"] for recording in row["recordings"].values()), "everything is finished"
    await _every_segment_is_there(place)


def _write_failing(path: Path) -> None:
    """Weights that take a dark picture and fail on a bright one, as models fail: while they run."""
    draw = Drawing()
    brightest = draw.op("ReduceMax", "images", keepdims=1)
    number = draw.op("Cast", draw.op("Floor", draw.op("Mul", brightest, draw.number(2))), to=TensorProto.INT64)
    nothing = draw.constant(np.zeros((1, 1, 6), np.float32))
    found = draw.op("Gather", nothing, draw.op("Reshape", number, draw.integers(1)), axis=0)
    about = {
        "task": "detect", "stride": "32", "batch": "1", "imgsz": "[416, 416]", "channels": "3", "end2end": "True",
        "names": str({0: "person"}), "args": str({"batch": 1, "dynamic": True, "nms": False}),
    }  # fmt: skip
    draw.save(path, ["n", 3, "h", "w"], (found, ["n", 1, 6]), about)


async def _taken(place: Installation) -> socket.socket:
    """Kills NATS and takes its port, so that it cannot come back before the socket is closed."""
    port = urlsplit(place.settings().nats_url).port
    assert port
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    async with asyncio.timeout(20):
        while True:
            try:
                (await place.process_of("nats-server")).kill()
                await asyncio.sleep(0.02)
                taken.bind(("127.0.0.1", port))
            except (OSError, psutil.NoSuchProcess):  # it was quicker
                continue
            return taken


async def _intervene(exam: Exam, session: str, kind: str) -> None:
    await exam.invigilator.post(f"/sessions/{session}/interventions", {"kind": kind, "reason_code": "fault"})


async def _fault_of(exam: Exam, session: str, what: str) -> Row | None:
    return (await exam.live(session))["faults"].get(what)


async def _over(exam: Exam, session: str, what: str) -> bool:
    return what not in (await exam.live(session))["faults"]


async def _phase(exam: Exam, session: str, phase: str) -> bool:
    return bool((await exam.live(session))["phase"] == phase)


async def _shown(exam: Exam, session: str, message: str) -> bool:
    texts = (await exam.invigilator.get(f"/sessions/{session}/messages"))["messages"]
    return message in {text["message"] for text in texts}


async def _heard(exam: Exam, since: int, what: str) -> bool:
    return any(what in str(event.data) for event in exam.heard[since:])


def _segments(row: Row) -> int:
    return sum(recording["segments"] for recording in row["recordings"].values())


def _gaps(row: Row) -> list[Row]:
    return [gap for recording in row["recordings"].values() for gap in recording["gaps"]]


def _lost(row: Row) -> list[Row]:
    return [fault for fault in row["faults"] if fault["what"] in ("camera", "screen")]


async def _spooled(place: Installation, session: str) -> dict[str, set[str]]:
    """The finished segments in the spool, once there are two of each track: their files by folder."""
    found = {
        folder.name: {path.name.partition(".")[0] for path in folder.glob("*/*.sealed")}
        for folder in (place.home / "spool" / "main").glob(f"{session}.*")
    }
    return found if len(found) == 2 and all(len(files) >= 2 for files in found.values()) else {}


async def _delivered(place: Installation, session: str, spooled: dict[str, set[str]]) -> bool:
    """Whether what lay in the spool is in the ledger, each track in the order in which it was recorded."""
    stored = await _stored(place)
    for recording, names in spooled.items():
        mine = [segment for segment in stored if recording in segment.object_key]
        started: list[datetime] = [segment.started_at for segment in mine]
        assert started == sorted(started), "in order"
        if not names <= {f"{segment.number:06}" for segment in mine}:
            return False
    return True


async def _stored(place: Installation) -> list[Segment]:
    settings = place.settings()
    async with await AsyncConnection.connect(settings.database_url_for("app"), autocommit=True) as conn:
        cursor = await conn.execute(
            f"SELECT {COLUMNS} FROM ledger.events WHERE topic = 'recording.segment_stored' ORDER BY notification_id"
        )
        bodies = [read(Stored(*row))[1] for row in await cursor.fetchall()]
    return [body.segment for body in bodies if isinstance(body, SegmentStored)]


async def _every_segment_is_there(place: Installation) -> None:
    store = open_store(place.settings().objects_url)
    segments = await _stored(place)
    for segment in segments:
        assert sha256(await store.get(segment.object_key)).hexdigest() == segment.sha256
    assert segments
