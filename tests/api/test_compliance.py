"""What an installation is set up to do, told by the API to those who answer for it."""

from __future__ import annotations

from typing import Any

import httpx

from api.compliance import in_use
from domain.incidents import Provenance
from domain.messages import DetectorBeat
from tests.api.hall import Hall, an_exam

V1 = "/api/v1"


async def told(hall: Hall, client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get(f"{V1}/compliance", headers={"Vigil-At-Least": str(await hall.position())})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_the_officer_is_told_purposes_times_detectors_calls_and_parties(hall: Hall) -> None:
    exam, officer = await an_exam(hall), await hall.as_a("data_protection_officer")
    found = await told(hall, officer)
    assert (found["format"], found["tenant"]) == ("vigil/compliance/1", "main")
    (mine,) = [one for one in found["schedules"] if one["schedule"] == exam.schedule]
    assert mine["policy"]["media_kept_days"] == 180
    lines = {line["purpose"] for line in found["processing"] if exam.schedule in line["schedules"]}
    assert {"live_view", "recording"} <= lines
    assert "GET /api/v1/compliance" in found["roles"]["data_protection_officer"]
    assert {"for": "database", "at": "this machine"} in found["outside"]
    assert any(hall.services.key_fingerprint in one for one in found["measures"])
    page = await officer.get(f"{V1}/compliance.html")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "Purposes and legal bases" in page.text
    assert "Candidate 0" not in page.text + str(found)


async def test_an_auditor_is_told_of_what_they_audit(hall: Hall) -> None:
    mine, other = await an_exam(hall), await an_exam(hall)
    admin, auditor = await hall.as_a("admin"), await hall.as_a("auditor", "of.one@example.org")
    until = (hall.clock().replace(year=hall.clock().year + 1)).isoformat()
    at = f"{V1}/users/{hall.user('of.one@example.org')}/auditing"
    answer = await admin.put(at, json={"schedules": [mine.schedule], "until": until, "reason": "Spot check"})
    assert answer.is_success, answer.text
    found = {one["schedule"] for one in (await told(hall, auditor))["schedules"]}
    assert found == {mine.schedule}
    assert other.schedule not in found


def test_of_detectors_that_run_other_weights_each_is_told() -> None:
    def beat(worker: str, sha256: str) -> DetectorBeat:
        runs = Provenance(detector="o", detector_version="1", weights={"w": sha256}, thresholds={}, rule_version="1")
        return DetectorBeat(worker=worker, at="", runs={"book": runs})  # type: ignore[arg-type]

    assert in_use([beat("a", "1"), beat("b", "1"), beat("c", "2")]) == {"w": "1", "w (2)": "2"}
