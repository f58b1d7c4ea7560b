"""One candidate is erased: nothing of theirs is found anywhere, what remains is certified, and nobody else is touched.

They sat two exams, and one of the two is held: it is restricted, whole, and goes when the hold is lifted.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import msgspec
import pytest
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from api.opening import decoder
from commands import flags, recordings
from commands.keys import KeyName, seal_object
from domain import incidents, recording, session_rules
from domain.stream import parse
from media.blocks import seal_recording
from media.names import finalised_object_key, recording_name
from projections.events import read_after
from tests.api.hall import Exam, Hall, a_hall, an_exam, join, sit
from tests.api.test_clips import span, taped
from tests.api.test_identity import picture
from tests.api.test_records import FILM, film, sealed
from tests.seaweed import Seaweed
from tests.vigil.hall import until
from vigil.embedded import Servers
from vigil.settings import load
from vigil.wiring import core

V1 = "/api/v1"
NAME, NUMBER, EMAIL = "Augusta Quillfeather", "m-0815-4711", "augusta@quillfeather.example"
SAID = {"first": "My inhaler lies on the desk", "second": "My neighbour drills again"}
NOTED = {"first": "Coughs, and looks for her inhaler", "second": "Turns to the wall and sighs"}
PICTURE = picture(shade=33)


@dataclass
class Sitting:
    """One exam that she sat."""

    exam: Exam
    session: str
    shown: dict[str, str]


@pytest.fixture
async def house(
    servers: Servers, new_database: Callable[[], str], s3: Seaweed, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Hall]:
    """All of Vigil, with a real object store, and all that it logs."""
    caplog.set_level(logging.DEBUG)
    for ours in ("httpcore", "httpx"):  # the people's browsers, as it were
        caplog.set_level(logging.WARNING, ours)
    (tmp_path / "home").mkdir()
    for name in ("secret", "signing.key"):
        (tmp_path / "home" / name).write_text((servers.home / name).read_text())
    environment = servers.environment() | {
        "VIGIL_DATABASE_URL": new_database(), "VIGIL_OBJECTS_URL": s3.url(f"{tmp_path.name}-forgetting"),
        "VIGIL_HOME": str(tmp_path / "home"), "VIGIL_KEY_BACKUP_DAYS": "35",
    }  # fmt: skip
    async with a_hall(load(environment)) as hall:
        yield hall


async def test_who_is_erased_is_found_nowhere_and_nobody_else_is_touched(
    house: Hall, servers: Servers, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    exams = await an_exam(house, 1), await an_exam(house, 1)
    first, second = await she_sits(exams[0], "first"), await she_sits(exams[1], "second")
    for exam in exams:
        await sit(exam)
        await exam.candidates[0].post(f"{V1}/sessions/{exam.sessions[0]}/messages", json={"text": "All is well here"})
        await film(exam, 0)
        await exam.candidates[0].post(f"{V1}/sessions/{exam.sessions[0]}/submit")
        await sealed(exam)
    auditor, officer = await house.as_a("auditor"), await house.as_a("data_protection_officer")
    admin, reviewer = await house.as_a("admin"), await house.as_a("reviewer")
    earlier = await exported(auditor, first.session, tmp_path / "earlier")
    assert verified(house, earlier)

    her = Needles(house, servers, tmp_path / "home", caplog)
    found = await her.found(NAME, NUMBER, EMAIL, *SAID.values(), *NOTED.values())
    assert all(found.values()), "what is looked for can be found"
    assert her.on_disk(FILM), "her recording lies in the export that waits for the auditor"
    subject, others = await her.subject(first), [first.session, second.session]
    before = await untouched(house, subject, others)

    holds = f"{V1}/sessions/{second.session}/record/holds"
    body = {"reason": "An appeal is announced", "readers": [house.user("reviewer@example.org")]}
    hold = (await officer.post(holds, json=body)).json()["hold"]
    request = await erased(house, officer, admin)
    told = await until(partial(gone, house, officer, request, first.session), within_s=60)

    # One of the two is gone, and the other one is held.
    found = await her.found(SAID["first"], NOTED["first"])
    assert not any(found.values()), found
    assert not her.on_disk(FILM)
    assert await house.core.objects.list(f"main/media/{first.session}.") == ()
    assert await house.core.objects.list(f"main/identity/{first.session}/") == ()
    assert await house.core.objects.list(f"main/evidence/{first.session}/") == ()
    named = [row for row in await dump(house) if NAME in row or EMAIL in row]
    assert named
    assert all(second.session in row for row in named)
    assert not told["final"]
    (held,) = [one for one in told["sessions"] if one["session"] == second.session]
    assert {one["key_class"] for one in held["held"]} == {"chat", "identity", "media", "notes", "profile"}
    assert all(one["holds"].keys() == {hold} for one in held["held"])
    await read_for_the_appeal(reviewer, auditor, second)

    # The hold is lifted.
    assert (await officer.post(f"{holds}/{hold}/lift", json={"reason": "No appeal"})).status_code == 204
    told = await until(partial(gone, house, officer, request, second.session), within_s=60)
    found = await her.found(NAME, NUMBER, EMAIL, *SAID.values(), *NOTED.values())
    assert not any(found.values()), found
    assert not [key for key in await house.core.objects.list() if first.session in key or second.session in key]
    assert await alive(house, subject) == {(request, "notes")}, "the letter's own key, which the certificate names"
    assert not await opened_by_anybody(house, [NAME, NUMBER, EMAIL, *SAID.values(), *NOTED.values()])

    # What remains is certified, what was given away is named, and it all still verifies.
    assert told["final"]
    page = (await officer.get(f"{V1}/requests/{request}/certificate.html")).text
    for words in (f"session {first.session}", "recordings of camera, microphone and screen", "incidents.opened 1"):
        assert words in page, words
    assert not [words for words in (NAME, NUMBER, EMAIL, *SAID.values(), *NOTED.values()) if words in page]
    assert told["keys_in_backups_until"]
    assert any("sealed under a key of their own" in one for one in told["remains"])
    certified = {one["session"]: one for one in told["sessions"]}
    assert certified.keys() == {first.session, second.session}
    assert [one["name"] for one in certified[first.session]["recipients"]] == ["The auditor"]
    remaining = {one["stream"]: sum(one["events"].values()) for one in certified[first.session]["remains"]}
    assert remaining == await events_of(house, first.session, first.exam.schedule)
    await everybody_goes_on(house, first)
    assert verified(house, earlier), "an export of before holds for ever"
    for sitting in (first, second):
        assert verified(house, await exported(auditor, sitting.session, tmp_path / sitting.session))
    after = await untouched(house, subject, others)
    assert before.rows <= after.rows
    assert before.objects == {key: hash_ for key, hash_ in after.objects.items() if key in before.objects}
    assert len(before.rows) > 100
    assert len(before.objects) == 2


async def she_sits(exam: Exam, which: str) -> Sitting:
    """She comes by her link, shows herself, writes, is flagged and written about, is filmed, and hands in."""
    hall = exam.hall
    at = f"{V1}/schedules/{exam.schedule}/candidates"
    row = {"name": NAME, "number": NUMBER, "email": EMAIL}
    link = (await exam.planner.post(at, json=row)).json()["join_link"]
    joined = (await join(hall, link)).json()
    session, me = joined["session"], hall.bearing(joined["token"])
    hers = replace(exam, sessions=(session,), candidates=(me,))
    await sit(hers)
    await me.post(f"{V1}/sessions/{session}/messages", json={"text": SAID[which]})
    noted = {"severity": "info", "note": NOTED[which]}
    answer = await exam.invigilator.post(f"{V1}/sessions/{session}/incidents", json=noted)
    assert answer.is_success, answer.text
    began = await taped(hers, 0, 7)
    await flagged(hers, f"flagged-{which}")
    await hall.services.identity_pictures.keep("main", session, "photo", PICTURE)
    still = {"taken_at": hall.clock().isoformat(), "skew_ms": "0"}
    head = {"Content-Type": "image/jpeg"}
    answer = await me.post(f"{V1}/sessions/{session}/stills/camera", content=PICTURE, params=still, headers=head)
    assert answer.is_success, answer.text
    await filmed(hers)
    assert (await me.post(f"{V1}/sessions/{session}/submit")).is_success
    await sealed(hers)
    return Sitting(hers, session, span(began, 1, 5))


async def flagged(exam: Exam, name: str) -> None:
    """What a detector does: a sealed picture of her, then an incident."""
    (session,), here = exam.sessions, exam.hall.core
    subject = (await exam.candidates[0].get(f"{V1}/me")).json()["actor"]
    key, object_key = (
        await here.keys.data_key(KeyName(subject, session, "media")),
        f"main/evidence/{session}/{name}.jpg",
    )
    stored = seal_object(key, object_key, PICTURE)
    await here.objects.put_new(object_key, stored)
    at = exam.hall.clock()
    shown = incidents.Evidence(at=at, object_key=object_key, sha256=sha256(stored).hexdigest(), raw_score=0.91)
    found = incidents.OpenIncident(
        incident=name, kind="several_people", started_at=at, severity="high", confidence=0.9, evidence=shown,
        observed=True,
        provenance=incidents.Provenance(
            detector="objects", detector_version="1", weights={"w": "0" * 64}, thresholds={"t": 0.5}, rule_version="1"
        ),
    )  # fmt: skip
    await exam.hall.act(f"flag {name}", partial(flags.open_incident, session=session, found=found))


async def filmed(exam: Exam) -> None:
    """Her camera's recording, finished."""
    (session,) = exam.sessions
    name = recording_name("main", session, "camera")
    subject = (await exam.candidates[0].get(f"{V1}/me")).json()["actor"]
    key = await exam.hall.core.keys.data_key(KeyName(subject, session, "media"))
    stored = b"".join(seal_recording(key, name, [FILM]))
    digest = sha256(stored).hexdigest()
    object_key = finalised_object_key(name, digest)
    await exam.hall.core.objects.put_new(object_key, stored)
    end = recording.End(connection=1, at=exam.hall.clock(), why="stopped")
    await exam.hall.act(f"end {session}", partial(recordings.end_connection, name=name.text, order=end))
    made = recording.Finalise(
        object_key=object_key, bytes=len(stored), sha256=digest, duration_s=12.5, frames=180, segments=2
    )
    await exam.hall.act(f"finalise {session}", partial(recordings.finalise, name=name.text, order=made))


async def erased(hall: Hall, officer: httpx.AsyncClient, admin: httpx.AsyncClient) -> str:
    """She asks by letter; the officer checks and grants it, and two people say that it be done."""
    body = {"kind": "erasure", "channel": "letter", "number": NUMBER, "text": "Please forget me"}
    request = str((await officer.post(f"{V1}/requests", json=body)).json()["request"])
    at = f"{V1}/requests/{request}"
    assert (await officer.post(f"{at}/identity-check", json={"proof": "document"})).status_code == 204
    assert (await officer.post(f"{at}/grant", json={})).status_code == 204
    head = {"Vigil-At-Least": str(await hall.position())}
    assert (await officer.post(f"{at}/execution", headers=head)).json() == {"standing": "granted"}
    assert (await admin.post(f"{at}/execution", headers=head)).json() == {"standing": "executed"}
    return request


async def gone(hall: Hall, officer: httpx.AsyncClient, request: str, session: str) -> dict[str, Any] | None:
    """The certificate, once it says of a session that everything of it is gone."""
    head = {"Vigil-At-Least": str(await hall.position())}
    answer = await officer.get(f"{V1}/requests/{request}/certificate", headers=head)
    assert answer.status_code == 200, answer.text
    (mine,) = [one for one in answer.json()["sessions"] if one["session"] == session]
    done = len(mine["erased"]) == 5 and all(one["gone_at"] for one in mine["erased"])
    return dict(answer.json()) if done else None


async def read_for_the_appeal(named: httpx.AsyncClient, other: httpx.AsyncClient, held: Sitting) -> None:
    """Whom the hold names reads all of it; nobody else does."""
    camera = f"{V1}/recordings/{held.session}.camera"
    assert (await named.get(f"{camera}/media")).content == FILM
    assert (await named.get(f"{camera}/clip", params=held.shown)).status_code == 200
    assert (await named.get(f"{camera}/stills/1")).status_code == 200
    timeline = (await named.get(f"{V1}/sessions/{held.session}/timeline")).text
    assert SAID["second"] in timeline
    assert NOTED["second"] in timeline
    for path in (f"{camera}/media", f"{camera}/stills/1", f"{V1}/sessions/{held.session}/timeline"):
        assert (await other.get(path)).status_code == 403
    assert (await other.post(f"{V1}/exports", json={"session": held.session})).status_code == 409


async def everybody_goes_on(hall: Hall, sitting: Sitting) -> None:
    """What shows the schedule and the session still answers, and names nobody."""
    plan, session = f"{V1}/schedules/{sitting.exam.schedule}", f"{V1}/sessions/{sitting.session}"
    looks = {
        sitting.exam.planner: (
            plan, f"{plan}/candidates", f"{plan}/accommodations", f"{plan}/live", f"{plan}/attendance",
            f"{plan}/attendance.csv", f"{plan}/day-report", f"{plan}/help", session,
        ),
        await hall.as_a("reviewer"): (
            f"{plan}/gradebook", f"{plan}/gradebook.csv", f"{plan}/day-report.html", f"{session}/record",
            f"{session}/timeline", f"{session}/messages", f"{session}/incidents", f"{session}/recordings",
            f"{session}/interventions", f"{session}/receipt",
        ),
        await hall.as_a("auditor"): (f"{plan}/live", f"{session}/timeline", f"{session}/access"),
    }  # fmt: skip
    for client, paths in looks.items():
        for path in paths:
            answer = await client.get(path)
            assert answer.status_code == 200, f"{path}: {answer.text}"
            assert not [one for one in (NAME, NUMBER, EMAIL, SAID["first"], NOTED["first"]) if one in answer.text], path
    reviewer, camera = await hall.as_a("reviewer"), f"{V1}/recordings/{sitting.session}.camera"
    for path in (f"{camera}/media", f"{camera}/stills/1", f"{session}/incidents/flagged-first/pictures/0"):
        assert (await reviewer.get(path)).status_code == 404
    assert (await reviewer.get(f"{camera}/clip", params=sitting.shown)).status_code == 404


async def exported(auditor: httpx.AsyncClient, session: str, folder: Path) -> Path:
    """An export, unpacked."""
    name = (await auditor.post(f"{V1}/exports", json={"session": session})).json()["export"]

    async def done() -> bool:
        return bool((await auditor.get(f"{V1}/exports/{name}")).json()["state"] == "done")

    await until(done, within_s=30)
    file = (await auditor.get(f"{V1}/exports/{name}/file")).content
    folder.mkdir()
    (folder / "export.zip").write_bytes(file)
    with ZipFile(folder / "export.zip") as archive:
        archive.extractall(folder)
    return folder / f"vigil-{name}"


def verified(hall: Hall, export: Path) -> bool:
    """Whether the export's own verifier says so, in a process of its own."""
    command = [sys.executable, str(export / "verify.py"), str(export), "--key", hall.core.signer.fingerprint]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return said.returncode == 0 and said.stdout.splitlines()[-1].startswith("verified")


async def tables(conn: AsyncConnection) -> list[tuple[str, str]]:
    cursor = await conn.execute(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    return [(schema, table) for schema, table in await cursor.fetchall()]


async def dump(hall: Hall) -> list[str]:
    """Every row of every table as text, its bytes decoded; a row begins with its table's name."""
    found = []
    async with await AsyncConnection.connect(hall.database, autocommit=True) as conn:
        for schema, table in await tables(conn):
            cursor = await conn.execute(SQL("SELECT * FROM {}").format(Identifier(schema, table)))
            found += [f"{schema}.{table} {' '.join(map(_text, row))}" async for row in cursor]
    return found


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return f"{value.decode(errors='replace')} {value.hex()}"
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


@dataclass
class Needles:
    """Where something of hers could lie: tables, objects, NATS, logs, and files of this installation."""

    hall: Hall
    servers: Servers
    home: Path
    caplog: pytest.LogCaptureFixture

    async def subject(self, sitting: Sitting) -> str:
        stream = f"main/session/{sitting.session}"
        return str((await self.hall.core.handler.load(session_rules.DECIDER, stream))[1].subject)

    async def found(self, *texts: str) -> dict[str, list[str]]:
        """Where each of these texts is found."""
        places = {"tables": "\n".join(await dump(self.hall))}
        objects = [await self.hall.core.objects.get(key) for key in await self.hall.core.objects.list()]
        places["objects"] = b"\n".join(objects).decode(errors="replace")
        places["nats"] = await self.streams()
        places["logs"] = self.caplog.text
        for path in [*self.servers.home.rglob("*.log"), *self.home.rglob("*")]:
            if path.is_file() and path.suffix != ".zip":
                places[str(path)] = path.read_bytes().decode(errors="replace")
        return {text: [place for place, what in places.items() if text in what] for text in texts}

    def on_disk(self, needle: bytes) -> bool:
        """Whether these bytes lie in a file of the installation's home, or packed in one."""
        for path in self.home.rglob("*"):
            if path.suffix == ".zip":
                with ZipFile(path) as archive:
                    if any(needle in archive.read(name) for name in archive.namelist()):
                        return True
            elif path.is_file() and needle in path.read_bytes():
                return True
        return False

    async def streams(self) -> str:
        """All that NATS keeps: no subject of ours is kept by any stream."""
        kept = await self.hall.core.nats.jetstream().streams_info()
        return " ".join(str(one) for one in kept)


@dataclass
class Snapshot:
    rows: set[str]
    objects: dict[str, str]


async def untouched(hall: Hall, subject: str, sessions: list[str]) -> Snapshot:
    """Every row and object that is not about her. Rows that say how far a model has come are left out."""
    theirs = [subject, *sessions]
    moving = ("read.position ", "read.live_change ")
    rows = {row for row in await dump(hall) if not row.startswith(moving) and not any(one in row for one in theirs)}
    keys = [key for key in await hall.core.objects.list() if not any(one in key for one in theirs)]
    return Snapshot(rows, {key: sha256(await hall.core.objects.get(key)).hexdigest() for key in keys})


async def alive(hall: Hall, subject: str) -> set[tuple[str, str]]:
    """Session and class of the keys of hers that there still are."""
    query = "SELECT session, class FROM keys.data WHERE subject = %s AND wrapped IS NOT NULL"
    async with await AsyncConnection.connect(hall.database) as conn:
        return {(session, name) for session, name in await (await conn.execute(query, (subject,))).fetchall()}


async def opened_by_anybody(hall: Hall, needles: list[str]) -> list[str]:
    """Which of them somebody who has our master key and the whole ledger can still read in it."""
    async with core(hall.core.settings, "another") as there, there.reading() as conn:
        told = await decoder(there.keys)(await read_after(conn, 0, 1_000_000))
    text = "\n".join(
        msgspec.json.encode(one.body, enc_hook=lambda private: private.text).decode()
        for one in told if not isinstance(one, Exception)
    )  # fmt: skip
    assert "All is well here" in text, "what others wrote can be read"
    assert "Please forget me" in text
    return [one for one in needles if one in text]


async def events_of(hall: Hall, session: str, schedule: str) -> dict[str, int]:
    """How many events there are of a session, by stream, those in its schedule included."""
    async with hall.core.reading() as conn:
        stored = await read_after(conn, 0, 1_000_000)
    counts = Counter(
        row.stream for row in stored
        if parse(row.stream).session == session
        or (row.stream == f"main/schedule/{schedule}" and f'"session":"{session}"' in row.state.decode())
    )  # fmt: skip
    return dict(counts)
