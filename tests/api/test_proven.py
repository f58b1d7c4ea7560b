"""What auditors and data-protection officers list: proven events, checkpoints with their keys, holds, exports."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from datetime import datetime, timedelta
from hashlib import sha256

import pytest

from commands.leaf import leaf
from commands.merkle import included
from domain.recorded import Stored
from tests.api.hall import Exam, Hall, an_exam, sit

V1 = "/api/v1"


@pytest.fixture(scope="module")
async def exam(hall: Hall) -> Exam:
    exam = await an_exam(hall, candidates=2)
    await sit(exam)
    assert (await exam.candidates[0].post(f"{V1}/sessions/{exam.sessions[0]}/submit")).is_success
    async with asyncio.timeout(30):
        while (await exam.candidates[0].get(f"{V1}/sessions/{exam.sessions[0]}/receipt")).status_code != 200:
            await asyncio.sleep(0.05)
    return exam


async def test_a_sessions_events_come_as_they_are_stored_with_what_proves_them(hall: Hall, exam: Exam) -> None:
    auditor = await hall.as_a("auditor")
    told = (await auditor.get(f"{V1}/sessions/{exam.sessions[0]}/proofs")).json()
    head = told["checkpoint"]
    tags = [one["tag"] for one in told["events"]]
    assert tags[:2] == ["schedule.candidate_enrolled", "session.opened"], "and nobody else's enrolment"
    assert len(tags) > 3
    for one in told["events"]:
        at = datetime.fromisoformat(one["recorded_at"])
        stored = Stored(one["position"], one["stream"], one["version"], one["tag"], at, b64decode(one["state"]))
        assert leaf(stored).hex() == one["hash"]
        path = [bytes.fromhex(node) for node in one["path"]]
        assert included(leaf(stored), one["index"], head["size"], path, bytes.fromhex(head["root"]))
    first = told["events"][0]["position"]
    rest = (await auditor.get(f"{V1}/sessions/{exam.sessions[0]}/proofs", params={"after": first})).json()["events"]
    assert rest[0]["position"] > first


async def test_checkpoints_tell_the_last_one_and_the_keys(hall: Hall, exam: Exam) -> None:
    told = (await (await hall.as_a("auditor")).get(f"{V1}/checkpoints", params={"most": 1})).json()
    assert told["last"]["size"] >= told["checkpoints"][0]["size"]
    assert told["keys"][0]["fingerprint"] == told["key_fingerprint"] == hall.core.signer.fingerprint
    assert sha256(b64decode(told["keys"][0]["key"])).hexdigest() == told["key_fingerprint"]
    assert (await (await hall.as_a("auditor")).get(f"{V1}/witnesses")).json() == {"witnesses": []}


async def test_holds_and_what_goes_are_listed_for_who_is_to_know(hall: Hall, exam: Exam) -> None:
    officer, session = await hall.as_a("data_protection_officer"), exam.sessions[0]
    made = await officer.post(f"{V1}/sessions/{session}/record/holds", json={"reason": "A claim is announced"})
    head = {"Vigil-At-Least": str(await hall.position())}
    for client in (officer, await hall.as_a("auditor")):
        listed = (await client.get(f"{V1}/holds", headers=head)).json()
        assert listed["people"] == {hall.user("data_protection_officer@example.org"): "The data_protection_officer"}
        (row,) = [one for one in listed["sessions"] if one["session"] == session]
        assert list(row["holds"]) == [made.json()["hold"]]
        assert row["title"] == "Anatomy II"
    soon = (hall.clock() + timedelta(days=1)).isoformat()
    late = (hall.clock() + timedelta(days=4000)).isoformat()
    due = [
        [one["session"] for one in (await officer.get(f"{V1}/holds", params={"due_by": by})).json()["sessions"]]
        for by in (soon, late)
    ]
    assert session not in due[0]
    assert session in due[1]


async def test_whoever_made_exports_finds_them_again_and_nobody_else_does(hall: Hall, exam: Exam) -> None:
    auditor = await hall.as_a("auditor")
    made = (await auditor.post(f"{V1}/exports", json={"session": exam.sessions[0]})).json()["export"]
    (row,) = [one for one in (await auditor.get(f"{V1}/exports")).json()["exports"] if one["export"] == made]
    assert row["began_at"]
    other = await hall.as_a("auditor", "another.auditor@example.org")
    assert (await other.get(f"{V1}/exports")).json() == {"exports": []}
