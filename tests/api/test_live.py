"""The live list: a snapshot, what changes as it changes, and the list as it was."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import pytest

from api import hub
from api.hub import Batch
from api.hub import Reader as Queue
from commands import flags
from commands.keys import KeyName, seal_object
from domain import incidents
from domain.incidents import Severity
from domain.policy import IncidentKind
from tests.api.hall import Exam, Hall, an_exam, refused, sit
from tests.api.reading import Reader

JPEG = b"\xff\xd8 a picture \xff\xd9"


def applied(rows: dict[str, Any], patches: list[dict[str, Any]]) -> dict[str, Any]:
    """The rows after patches, as a page would have them."""
    for patch in patches:
        rows = rows | {patch["key"]: {**rows.get(patch["key"], {}), **patch["set"]}}
    return rows


@pytest.fixture(scope="module")
async def exam(hall: Hall) -> Exam:
    exam = await an_exam(hall, candidates=3)
    await sit(exam, 0)
    head = {"Vigil-At-Least": str(await hall.position())}
    assert (await exam.invigilator.get(live(exam), headers=head)).status_code == 200
    return exam


def live(exam: Exam) -> str:
    return f"/api/v1/schedules/{exam.schedule}/live"


async def flag(
    exam: Exam, number: int, name: str, at: datetime | None = None, jpeg: bytes = JPEG, *,
    kind: IncidentKind = "several_people", severity: Severity = "high",
) -> None:  # fmt: skip
    """What a detector does: a sealed picture, then an incident."""
    session, core, at = exam.sessions[number], exam.hall.core, at or exam.hall.clock()
    subject = (await exam.candidates[number].get("/api/v1/me")).json()["actor"]
    key, object_key = (
        await core.keys.data_key(KeyName(subject, session, "media")),
        f"main/evidence/{session}/{name}.jpg",
    )
    await core.objects.put_new(object_key, seal_object(key, object_key, jpeg))
    found = incidents.OpenIncident(
        incident=name, kind=kind, started_at=at, severity=severity, confidence=0.9,
        provenance=incidents.Provenance(
            detector="objects", detector_version="1", weights={"w": "0" * 64}, thresholds={"t": 0.5}, rule_version="1"
        ),
        evidence=incidents.Evidence(at=at, object_key=object_key, sha256="0" * 64, raw_score=0.91),
        observed=True,
    )  # fmt: skip
    await exam.hall.act(f"flag {name}", partial(flags.open_incident, session=session, found=found))


async def test_a_snapshot_and_its_changes_are_the_next_snapshot(exam: Exam) -> None:
    async with Reader(exam.invigilator, f"{live(exam)}/stream") as stream:
        first = await stream.next("snapshot")
        rows = first.data["rows"]
        assert {row["name"] for row in rows.values()} == {"Candidate 0", "Candidate 1", "Candidate 2"}
        await sit(exam, 1)
        asked = {"kind": "pause", "sessions": list(exam.sessions[:2])}
        answer = await exam.invigilator.post(f"/api/v1/schedules/{exam.schedule}/interventions", json=asked)
        wanted = int(answer.headers["vigil-position"])
        mark = int(first.id)
        while mark < wanted:
            event = await stream.next("change")
            assert int(event.id) > mark
            mark = int(event.id)
            rows = applied(rows, event.data)
        assert sorted(row["phase"] for row in rows.values()) == ["expected", "paused", "paused"]
    fresh = await exam.invigilator.get(live(exam), headers={"Vigil-At-Least": str(wanted)})
    assert fresh.json()["rows"] == rows


async def test_a_flag_is_on_the_wall_at_once_with_its_picture_and_is_judged(hall: Hall) -> None:
    exam = await an_exam(hall)
    session = await sit(exam)
    async with Reader(exam.invigilator, f"{live(exam)}/stream") as stream:
        rows = (await stream.next("snapshot")).data["rows"]
        await flag(exam, 0, "flagone")
        while (row := rows.get(f"main/{session}", {"risk": "none"}))["risk"] == "none":
            rows = applied(rows, (await stream.next("change")).data)
        assert (row["risk"], list(row["open"])) == ("high", ["flagone"])
    (found,) = (await exam.invigilator.get(f"/api/v1/sessions/{session}/incidents")).json()["incidents"]
    assert (found["kind"], found["provenance"]["detector"], found["confidence"]) == ("several_people", "objects", 0.9)
    picture = await exam.invigilator.get(found["evidence"][0]["picture"])
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.content == JPEG
    before = await hall.position()
    no_reason = {"verdict": "confirmed", "reason": " "}
    verdict = f"/api/v1/incidents/{found['incident']}/verdict"
    await refused(hall, await exam.invigilator.post(verdict, json=no_reason), before, 422, "reason", "needs a reason")
    unknown = await exam.invigilator.post("/api/v1/incidents/nosuch/verdict", json=no_reason)
    await refused(hall, unknown, before, 404, "incident", "no such incident")
    stranger = await hall.as_a("invigilator", "other@example.org")
    before = await hall.position()
    given = {"verdict": "dismissed", "reason": "A poster on the wall"}
    await refused(hall, await stranger.post(verdict, json=given), before, 404, "incident", "no such incident")
    ahead = {"Vigil-At-Least": str(before + 1000)}
    await refused(hall, await exam.invigilator.post(verdict, json=given, headers=ahead), before, 503, "", "up to date")
    answer = await exam.invigilator.post(verdict, json=given)
    assert answer.status_code == 204
    at_least = {"Vigil-At-Least": answer.headers["vigil-position"]}
    listed = await exam.invigilator.get(f"/api/v1/sessions/{session}/incidents", headers=at_least)
    (judged,) = listed.json()["incidents"][0]["verdicts"]
    assert (judged["verdict"], judged["reason"], judged["by_name"]) == (
        "dismissed",
        "A poster on the wall",
        "The invigilator",
    )
    made = await exam.invigilator.post(
        f"/api/v1/sessions/{session}/incidents", json={"severity": "info", "note": "Left"}
    )
    assert made.status_code == 201


async def test_a_stream_that_resumes_misses_nothing_and_doubles_nothing(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=2)
    await sit(exam, 0)
    text = [f"message {n}" for n in range(25)]
    unread: list[str] = []
    at_least = {"Vigil-At-Least": str(await hall.position())}
    last = str((await exam.invigilator.get(live(exam), headers=at_least)).json()["mark"])
    key = f"main/{exam.sessions[0]}"

    async def speak() -> None:
        at = f"/api/v1/sessions/{exam.sessions[0]}/messages"
        for n, words in enumerate(text):
            answer = await exam.candidates[0].post(at, json={"text": words})
            assert answer.status_code == 201, answer.text
            if n == 15:
                hall.clock.ahead += timedelta(minutes=2)  # so that nobody writes too much in a minute
            await asyncio.sleep(0.02)

    speaking = asyncio.create_task(speak())
    seen: list[int] = []
    while len(unread) < len(text):
        async with Reader(exam.invigilator, f"{live(exam)}/stream", last) as stream:
            event = await stream.next("change")
            seen.append(int(event.id))
            last = event.id
            for patch in event.data:
                assert patch["key"] == key
                new = patch["set"]["unread"]
                assert new[: len(unread)] == unread, "a change was missed or came twice"
                assert len(new) == len(unread) + 1
                unread = new
    await speaking
    assert seen == sorted(set(seen))


async def test_a_mark_that_is_too_old_gets_a_reset_and_everything(exam: Exam) -> None:
    async with Reader(exam.invigilator, f"{live(exam)}/stream") as stream:
        first = await stream.next("snapshot")
    with psycopg.connect(exam.hall.database, autocommit=True) as owner:
        owner.execute("UPDATE read.position SET resumable_from = mark WHERE model = 'live'")
    async with Reader(exam.invigilator, f"{live(exam)}/stream", "1") as stream:
        assert (await stream.next("reset")).data == {}
        again = await stream.next("snapshot")
        assert again.data["rows"] == first.data["rows"]
    async with Reader(exam.invigilator, f"{live(exam)}/stream", "999999999999") as stream:
        await stream.next("reset")


async def test_the_list_is_shown_as_it_was(hall: Hall) -> None:
    exam = await an_exam(hall)
    await sit(exam)
    auditor = await hall.as_a("auditor")
    position = await hall.position()
    async with hall.services.pool.connection() as conn:
        row = await (await conn.execute("SELECT max(recorded_at) FROM ledger.events")).fetchone()
    assert row
    before = await hall.position()
    for bad in ("yesterday", "2026-06-01T09:00:00"):
        answer = await auditor.get(live(exam), params={"as_of": bad})
        await refused(hall, answer, before, 422, "as_of", "with its offset")
    await exam.candidates[0].post(f"/api/v1/sessions/{exam.sessions[0]}/submit")
    for as_of in (str(position), row[0].isoformat()):
        then = await auditor.get(live(exam), params={"as_of": as_of})
        assert [r["phase"] for r in then.json()["rows"].values()] == ["in_progress"]
        assert then.json()["position"] == position
    assert (await auditor.get(live(exam), params={"as_of": "1"})).json()["rows"] == {}


async def test_somebody_who_is_taken_off_loses_the_stream_within_five_seconds(hall: Hall) -> None:
    exam = await an_exam(hall)
    async with Reader(exam.invigilator, f"{live(exam)}/stream") as stream:
        await stream.next("snapshot")
        who = hall.user("invigilator@example.org")
        assert (await exam.planner.delete(f"/api/v1/schedules/{exam.schedule}/invigilators/{who}")).status_code == 204
        async with asyncio.timeout(5):
            async for _ in stream.rest():
                pass
    before = await hall.position()
    await refused(hall, await exam.invigilator.get(live(exam)), before, 404, "schedule", "no such schedule")
    assert exam.schedule not in (await exam.invigilator.get("/api/v1/schedules")).text


async def test_without_nats_changes_come_by_looking_each_second(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    exam = await an_exam(hall)
    await sit(exam)
    async with Reader(exam.invigilator, f"{live(exam)}/stream") as stream:
        await stream.next("snapshot")

        async def silent(*_: object) -> None:
            """A hint that is lost."""

        monkeypatch.setattr(hall.core.nats, "publish", silent)
        await exam.candidates[0].post(f"/api/v1/sessions/{exam.sessions[0]}/messages", json={"text": "Hello"})
        async with asyncio.timeout(4):
            while not any(patch["set"].get("unread") for patch in (await stream.next("change")).data):
                pass


async def test_streams_outlive_a_database_that_drops_every_connection(hall: Hall) -> None:
    exam = await an_exam(hall)
    at = f"/api/v1/sessions/{await sit(exam)}"
    async with (
        Reader(exam.invigilator, f"{live(exam)}/stream") as wall,
        Reader(exam.candidates[0], f"{at}/stream") as own,
    ):
        await wall.next("snapshot")
        await own.next("snapshot")
        with psycopg.connect(hall.database, autocommit=True) as owner:
            owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        sent = await exam.candidates[0].post(f"{at}/messages", json={"text": "Still there?"})
        assert sent.status_code == 201, sent.text
        assert (await own.next("message")).data["text"] == "Still there?"
        async with asyncio.timeout(10):
            while not any(patch["set"].get("unread") for patch in (await wall.next("change")).data):
                pass


async def test_a_row_that_cannot_be_read_is_named_and_the_others_go_on(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=2)
    await sit(exam, 0)
    whole, torn = (f"main/{session}" for session in exam.sessions)
    head = {"Vigil-At-Least": str(await hall.position())}
    await exam.invigilator.get(live(exam), headers=head)
    with psycopg.connect(hall.database, autocommit=True) as owner:
        owner.execute("UPDATE read.live SET data = '{}' WHERE key = %s", (torn,))
    found = (await exam.invigilator.get(live(exam))).json()
    assert (list(found["rows"]), found["stale"]) == ([whole], [torn])
    async with Reader(exam.invigilator, f"{live(exam)}/stream") as stream:
        first = (await stream.next("snapshot")).data
        assert (list(first["rows"]), first["stale"]) == ([whole], [torn])
        await exam.candidates[0].post(f"/api/v1/sessions/{exam.sessions[0]}/messages", json={"text": "Hello"})
        async with asyncio.timeout(10):
            while not any(patch["set"].get("unread") for patch in (await stream.next("change")).data):
                pass


async def test_whatever_happens_while_changes_are_read_the_wall_goes_on(
    hall: Hall, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    exam = await an_exam(hall)
    await sit(exam)
    failed = asyncio.Event()

    async def failing(*_: object) -> None:
        failed.set()
        raise ValueError("somebody's words")

    async with Reader(exam.invigilator, f"{live(exam)}/stream") as stream:
        await stream.next("snapshot")
        with monkeypatch.context() as broken:
            broken.setattr(hub, "changes_since", failing)
            async with asyncio.timeout(10):
                await failed.wait()
        await exam.candidates[0].post(f"/api/v1/sessions/{exam.sessions[0]}/messages", json={"text": "Hello"})
        async with asyncio.timeout(10):
            while not any(patch["set"].get("unread") for patch in (await stream.next("change")).data):
                pass
    assert "the live changes cannot be read (ValueError)" in caplog.text
    assert "somebody's words" not in caplog.text


async def test_what_waits_for_a_fix_is_told_to_its_own_schedule_only(hall: Hall) -> None:
    exam, other = await an_exam(hall), await an_exam(hall)
    keys = sorted((f"main/{exam.sessions[0]}", f"main/schedule/{exam.schedule}"))
    head = {"Vigil-At-Least": str(await hall.position())}
    reviewer = await hall.as_a("reviewer")
    with psycopg.connect(hall.database, autocommit=True) as owner:
        for key in keys:
            owner.execute(
                "INSERT INTO read.parked (model, version, build, key, tenant, stream, position, error)"
                " SELECT model, version, build, %s, 'main', '', 0, 'a test' FROM read.position"
                " WHERE model IN ('live', 'gradebook') AND live",
                (key,),
            )
    assert (await exam.invigilator.get(live(exam), headers=head)).json()["stale"] == keys
    assert (await exam.invigilator.get(live(other), headers=head)).json()["stale"] == []
    for one, stale in ((exam, list(exam.sessions)), (other, [])):
        book = (await reviewer.get(f"/api/v1/schedules/{one.schedule}/gradebook", headers=head)).json()
        assert book["stale"] == stale
    with psycopg.connect(hall.database, autocommit=True) as owner:
        owner.execute("DELETE FROM read.parked WHERE key = ANY(%s)", (keys,))


async def test_a_reader_that_stalls_is_let_go() -> None:
    queue = Queue(2)
    for n in range(3):
        queue.give(Batch(n, n + 1, (), b""))
    assert [batch async for batch in queue.batches()] == []


async def test_a_position_that_is_never_reached_is_an_answer_too(exam: Exam) -> None:
    before = await exam.hall.position()
    answer = await exam.invigilator.get(live(exam), headers={"Vigil-At-Least": str(before + 1000)})
    await refused(exam.hall, answer, before, 503, "", "not up to date")
    assert answer.headers["retry-after"] == "1"
