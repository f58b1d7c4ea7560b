"""`vigil compliance` tells how an installation is set up, and no secret of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from domain.policy import DetectorSetting, Policy
from projections.connection import connect
from projections.schedules import SCHEDULES
from tests.projections.ledger import reached, until
from tests.vigil.hall import Hall
from vigil.compliance import calls, outside, write
from vigil.settings import Settings


async def told(hall: Hall, folder: Path) -> dict[str, Any]:
    await write(hall.core.settings, "main", folder)
    found: dict[str, Any] = json.loads((folder / "compliance.json").read_bytes())
    return found


async def test_the_pack_tells_purposes_bases_times_and_detectors_of_the_policies_in_use(
    hall: Hall, tmp_path: Path
) -> None:
    face = DetectorSetting(kind="looking_away")
    reasons = {"looking_away": "Nobody may read from notes."}
    await hall.plan(policy=Policy(media_kept_days=30, bases={"recording": "contract"}))
    await hall.plan(policy=Policy(identity=True, microphone=False, detectors=(face,), reasons=reasons))

    async with await connect(hall.core.settings.database_url_for("project")) as conn:
        await until(lambda: reached(conn, SCHEDULES, 1))
        cursor = await conn.execute("SELECT max(notification_id) FROM ledger.events")
        (head,) = await cursor.fetchone() or (0,)
        await until(lambda: reached(conn, SCHEDULES, head))
    await told(hall, tmp_path / "a")
    found = await told(hall, tmp_path / "b")
    lines = {(line["purpose"], line["legal_basis"]): len(line["schedules"]) for line in found["processing"]}
    assert lines == {
        ("live_view", "public_task"): 2, ("recording", "contract"): 1, ("recording", "public_task"): 1,
        ("ai_flags", "public_task"): 2, ("identity", "public_task"): 1, ("face_geometry", "consent"): 1,
    }  # fmt: skip
    spans = {line["what"]: (line["days_from"], line["days_to"]) for line in found["retention"]}
    assert spans == {"media": (30, 180), "record": (730, 730)}
    assert {"several_people", "voice"} <= {line["kind"] for line in found["detectors"]}
    seen_by = {line["purpose"]: line["recipients"] for line in found["processing"]}
    assert (seen_by["live_view"], seen_by["recording"]) == (
        ["invigilator", "lead_invigilator"],
        ["auditor", "reviewer"],
    )
    assert all(seen_by.values())
    assert hall.core.signer.fingerprint in str(found["measures"])
    for name in ("compliance.json", "compliance.html"):
        written = (tmp_path / "b" / name).read_bytes()
        assert written == (tmp_path / "a" / name).read_bytes()
        assert b"Ada Lovelace" not in written
    page = (tmp_path / "b" / "compliance.html").read_text("utf-8")
    assert "30 to 180" in page
    assert "face geometry" in page


def test_every_role_is_named_with_what_it_may_call() -> None:
    found = calls()
    assert "GET /api/v1/schedules/{schedule:str}/gradebook" in found["reviewer"]
    assert "POST /api/v1/users" in found["admin"]
    assert "POST /api/v1/users" not in found["planner"]


def test_outside_services_are_named_by_host_and_without_credentials(settings: Settings) -> None:
    assert {line["at"] for line in outside(settings)} == {"this machine", "a folder"}
    far = replace(
        settings, database_url="postgresql://vigil_owner:geheim@db.example/vigil", nats_url="nats://geheim@nats.example",
        objects_url="s3://bucket/vigil", ice_servers=("turn:turn.example:3478",), witness_url="https://geheim@board.example/x",
    )  # fmt: skip
    found = {(line["for"], line["at"]) for line in outside(far)}
    assert found == {
        ("database", "db.example"), ("messages between processes", "nats.example"),
        ("recordings and pictures", "s3://bucket"), ("reaching candidates' browsers", "turn:turn.example:3478"),
        ("outside witness of checkpoints", "board.example"),
    }  # fmt: skip
