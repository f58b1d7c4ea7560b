"""What operators and integrators look at: health, readiness, metrics, OpenAPI, and errors of our own."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api import detector_workers
from commands.objects import ObjectStoreAway
from commands.objects.folder import FolderStore
from domain.messages import DetectorLoad
from tests.api.hall import Hall
from tests.vigil.hall import running
from vigil import door
from vigil.door import Media
from vigil.watching import beat


async def test_healthz_answers_without_asking_anything(hall: Hall) -> None:
    answer = await hall.http.get("/healthz")
    assert answer.json() == {"alive": True, "version": "0.1.0"}


async def test_readyz_says_what_is_there(hall: Hall) -> None:
    answer = await hall.http.get("/readyz")
    assert answer.status_code == 200, answer.text
    assert {check["name"]: check["ok"] for check in answer.json()["checks"]}["nats"]


async def test_readyz_fails_when_the_role_may_write_events_past_the_function(hall: Hall) -> None:
    with psycopg.connect(hall.database, autocommit=True) as owner:
        owner.execute("GRANT INSERT ON ledger.events TO vigil_app")
        try:
            answer = await hall.http.get("/readyz")
        finally:
            owner.execute("REVOKE INSERT ON ledger.events FROM vigil_app")
    assert answer.status_code == 503
    (check,) = [check for check in answer.json()["checks"] if check["name"] == "database"]
    assert check == {"name": "database", "ok": False, "found": "the role vigil_app may INSERT events directly"}
    assert (await hall.http.get("/readyz")).status_code == 200


async def test_rows_that_wait_for_a_fix_are_told_to_operators(hall: Hall) -> None:
    with psycopg.connect(hall.database, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO read.parked (model, version, build, key, tenant, stream, position, error)"
            " SELECT model, version, build, k, 'other', '', 0, 'a test'"
            " FROM read.position, unnest(ARRAY['a', 'b']) AS k WHERE model = 'chat' AND live"
        )
        try:
            ready, metrics = await hall.http.get("/readyz"), (await hall.http.get("/metrics")).text
        finally:
            owner.execute("DELETE FROM read.parked WHERE error = 'a test'")
    (check,) = [check for check in ready.json()["checks"] if check["name"] == "projections"]
    assert check["ok"]
    assert "2 rows wait for a fix" in check["found"]
    assert 'vigil_model_parked{model="chat"} 2.0' in metrics
    assert 'vigil_model_parked{model="live"} 0.0' in metrics
    assert 'vigil_model_behind{model="chat"} ' in metrics


class FullDisk(FolderStore):
    """Gives what it has and takes nothing more."""

    async def put_new(self, key: str, data: bytes) -> None:  # noqa: ARG002 - the interface
        raise ObjectStoreAway("no space left")


async def test_a_store_that_takes_nothing_more_is_not_ready(hall: Hall, tmp_path: Path) -> None:
    assert (await Media(replace(hall.core, objects=FolderStore(tmp_path))).ready()).ok
    assert await FolderStore(tmp_path).list("probe/") == ()
    found = await Media(replace(hall.core, objects=FullDisk(tmp_path))).ready()
    assert (found.ok, found.found) == (False, "no space left")


class WriteOnce(FolderStore):
    """Takes and gives, and lets nobody delete."""

    async def delete(self, key: str) -> None:  # noqa: ARG002 - the interface
        raise ObjectStoreAway("AccessDenied")


async def test_a_store_that_lets_nobody_delete_is_ready_and_keeps_one_probe(
    hall: Hall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "PROBED_S", 0.0)
    one, other = (Media(replace(hall.core, objects=WriteOnce(tmp_path))) for _ in range(2))
    for found in (await one.ready(), await one.ready(), await other.ready()):
        assert (found.ok, found.found) == (True, "nothing can be deleted: AccessDenied")
    assert len(await FolderStore(tmp_path).list()) == 1


async def test_metrics_count_by_route_and_never_by_id(hall: Hall) -> None:
    await hall.http.get("/api/v1/sessions/somebodyssession")
    text = (await hall.http.get("/metrics")).text
    assert 'vigil_http_requests_total{method="GET",route="/api/v1/sessions/{session}",status="401"} 1.0' in text
    assert "somebodyssession" not in text


async def test_metrics_tell_how_detector_workers_keep_up_while_they_are_there(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = DetectorLoad(judged=70, overloaded=30, waiting=4, late_s=1.5, undelivered=2, given_up=1)

    async def told(part: str) -> None:
        async with asyncio.timeout(10):
            while part not in (await hall.http.get("/metrics")).text:
                await asyncio.sleep(0.1)

    async with running(beat(hall.services.nats, lambda: load)):
        await told("vigil_detector_samples_total{")
        await told("vigil_detector_workers 2.0\n")  # the hall has one, which does not say how it keeps up
        text = (await hall.http.get("/metrics")).text
    samples = (one for family in text_string_to_metric_families(text) for one in family.samples)
    said = {(one.name.removeprefix("vigil_detector_"), one.labels.get("became")): one.value for one in samples
            if "worker" in one.labels}  # fmt: skip
    assert said == {
        ("samples_total", "judged"): 70, ("samples_total", "overloaded"): 30, ("given_up_total", None): 1,
        ("waiting", None): 4, ("late_seconds", None): 1.5, ("undelivered", None): 2,
    }  # fmt: skip
    monkeypatch.setattr(detector_workers, "SILENT_S", 0.0)
    await told("vigil_detector_workers 0.0\n")
    assert "vigil_detector_samples_total{" not in (await hall.http.get("/metrics")).text


async def test_the_schema_describes_our_errors_and_who_may_call(hall: Hall) -> None:
    answer = await hall.http.get("/schema")
    assert answer.status_code == 200
    described = answer.json()
    create = described["paths"]["/api/v1/schedules"]["post"]
    assert create["description"].endswith("For: planner.")
    statuses = {"201", "400", "401", "403", "404", "409", "413", "422", "429", "503"}
    assert set(create["responses"]) == statuses
    for status in statuses - {"201"}:
        error = create["responses"][status]["content"]["application/problem+json"]["schema"]
        assert error == {"$ref": "#/components/schemas/Problem"}
    assert "errors" in described["components"]["schemas"]["Problem"]["properties"]
    assert "http" not in answer.text.replace("https://spec.openapis.org", "").replace('"http"', "")


async def test_what_is_unknown_or_not_allowed_is_a_problem_too(hall: Hall) -> None:
    unknown, wrong = await hall.http.get("/api/v1/nothing"), await hall.http.put("/api/v1/sign-in")
    for answer, status in ((unknown, 404), (wrong, 405)):
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
    assert "POST" in wrong.headers["allow"]


async def test_a_fault_of_our_own_is_found_in_the_log_by_its_id(hall: Hall, caplog: pytest.LogCaptureFixture) -> None:
    auditor = await hall.as_a("auditor")
    with psycopg.connect(hall.database, autocommit=True) as owner, caplog.at_level(logging.ERROR):
        owner.execute("REVOKE SELECT ON ledger.checkpoints FROM vigil_app")
        try:
            answer = await auditor.get("/api/v1/checkpoints?after=7")
        finally:
            owner.execute("GRANT SELECT ON ledger.checkpoints TO vigil_app")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["id"] in caplog.text
    assert "checkpoints" not in answer.text
