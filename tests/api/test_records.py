"""Afterwards: receipt, gradebook, record, timeline, recordings by range, exports and proofs."""

from __future__ import annotations

import asyncio
import io
import zipfile
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

import httpx
import psycopg
import pytest

from commands import merkle, recordings, sessions
from commands.checkpoint import parse
from commands.handler import Order
from commands.keys import KeyName
from commands.ledger import read_stream
from domain import recording
from domain.messages import VideoCodec
from media.blocks import seal_recording
from media.names import finalised_object_key, recording_name
from tests.api.hall import Exam, Hall, an_exam, refused, sit

FILM = bytes(range(256)) * 1000  # four blocks of 64 KiB


async def film(exam: Exam, number: int, codec: VideoCodec = "VP8") -> str:
    """A finished camera recording, as media and its uploader leave it."""
    session, hall = exam.sessions[number], exam.hall
    name = recording_name("main", session, "camera")
    start = partial(recordings.start_connection, session=session, track="camera", connection=1, worker="w1")
    await hall.act(f"start {session}", start)
    subject = (await exam.candidates[number].get("/api/v1/me")).json()["actor"]
    key = await hall.core.keys.data_key(KeyName(subject, session, "media"))
    stored = b"".join(seal_recording(key, name, [FILM]))
    digest = sha256(stored).hexdigest()
    object_key = finalised_object_key(name, digest, codec)
    await hall.core.objects.put_new(object_key, stored)
    end = recording.End(connection=1, at=hall.clock(), why="stopped")
    await hall.act(f"end {session}", partial(recordings.end_connection, name=name.text, order=end))
    made = recording.Finalise(
        object_key=object_key, bytes=len(stored), sha256=digest, duration_s=12.5, frames=180, segments=2
    )
    await hall.act(f"finalise {session}", partial(recordings.finalise, name=name.text, order=made))
    return name.text


@pytest.fixture(scope="module")
async def exam(hall: Hall) -> Exam:
    exam = await an_exam(hall, candidates=2)
    for number in range(2):
        await sit(exam, number)
    await film(exam, 0)
    await exam.candidates[0].post(f"/api/v1/sessions/{exam.sessions[0]}/messages", json={"text": "Done soon"})
    answer = await exam.candidates[0].post(f"/api/v1/sessions/{exam.sessions[0]}/submit")
    assert answer.status_code == 200
    return exam


@pytest.fixture
async def reviewer(hall: Hall) -> httpx.AsyncClient:
    return await hall.as_a("reviewer")


@pytest.fixture
async def auditor(hall: Hall) -> httpx.AsyncClient:
    return await hall.as_a("auditor")


async def sealed(exam: Exam) -> dict[str, Any]:
    async with asyncio.timeout(15):
        while True:
            answer = await exam.candidates[0].get(f"/api/v1/sessions/{exam.sessions[0]}/receipt")
            if answer.status_code == 200:
                return dict(answer.json())
            assert answer.status_code == 503, answer.text
            assert answer.headers["retry-after"] == "2"


async def test_the_receipt_holds_seal_checkpoint_and_key(exam: Exam, auditor: httpx.AsyncClient) -> None:
    receipt = await sealed(exam)
    assert receipt["phase"] == "submitted"
    assert receipt["seal"]["number"] >= 1
    assert len(receipt["seal"]["root"]) == 64
    assert f"main/session/{exam.sessions[0]}" in receipt["seal"]["streams"]
    assert parse(receipt["checkpoint"]).size > 0
    assert receipt["key_fingerprint"] == exam.hall.core.signer.fingerprint
    assert receipt["server_time"]
    before = await exam.hall.position()
    running = await exam.candidates[1].get(f"/api/v1/sessions/{exam.sessions[1]}/receipt")
    await refused(exam.hall, running, before, 409, "", "not over yet")


async def test_the_receipt_of_a_session_that_was_reopened_covers_the_end_that_counts(hall: Hall) -> None:
    exam = await an_exam(hall)
    session = await sit(exam)
    lost = partial(sessions.lose_connection, name=session, track="camera", why="no media")
    await hall.act(f"lose {session}", lost)
    late = Order(
        tenant="main", actor="system/test", key=f"expire {session}", request=bytes(32),
        at=hall.clock() + timedelta(hours=3),
    )  # fmt: skip
    await hall.services.handler.run(late, partial(sessions.expire, name=session))
    first = await sealed(exam)
    assert first["phase"] == "ended_in_fault"
    at = f"/api/v1/sessions/{session}"
    assert (await exam.invigilator.post(f"{at}/reopen", json={"reason": "The power was cut."})).status_code == 204
    assert (await exam.candidates[0].post(f"{at}/submit")).status_code == 200
    second = await sealed(exam)
    stream = f"main/session/{session}"
    async with hall.services.pool.connection() as conn:
        rows = await read_stream(conn, stream)
    (ended,) = [row.version for row in rows if row.tag == "session.submitted"]
    assert (first["seal"]["number"], second["seal"]["number"]) == (1, 2)
    assert first["seal"]["streams"][stream] < ended <= second["seal"]["streams"][stream]


async def test_the_gradebook_lists_and_the_record_tells(exam: Exam, reviewer: httpx.AsyncClient) -> None:
    await sealed(exam)
    at_least = {"Vigil-At-Least": str(await exam.hall.position())}
    book = (await reviewer.get(f"/api/v1/schedules/{exam.schedule}/gradebook", headers=at_least)).json()
    assert [(r["name"], r["phase"]) for r in book["records"]] == [
        ("Candidate 0", "submitted"), ("Candidate 1", "in_progress"),
    ]  # fmt: skip
    record = (await reviewer.get(f"/api/v1/sessions/{exam.sessions[0]}/record")).json()
    assert record["record"]["messages"] == 1
    assert record["record"]["recordings"]["camera"]["duration_s"] == 12.5
    assert record["record"]["seals"]
    assert not record["stale"]
    assert (await reviewer.get("/api/v1/sessions/nosuch/record")).status_code == 404


async def test_the_timeline_is_every_event_in_order(exam: Exam, auditor: httpx.AsyncClient) -> None:
    await sealed(exam)
    at = f"/api/v1/sessions/{exam.sessions[0]}/timeline"
    whole = (await auditor.get(at, headers={"Vigil-At-Least": str(await exam.hall.position())})).json()
    tags = [event["tag"] for event in whole["events"]]
    assert tags[:5] == [
        "schedule.candidate_enrolled",
        "session.opened",
        "session.device_admitted",
        "session.notice_acknowledged",
        "session.system_checked",
    ]
    assert "record.sealed" in tags
    names = [event["actor_name"] for event in whole["events"]]
    assert names[:3] == ["The planner", "The planner", "Candidate 0"]
    positions = [event["position"] for event in whole["events"]]
    assert positions == sorted(set(positions))
    chat = (await auditor.get(at, params={"kind": "chat"})).json()["events"]
    assert [(e["tag"], e["body"]["text"]) for e in chat] == [("chat.message_sent", "Done soon")]
    started = (await auditor.get(at, params={"kind": "session.started"})).json()["events"]
    assert len(started) == 1
    then = (await auditor.get(at, params={"as_of": started[0]["recorded_at"]})).json()["events"]
    assert then[-1]["tag"] == "session.started"
    paged: list[int] = []
    after: str | None = ""
    while after is not None:
        page = (await auditor.get(at, params={"limit": 4, "after": after})).json()
        paged += [event["position"] for event in page["events"]]
        after = page["next"]
    assert paged == positions


async def test_a_record_is_read_as_it_was_at_any_moment(exam: Exam, auditor: httpx.AsyncClient) -> None:
    await sealed(exam)
    session, head = f"/api/v1/sessions/{exam.sessions[0]}", {"Vigil-At-Least": str(await exam.hall.position())}
    now = (await auditor.get(f"{session}/record", headers=head)).json()
    events = (await auditor.get(f"{session}/timeline")).json()["events"]
    at = {event["tag"]: event for event in events}
    for tag, phase, messages, seals in (
        ("session.started", "in_progress", 0, 0), ("chat.message_sent", "in_progress", 1, 0),
        ("session.submitted", "submitted", 1, 0), ("record.sealed", "submitted", 1, len(now["record"]["seals"])),
    ):  # fmt: skip
        for moment in (at[tag]["position"], at[tag]["recorded_at"]):
            then = (await auditor.get(f"{session}/record", params={"as_of": moment})).json()["record"]
            assert (then["phase"], then["messages"], len(then["seals"])) == (phase, messages, seals), tag
    last = (await auditor.get(f"{session}/record", params={"as_of": now["position"]})).json()
    assert last["record"] == now["record"], "the stream alone gives what the list holds"
    early = await auditor.get(f"{session}/record", params={"as_of": events[0]["position"] - 1})
    assert early.status_code == 404
    assert (await auditor.get(f"{session}/record", params={"as_of": "yesterday"})).status_code == 422


async def test_what_is_asked_of_a_timeline_must_fit(exam: Exam, auditor: httpx.AsyncClient) -> None:
    at, before = f"/api/v1/sessions/{exam.sessions[0]}/timeline", await exam.hall.position()
    for name, odd in (("kind", "a.\0"), ("kind", "chat.sent.twice"), ("limit", "0"), ("limit", "1001")):
        await refused(exam.hall, await auditor.get(at, params={name: odd}), before, 400, name, "")


async def test_a_timeline_goes_on_after_a_row_that_cannot_be_read(exam: Exam, auditor: httpx.AsyncClient) -> None:
    at = f"/api/v1/sessions/{exam.sessions[1]}/timeline"
    head = {"Vigil-At-Least": str(await exam.hall.position())}
    whole = (await auditor.get(at, headers=head)).json()["events"]
    torn = f"main/{exam.sessions[1]}/{whole[1]['position']:020}"
    with psycopg.connect(exam.hall.database, autocommit=True) as owner:
        (data,) = owner.execute("SELECT data::text FROM read.timeline WHERE key = %s", (torn,)).fetchone() or ("",)
        owner.execute("UPDATE read.timeline SET data = '{}' WHERE key = %s", (torn,))
        seen, stale, after = [], 0, ""
        while after is not None:
            page = (await auditor.get(at, params={"limit": 1, "after": after})).json()
            seen, stale = seen + page["events"], stale + page["stale"]
            assert len(seen) < len(whole)
            after = page["next"]
        owner.execute("UPDATE read.timeline SET data = %s WHERE key = %s", (data, torn))
    assert (seen, stale) == ([whole[0], *whole[2:]], 1)


async def test_a_recording_in_h264_is_told_of_and_played_as_an_mp4(exam: Exam, reviewer: httpx.AsyncClient) -> None:
    await film(exam, 1, "H264")
    (tape,) = (await reviewer.get(f"/api/v1/sessions/{exam.sessions[1]}/recordings")).json()["recordings"]
    assert tape["file"]["media_type"] == "video/mp4"
    part = await reviewer.get(tape["file"]["media"], headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.headers["content-type"], part.content) == (206, "video/mp4", FILM[:4])


async def test_a_recording_plays_by_range(exam: Exam, reviewer: httpx.AsyncClient) -> None:
    (tape,) = (await reviewer.get(f"/api/v1/sessions/{exam.sessions[0]}/recordings")).json()["recordings"]
    assert (tape["track"], tape["live"], tape["file"]["frames"]) == ("camera", False, 180)
    assert tape["file"]["media_type"] == "video/webm"
    media = tape["file"]["media"]
    whole = await reviewer.get(media)
    assert whole.status_code == 200
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["content-type"] == "video/webm"
    assert whole.content == FILM
    for asked, start, stop in (
        ("bytes=0-3", 0, 4), ("bytes=65530-65545", 65530, 65546), ("bytes=250000-", 250000, len(FILM)),
        ("bytes=-100", len(FILM) - 100, len(FILM)), ("bytes=255000-9999999", 255000, len(FILM)),
    ):  # fmt: skip
        part = await reviewer.get(media, headers={"Range": asked})
        assert part.status_code == 206, asked
        assert part.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(FILM)}"
        assert part.headers["content-length"] == str(stop - start)
        assert part.content == FILM[start:stop]
    for odd in ("bytes=0-1,5-6", "seconds=1-2", "bytes=-"):
        assert (await reviewer.get(media, headers={"Range": odd})).status_code == 200
    old = {"Range": "bytes=0-3", "If-Range": '"another"'}
    assert (await reviewer.get(media, headers=old)).status_code == 200
    before = await exam.hall.position()
    for beyond in (f"bytes={len(FILM)}-", "bytes=5-2", "bytes=-0"):
        answer = await reviewer.get(media, headers={"Range": beyond})
        await refused(exam.hall, answer, before, 416, "", f"{len(FILM)} bytes")
        assert answer.headers["content-range"] == f"bytes */{len(FILM)}"
    nothing = await reviewer.get(f"/api/v1/recordings/{exam.sessions[0]}.screen/media")
    await refused(exam.hall, nothing, before, 404, "recording", "finished recording")


async def the_link(exam: Exam, client: httpx.AsyncClient) -> tuple[str, datetime]:
    (tape,) = (await client.get(f"/api/v1/sessions/{exam.sessions[0]}/recordings")).json()["recordings"]
    return tape["file"]["link"], datetime.fromisoformat(tape["file"]["link_ends_at"])


async def test_a_link_plays_one_recording_without_a_sign_in_and_tells_whose_it_is(exam: Exam) -> None:
    third = await exam.hall.as_a("reviewer", "third@example.org")
    for _ in range(2):
        link, _ = await the_link(exam, third)
        assert (await exam.hall.http.get(link)).content == FILM
        assert (await third.get(link.partition("?")[0])).content == FILM
    part = await exam.hall.http.get(link, headers={"Range": "bytes=65530-65545"})
    assert (part.status_code, part.content) == (206, FILM[65530:65546])
    head = {"Vigil-At-Least": str(await exam.hall.position())}
    at = f"/api/v1/sessions/{exam.sessions[0]}/timeline"
    seen = (await third.get(at, params={"kind": "record.viewed"}, headers=head)).json()["events"]
    assert exam.hall.user("third@example.org") in {e["actor"] for e in seen}


async def test_a_link_is_good_for_nothing_else_and_ends_by_itself(exam: Exam, reviewer: httpx.AsyncClient) -> None:
    link, ends_at = await the_link(exam, reviewer)
    assert ends_at - exam.hall.clock() <= timedelta(hours=4)
    media, _, token = link.partition("?link=")
    session, http = exam.sessions[0], exam.hall.http
    before = await exam.hall.position()
    for path in (
        f"/api/v1/recordings/{session}.screen/media?link={token}",
        f"/api/v1/recordings/{exam.sessions[1]}.camera/media?link={token}",
        f"/api/v1/sessions/{session}/recordings?link={token}",
        f"/api/v1/sessions/{session}/record?link={token}",
        f"{media}?link={token[:-2]}AA",
        f"{media}?link=x",
        media,
    ):
        await refused(exam.hall, await http.get(path), before, 401, "", "")
    signed_in = exam.hall.bearing(token)
    await refused(exam.hall, await signed_in.get(media), before, 401, "", "sign-in")
    ahead = exam.hall.clock.ahead
    exam.hall.clock.ahead += ends_at - exam.hall.clock()
    try:
        await refused(exam.hall, await http.get(link), before, 401, "", "has ended")
    finally:
        exam.hall.clock.ahead = ahead
    assert (await http.get(link, headers={"Range": "bytes=0-3"})).status_code == 206


async def test_a_program_with_a_token_of_its_own_gets_no_link(exam: Exam) -> None:
    admin = await exam.hall.as_a("admin")
    until = (exam.hall.clock() + timedelta(days=1)).isoformat()
    made = await admin.post("/api/v1/tokens", json={"name": "Archive", "roles": ["reviewer"], "expires_at": until})
    program = exam.hall.bearing(made.json()["secret"])
    (tape,) = (await program.get(f"/api/v1/sessions/{exam.sessions[0]}/recordings")).json()["recordings"]
    assert (tape["file"]["link"], tape["file"]["link_ends_at"]) == (None, None)
    assert (await program.get(tape["file"]["media"])).content == FILM


async def test_a_link_ends_with_what_its_owner_may(exam: Exam) -> None:
    http = exam.hall.http
    fourth = await exam.hall.as_a("reviewer", "fourth@example.org")
    link, _ = await the_link(exam, fourth)
    assert (await http.get(link)).status_code == 200
    assert (await fourth.post("/api/v1/sign-out", params={"everywhere": "true"})).is_success
    before = await exam.hall.position()
    await refused(exam.hall, await http.get(link), before, 401, "", "signed out everywhere")
    fifth = await exam.hall.as_a("reviewer", "fifth@example.org")
    link, _ = await the_link(exam, fifth)
    admin, who = await exam.hall.as_a("admin"), exam.hall.user("fifth@example.org")
    assert (await admin.delete(f"/api/v1/users/{who}/roles/reviewer")).status_code == 204
    before = await exam.hall.position()
    await refused(exam.hall, await http.get(link), before, 401, "", "may no longer sign in")


async def test_that_a_recording_was_opened_is_on_the_record_once_a_minute(exam: Exam) -> None:
    someone = await exam.hall.as_a("reviewer", "second@example.org")
    for _ in range(5):
        await someone.get(f"/api/v1/recordings/{exam.sessions[0]}.camera/media", headers={"Range": "bytes=0-3"})
    auditor = await exam.hall.as_a("auditor")
    at = f"/api/v1/sessions/{exam.sessions[0]}/timeline"
    head = {"Vigil-At-Least": str(await exam.hall.position())}
    seen = (await auditor.get(at, params={"kind": "record.viewed"}, headers=head)).json()["events"]
    mine = [e for e in seen if e["actor"] == exam.hall.user("second@example.org")]
    assert len(mine) == 1
    assert mine[0]["actor_name"] == "The reviewer"
    assert mine[0]["body"]["what"] == f"{exam.sessions[0]}.camera"


async def test_an_export_is_made_in_the_background_and_fetched(exam: Exam, auditor: httpx.AsyncClient) -> None:
    await sealed(exam)
    made = await auditor.post("/api/v1/exports", json={"session": exam.sessions[0]})
    assert made.status_code == 202
    assert made.json()["sessions"] == [exam.sessions[0]]
    where = made.headers["location"]
    async with asyncio.timeout(30):
        while (state := (await auditor.get(where)).json())["state"] == "running":
            await asyncio.sleep(0.1)
    assert state["state"] == "done", state
    file = await auditor.get(state["file"])
    assert file.headers["content-type"] == "application/zip"
    assert sha256(file.content).hexdigest() == state["sha256"]
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        assert any(name.endswith("verify.py") for name in archive.namelist())
    another = await exam.hall.as_a("auditor", "another@example.org")
    before = await exam.hall.position()
    await refused(exam.hall, await another.get(where), before, 404, "export", "no such export")
    await refused(exam.hall, await auditor.get("/api/v1/exports/nosuch"), before, 404, "export", "no such export")


async def test_exports_that_cannot_be_made_are_refused(exam: Exam, auditor: httpx.AsyncClient) -> None:
    before = await exam.hall.position()
    early = await auditor.post("/api/v1/exports", json={"session": exam.sessions[1]})
    await refused(exam.hall, early, before, 409, "", "not sealed yet")
    for body in ({}, {"session": "a", "schedule": "b"}):
        await refused(exam.hall, await auditor.post("/api/v1/exports", json=body), before, 422, "session", "either")
    nobody = await auditor.post("/api/v1/exports", json={"schedule": "nosuch"})
    await refused(exam.hall, nobody, before, 404, "", "no such schedule")
    all_sealed = await auditor.post("/api/v1/exports", json={"schedule": exam.schedule})
    assert all_sealed.json()["sessions"] == [exam.sessions[0]]


async def test_proofs_lead_from_an_event_to_a_signed_head(exam: Exam, auditor: httpx.AsyncClient) -> None:
    await sealed(exam)
    heads = (await auditor.get("/api/v1/checkpoints")).json()
    assert heads["key_fingerprint"] == exam.hall.core.signer.fingerprint
    first, last = heads["checkpoints"][0], heads["checkpoints"][-1]
    proof = (await auditor.get(f"/api/v1/proofs/{first['position']}", params={"size": last["size"]})).json()
    path = tuple(bytes.fromhex(node) for node in proof["path"])
    leaf = bytes.fromhex(proof["hash"])
    assert merkle.included(leaf, proof["index"], last["size"], path, bytes.fromhex(last["root"]))
    both = {"old": first["size"], "new": last["size"]}
    grown = (await auditor.get("/api/v1/proofs/consistency", params=both)).json()
    path = tuple(bytes.fromhex(node) for node in grown["path"])
    roots = bytes.fromhex(first["root"]), bytes.fromhex(last["root"])
    assert merkle.consistent(first["size"], last["size"], *roots, path)
    before = await exam.hall.position()
    for path_, parameters in (("999999", {}), ("1", {"size": 999999}), ("consistency", {"old": 5, "new": 999999})):
        answer = await auditor.get(f"/api/v1/proofs/{path_}", params=parameters)
        await refused(exam.hall, answer, before, 404, "", "no such")
