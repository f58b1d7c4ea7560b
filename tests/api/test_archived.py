"""An archived session: still in the gradebook, and all else of it says where it lies and how it comes back."""

from __future__ import annotations

import asyncio
import csv
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
from psycopg import AsyncConnection

from commands import recordings
from commands.archived import shelves
from commands.objects import open_store
from commands.proofs import covered, record_root
from domain.event import Refused
from domain.record import Seal
from tests.api.hall import Exam, Hall, an_exam, sit
from tests.api.test_records import sealed
from vigil.archiving import NotArchived, Place, Taken, archive, bring_back, ended
from vigil.wiring import Core

V1 = "/api/v1"
ARCHIVED = "urn:vigil:problem:archived"


async def over(hall: Hall) -> tuple[Exam, str]:
    """Of two candidates the first has handed in, and their record is sealed for good."""
    exam = await an_exam(hall, candidates=2)
    for number in range(2):
        await sit(exam, number)
    session = exam.sessions[0]
    at = f"{V1}/sessions/{session}"
    assert (await exam.candidates[0].post(f"{at}/messages", json={"text": "Done soon"})).is_success
    assert (await exam.candidates[0].post(f"{at}/submit")).is_success
    await sealed(exam)
    async with hall.core.pool.connection() as conn:
        root = await record_root(conn, "main", session)
        note = (await covered(conn, root.position)).note
    seal = Seal(at=hall.clock(), owed=(), streams=root.streams, root=root.root.hex(), checkpoint=note, clock="unknown")
    await hall.act(f"seal {session} for good", partial(recordings.seal, session=session, order=seal))
    return exam, session


async def put_away(hall: Hall, session: str, folder: Path) -> Taken:
    place = Place(folder.as_uri(), open_store(folder.as_uri()))
    async with await AsyncConnection.connect(hall.database, autocommit=True) as owner, asyncio.timeout(20):
        while True:
            async with hall.core.reading() as conn:
                rows = [row for row in await ended(conn, "main") if row.session == session]
            try:
                return await archive(hall.core, owner, place, "main", rows[0])
            except (NotArchived, IndexError, Refused):  # models, notary and reactions are under way
                await asyncio.sleep(0.1)


async def brought_back(hall: Hall, session: str, folder: Path) -> None:
    async with hall.core.pool.connection() as conn:
        (shelf,) = await shelves(conn, [f"main/session/{session}"])
    async with await AsyncConnection.connect(hall.database, autocommit=True) as owner:
        await bring_back(hall.core, owner, (folder / shelf.bundle).read_bytes(), shelf)


async def test_what_is_archived_says_so_until_it_is_back(
    hall: Hall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exam, session = await over(hall)
    monkeypatch.setattr(Core, "now", lambda _: datetime.now(UTC) + timedelta(days=60))  # as the operator has it
    reviewer, auditor, officer = [await hall.as_a(r) for r in ("reviewer", "auditor", "data_protection_officer")]
    at = f"{V1}/sessions/{session}"
    looks = [at, f"{at}/record", f"{at}/timeline", f"{at}/messages", f"{at}/incidents", f"{at}/recordings"]
    before = [await reviewer.get(look) for look in looks]
    assert {one.status_code for one in before} == {200}
    taken = await put_away(hall, session, tmp_path)
    said = f"session {session} is archived in the bundle {taken.bundle}; an operator brings it back with: "
    for client in (reviewer, auditor):
        for look in looks:
            answer = await client.get(look)
            assert (answer.status_code, answer.json()["type"]) == (409, ARCHIVED), look
            assert answer.json()["detail"] == f"{said}vigil archive restore {taken.bundle}"
    own = await exam.candidates[0].get(at)
    assert (own.status_code, own.json()["type"]) == (409, ARCHIVED)
    assert (await exam.candidates[1].get(at)).status_code == 404
    told = await auditor.post(f"{V1}/exports", json={"session": session})
    assert (told.status_code, told.json()["type"]) == (409, ARCHIVED)
    then = await exam.planner.get(f"{V1}/schedules/{exam.schedule}/live", params={"as_of": str(await hall.position())})
    assert (then.status_code, then.json()["type"]) == (409, ARCHIVED)
    now = await exam.planner.get(f"{V1}/schedules/{exam.schedule}/live")
    assert now.status_code == 200
    assert session in now.text

    row = (await books(hall, reviewer, exam))[session]
    assert (row["archived in"], row["state"], row["name"]) == (taken.bundle, "submitted", "Candidate 0")
    found = await officer.get(f"{V1}/subjects/{await subject_of(hall, session)}/data")
    assert found.status_code == 200

    await brought_back(hall, session, tmp_path)
    after = [await reviewer.get(look) for look in looks]
    assert {one.status_code for one in after} == {200}
    assert after[3].json()["messages"] == before[3].json()["messages"]
    assert (await exam.candidates[0].get(at)).status_code == 200
    assert (await auditor.post(f"{V1}/exports", json={"session": session})).status_code == 202


async def books(hall: Hall, client: httpx.AsyncClient, exam: Exam) -> dict[str, dict[str, str]]:
    head = {"Vigil-At-Least": str(await hall.position())}
    sheet = await client.get(f"{V1}/schedules/{exam.schedule}/gradebook.csv", headers=head)
    return {row["session"]: row for row in csv.DictReader(sheet.text.lstrip("\ufeff").splitlines())}


async def subject_of(hall: Hall, session: str) -> str:
    async with hall.core.reading() as conn:
        (row,) = [row for row in await ended(conn, "main") if row.session == session]
    return row.subject
