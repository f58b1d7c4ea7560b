"""`vigil doctor` finds what would keep a role from starting, before one is started."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.conninfo import make_conninfo

from commands.objects import FolderStore, Guards, ObjectStoreAway
from detectors import runtime, voice
from detectors.coco import CLASSES
from detectors.pipeline import Pipeline
from detectors.weights import resolve
from projections.builds import live_build, prepare
from projections.folding import Poison
from projections.live import LIVE
from projections.models import MODELS
from projections.rows import park
from tests.seaweed import BUCKET, Seaweed
from vigil import doctor
from vigil.doctor import report
from vigil.embedded import Servers
from vigil.secret import make_secret
from vigil.settings import Settings
from vigil.signing import signer


async def looked(settings: Settings) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and by the name of each check whether it held and what was found."""
    lines: list[str] = []
    code = await report(settings, lines.append)
    return code, {name: (held, found) for held, name, found in (line.split(maxsplit=2) for line in lines)}


async def test_an_installation_that_lacks_nothing_is_told_so(settings: Settings) -> None:
    code, found = await looked(settings)
    assert {held for held, _ in found.values()} == {"ok"}
    assert code == 0
    assert found["secret"] == ("ok", str(settings.secret_file))
    assert signer(settings).fingerprint in found["signing"][1]


async def test_the_engine_the_weights_and_the_cost_of_a_sample_are_told(settings: Settings) -> None:
    weights = resolve()
    held, found = (await looked(settings))[1]["weights"]
    assert held == "ok"
    assert re.fullmatch(
        rf"persons and objects: {weights.persons.name} \(sha256 {weights.persons.sha256[:12]}\) through ultralytics"
        rf" 8\.[\d.]+ on ONNX Runtime [\d.]+; faces: blazeface \(sha256 {weights.faces.sha256[:12]}\);"
        r" [1-9]\d* ms of CPU for a sample with every look; voices: silero_vad_16k_sequence"
        rf" \(sha256 {voice.SHA256[:12]}\) of silero-vad 6\.2\.3",
        found,
    ), found


async def test_where_pictures_are_looked_at_together_that_is_what_is_timed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU, which is not at hand here."""
    pipeline = Pipeline.load(resolve())
    pipeline.objects.at_once = 3
    monkeypatch.setattr(doctor, "ready", lambda: pipeline)
    held, found = (await looked(settings))[1]["weights"]
    assert held == "ok"
    assert re.search(r"; [1-9][\d.]* ms, 3 together on a GPU, for a sample with every look", found), found


@pytest.mark.parametrize(("suffix", "engine"), [(".pt", "PyTorch"), (".onnx", "ONNX Runtime")])
async def test_of_other_weights_engine_hash_and_cost_are_told_too(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, engine: str
) -> None:
    mine = tmp_path / f"mine{suffix}"
    monkeypatch.setenv("VIGIL_WEIGHTS", str(mine))
    held, found = (await looked(settings))[1]["weights"]
    assert held == "!!"
    assert found.startswith(f"VIGIL_WEIGHTS names {mine}, which cannot be used: no such file or directory. Expected: ")
    runtime.prepare()
    from ultralytics.models import YOLO

    untrained = YOLO("yolo26n.yaml")
    untrained.model.names = dict(enumerate(CLASSES))
    untrained.save(tmp_path / "mine.pt")
    if suffix == ".onnx":
        YOLO(tmp_path / "mine.pt").export(format="onnx", imgsz=64, dynamic=True, simplify=False)
    sha256 = hashlib.sha256(mine.read_bytes()).hexdigest()[:12]
    held, found = (await looked(settings))[1]["weights"]
    assert held == "ok", found
    told = (
        rf"persons and objects: mine \(sha256 {sha256}\) through ultralytics 8\.[\d.]+ on {engine} [\d.+a-z]+; faces:"
    )
    assert re.match(told, found), found
    assert re.search(r" [1-9]\d* ms of CPU", found), found


@pytest.mark.parametrize(
    ("check", "variable"), [("secret", "VIGIL_SECRET_FILE"), ("signing", "VIGIL_SIGNING_KEY_FILE")]
)
async def test_a_secret_that_is_missing_is_found(settings: Settings, tmp_path: Path, check: str, variable: str) -> None:
    field = variable.removeprefix("VIGIL_").lower()
    gone = tmp_path / "gone"
    code, found = await looked(replace(settings, **{field: gone}))
    assert code == 1
    assert found[check][0] == "!!"
    assert found[check][1].startswith(f"{variable}: expected")
    assert [name for name, (held, _) in found.items() if held != "ok"] == [check]
    assert not gone.exists()
    make_secret(gone)
    assert (await looked(replace(settings, **{field: gone})))[0] == 0


async def test_rows_that_wait_for_a_fix_are_found(settings: Settings) -> None:
    assert (await looked(settings))[1]["models"] == ("ok", "no read model is there yet; `vigil project` makes them")
    async with await psycopg.AsyncConnection.connect(settings.database_url_for("project"), autocommit=True) as conn:
        await prepare(conn, MODELS)
        assert (await looked(settings))[1]["models"] == ("ok", f"{len(MODELS)} read models, up to date")
        poison = [Poison("t/s1", "t/session/s1", 3, "ValueError in fold")]
        build = await live_build(conn, LIVE)
        assert build
        await park(conn, build, poison)
    code, found = await looked(settings)
    assert (code, found["models"]) == (1, ("!!", "rows wait for a fix (1 of live): see `vigil poison list`"))


async def test_what_cannot_be_deleted_is_told_and_is_no_fault(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await looked(settings))[1]["objects"] == (
        "ok",
        "file; what is put can be read, and deleted; nothing is overwritten; nobody else can read it",
    )

    async def refuse(_store: FolderStore, _key: str) -> None:
        raise ObjectStoreAway("AccessDenied")

    monkeypatch.setattr(FolderStore, "delete", refuse)
    code, found = await looked(settings)
    assert code == 0
    held, said = found["objects"]
    assert held == "ok"
    assert said.startswith("file; nothing can be deleted: AccessDenied; ")
    assert "erasure and retention" in said


async def test_a_folder_that_others_can_read_is_a_fault(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def guards(_store: FolderStore, _key: str) -> Guards:  # a file system without modes
        return Guards(private=False)

    monkeypatch.setattr(FolderStore, "guards", guards)
    code, found = await looked(settings)
    assert (code, found["objects"][0]) == (1, "!!")
    assert "OTHERS ON THIS MACHINE can read it" in found["objects"][1]


async def test_a_bucket_is_told_by_who_reads_it_and_by_its_lock(settings: Settings, s3: Seaweed) -> None:
    async def said(bucket: str, **options: object) -> tuple[str, str]:
        return (await looked(replace(settings, objects_url=s3.url("doctor", bucket, **options))))[1]["objects"]

    held, found = await said(BUCKET)
    assert held == "ok"
    assert found.startswith("s3; what is put can be read, and deleted; nothing is overwritten; nobody else can read it")
    assert "no Object Lock" in found
    s3.admin.create_bucket(Bucket="doctor", ObjectLockEnabledForBucket=True)
    held, found = await said("doctor")
    assert held == "ok"
    assert found.startswith("s3; what is deleted stays as an older version; erasure and retention leave sealed bytes")
    assert found.endswith(
        "Object Lock keeps nothing: give the bucket a default retention, or VIGIL_OBJECTS_URL"
        " `&lock=governance&days=30`"
    )
    held, found = await said("doctor", lock="governance", days=30)
    assert held == "ok"
    assert found.endswith("nobody else can read it; Object Lock keeps what is put: governance, 30 days")
    assert await said(BUCKET, lock="governance", days=30) == (
        "!!",
        "the bucket has no Object Lock, which lock= in its URL asks for",
    )
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::doctor/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everybody]})
    s3.admin.put_bucket_policy(Bucket="doctor", Policy=policy)
    held, found = await said("doctor")
    assert held == "!!"
    assert "ANYBODY can read or list it: take public access from the bucket" in found


async def test_migrations_that_are_pending_are_found(settings: Settings, servers: Servers) -> None:
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE behind TEMPLATE template_vigil")
    behind = make_conninfo(settings.database_url, dbname="behind")
    with psycopg.connect(behind) as connection:
        connection.execute("DELETE FROM vigil.migration WHERE name = '0003_keys.sql'")
    code, found = await looked(replace(settings, database_url=behind))
    assert code == 1
    assert found["schema"][0] == "!!"
    assert "the database lacks 0003_keys.sql: run `vigil migrate`" in found["schema"][1]


async def test_a_database_that_is_away_is_told_in_one_line(settings: Settings) -> None:
    code, found = await looked(replace(settings, database_url="postgresql://somebody@127.0.0.1:1/x"))
    assert code == 1
    assert {name for name, (held, _) in found.items() if held != "ok"} == {"database", "schema", "models", "archive"}
