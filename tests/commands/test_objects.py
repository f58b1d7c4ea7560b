"""One suite for every object store, then what is special to each. S3 is a real server, SeaweedFS."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from commands.objects import (
    FolderStore,
    ObjectExists,
    ObjectMissing,
    ObjectStore,
    ObjectStoreAway,
    open_store,
    probe,
)
from commands.objects.probe import PROBE, WORD
from commands.objects.s3 import S3Store

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "objects"
ACCESS = {"AWS_ACCESS_KEY_ID": "vigil", "AWS_SECRET_ACCESS_KEY": "not a secret, only a test"}
numbers = itertools.count()


@pytest.fixture(scope="module")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A SeaweedFS of its own. It does not stop when asked to, so it is killed, with all that it started."""
    folder = tmp_path_factory.mktemp("weed")
    ports = free_ports(9)
    names = ("s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc")
    names += ("filer.port", "filer.port.grpc", "admin.port")
    weed = shutil.which("weed", path=str(Path(sys.executable).parent)) or "weed"
    command = [
        weed, "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-webdav=false", "-admin.ui=false",
        "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false",
        f"-bucket={BUCKET}", f"-filer.localSocket={folder}/filer.sock",
        f"-s3.localSocket={folder}/s3.sock", *(f"-{name}={port}" for name, port in zip(names, ports, strict=True)),
    ]  # fmt: skip
    log = (folder / "weed.log").open("wb")
    with log, pytest.MonkeyPatch.context() as patch:
        for name, value in ACCESS.items():
            patch.setenv(name, value)
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)
        try:
            endpoint = f"http://127.0.0.1:{ports[0]}"
            asyncio.run(ready(endpoint))
            yield endpoint
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


async def ready(endpoint: str) -> None:
    store = S3Store(BUCKET, "start", endpoint=endpoint)
    until = time.monotonic() + 30
    while True:
        try:
            return await store.put_new("ready", b"")
        except ObjectExists:
            return None
        except ObjectStoreAway:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.1)


def free_ports(most: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(most)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return open_store((tmp_path / "objects").as_uri())
    endpoint = request.getfixturevalue("s3_endpoint")
    return open_store(f"s3://{BUCKET}/test{next(numbers)}?endpoint={endpoint}")


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
async def test_what_was_put_comes_back(store: ObjectStore, size: int) -> None:
    data = os.urandom(size)
    await store.put_new("t/media/s.camera/0001-000001.webm.sealed", data)
    assert await store.get("t/media/s.camera/0001-000001.webm.sealed") == data


async def test_nothing_is_overwritten(store: ObjectStore) -> None:
    await store.put_new("a/b", b"first")
    for data in (b"second", b"first"):
        with pytest.raises(ObjectExists):
            await store.put_new("a/b", data)
    assert await store.get("a/b") == b"first"


async def test_of_many_who_put_at_once_one_wins_and_keeps_its_bytes(store: ObjectStore) -> None:
    tries = [os.urandom(50_000) for _ in range(8)]
    answers = await asyncio.gather(*(store.put_new("race", data) for data in tries), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["NoneType", *["ObjectExists"] * 7]
    assert await store.get("race") == tries[answers.index(None)]


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (0, 10), (3, 7), (9, 10), (5, 99), (10, 11), (50, 60)])
async def test_a_range_is_read_as_a_slice_is(store: ObjectStore, start: int, stop: int) -> None:
    await store.put_new("ten", b"0123456789")
    assert await store.get_range("ten", start, stop) == b"0123456789"[start:stop]


@pytest.mark.parametrize(("start", "stop"), [(3, 3), (4, 3), (-1, 3)])
async def test_a_range_that_is_none_is_refused(store: ObjectStore, start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="no range"):
        await store.get_range("ten", start, stop)


async def test_what_is_not_there_is_missing(store: ObjectStore) -> None:
    with pytest.raises(ObjectMissing):
        await store.get("not/there")
    with pytest.raises(ObjectMissing):
        await store.get_range("not/there", 0, 5)
    assert not await store.exists("not/there")
    await store.put_new("not/that", b"")
    with pytest.raises(ObjectMissing):
        await store.get("not")
    assert not await store.exists("not")
    assert await store.exists("not/that")


async def test_what_was_deleted_is_gone_and_may_be_put_again(store: ObjectStore) -> None:
    await store.delete("a/b")
    await store.put_new("a/b", b"first")
    await store.delete("a/b")
    await store.delete("a/b")
    assert not await store.exists("a/b")
    await store.put_new("a/b", b"second")
    assert await store.get("a/b") == b"second"


async def test_keys_are_listed_in_order_below_a_prefix(store: ObjectStore) -> None:
    assert await store.list() == ()
    keys = ("t/a/1", "t/a/10", "t/a/2", "t/b.c/1", "t/b/1", "u/1")
    for key in reversed(keys):
        await store.put_new(key, b"")
    assert await store.list() == keys
    assert await store.list("t/a/1") == keys[:2]
    assert await store.list("t/a/") == keys[:3]
    assert await store.list("t/b") == keys[3:5]
    assert await store.list("v") == ()


async def test_a_store_that_works_shows_it_and_keeps_nothing_of_it(store: ObjectStore) -> None:
    assert [await probe(store) for _ in range(2)] == ["", ""]
    assert await store.list() == ()
    assert await asyncio.gather(*(probe(store) for _ in range(3))) == [""] * 3
    assert await store.list() == ()


async def test_what_a_probe_left_that_was_killed_is_in_no_ones_way(store: ObjectStore) -> None:
    await store.put_new(PROBE, WORD)
    assert await probe(store) == ""
    assert await store.list() == ()
    await store.put_new(PROBE, b"something else")
    with pytest.raises(ObjectStoreAway, match="other bytes than it took"):
        await probe(store)


async def test_only_what_is_there_can_be_asked_whether_it_would_stay(store: ObjectStore) -> None:
    with pytest.raises(ObjectMissing):
        await store.keeps_versions("a/b")
    await store.put_new("a/b", b"")
    assert not await store.keeps_versions("a/b")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "a/../b",
        "../a",
        ".hidden",
        "a/.b",
        "a b",
        "ä",
        "a\x00",
        "a\n",
        "a" * 901,
    ],
)
async def test_a_key_of_another_form_is_refused(store: ObjectStore, key: str) -> None:
    with pytest.raises(ValueError, match="no key"):
        await store.put_new(key, b"")
    with pytest.raises(ValueError, match="no key"):
        await store.get(key)
    with pytest.raises(ValueError, match="no key"):
        await store.exists(key)
    with pytest.raises(ValueError, match="no key"):
        await store.delete(key)
    with pytest.raises(ValueError, match="no key"):
        await store.keeps_versions(key)


@pytest.mark.parametrize("prefix", ["..", "../", "/", "a/../b", ".incoming"])
async def test_a_prefix_does_not_lead_outside(store: ObjectStore, prefix: str) -> None:
    with pytest.raises(ValueError, match="no key"):
        await store.list(prefix)


# Folders.


async def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    await store.put_new("before", b"x")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # the kernel refuses as a full disk does
    try:
        with pytest.raises(ObjectStoreAway, match="large"):
            await store.put_new("a/b", bytes(5000))
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
        with pytest.raises(ObjectStoreAway, match="large"):
            await probe(store)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert await store.list() == ("before",)
    assert not list((tmp_path / ".incoming").iterdir())
    await store.put_new("a/b", bytes(5000))


async def test_a_folder_that_is_gone_is_away_and_not_empty(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "objects")
    await store.put_new("a", b"")
    (tmp_path / "objects").rename(tmp_path / "elsewhere")
    for call in (store.get("a"), store.put_new("b", b""), store.exists("a"), store.list(), store.delete("a")):
        with pytest.raises(ObjectStoreAway):
            await call
    (tmp_path / "elsewhere").rename(tmp_path / "objects")
    assert await store.list() == ("a",)


async def test_a_folder_that_cannot_be_made_is_away_until_it_can(tmp_path: Path) -> None:
    (tmp_path / "objects").write_text("a file")
    store = FolderStore(tmp_path / "objects")
    with pytest.raises(ObjectStoreAway):
        await store.put_new("a", b"")
    (tmp_path / "objects").unlink()
    (tmp_path / "objects").mkdir()
    await store.put_new("a", b"")


async def test_what_a_killed_process_left_is_never_seen_and_goes_after_a_day(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    await store.put_new("a", b"")
    old, new = tmp_path / ".incoming" / "old", tmp_path / ".incoming" / "new"
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    os.utime(old, (time.time() - 90_000, time.time() - 90_000))
    await store.put_new("b", b"")
    assert await store.list() == ("a", "b")
    assert new.exists()
    assert not old.exists()


async def test_only_the_owner_can_read_the_folder(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "objects")
    await store.put_new("a/b", b"")
    found = [tmp_path / "objects", *(tmp_path / "objects").rglob("*")]
    assert {path.stat().st_mode & 0o077 for path in found} == {0}


# S3.


async def test_nobody_reads_the_bucket_without_the_key(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = S3Store(BUCKET, "private", endpoint=s3_endpoint)
    await store.put_new("a", b"secret")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(f"{s3_endpoint}/{BUCKET}/private/a", timeout=5)
    assert refusal.value.code == 403
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(ObjectStoreAway, match="SignatureDoesNotMatch"):
        await S3Store(BUCKET, "private", endpoint=s3_endpoint).get("a")


async def test_a_prefix_is_a_world_of_its_own(s3_endpoint: str) -> None:
    one, two = (S3Store(BUCKET, f"world/{n}", endpoint=s3_endpoint) for n in (1, 2))
    await one.put_new("a", b"1")
    await two.put_new("a", b"2")
    assert (await one.get("a"), await one.list()) == (b"1", ("a",))


async def test_a_bucket_that_is_not_there_is_away(s3_endpoint: str) -> None:
    with pytest.raises(ObjectStoreAway, match="NoSuchBucket"):
        await S3Store("nowhere", endpoint=s3_endpoint).put_new("a", b"")


async def test_a_server_that_does_not_answer_is_away(s3_endpoint: str) -> None:
    (port,) = free_ports(1)
    with pytest.raises(ObjectStoreAway, match="EndpointConnectionError"):
        await S3Store(BUCKET, endpoint=f"http://127.0.0.1:{port}").get("a")


async def test_a_bucket_in_which_nothing_may_be_deleted_works_and_keeps_one_probe(s3_endpoint: str) -> None:
    client = admin(s3_endpoint)
    client.create_bucket(Bucket="kept")
    refused = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::kept/*"}
    client.put_bucket_policy(Bucket="kept", Policy=json.dumps({"Version": "2012-10-17", "Statement": [refused]}))
    store = S3Store("kept", endpoint=s3_endpoint)
    found = {await probe(store) for _ in range(3)}
    assert found == {"nothing can be deleted: the bucket of objects answers AccessDenied"}
    assert await store.list() == (PROBE,)


async def test_a_bucket_with_object_lock_works_and_keeps_one_version_of_one_probe(s3_endpoint: str) -> None:
    client = admin(s3_endpoint)
    client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    store = S3Store("locked", endpoint=s3_endpoint)
    found = {await probe(store) for _ in range(3)}
    assert found == {"what is deleted stays as an older version"}
    held = client.list_object_versions(Bucket="locked")
    assert [version["Key"] for version in held["Versions"]] == [PROBE]
    assert "DeleteMarkers" not in held


def admin(endpoint: str) -> S3Client:
    """Whoever sets buckets up, which Vigil never does."""
    config = Config(s3={"addressing_style": "path"})
    return boto3.session.Session().client("s3", endpoint_url=endpoint, region_name="us-east-1", config=config)


# Addresses.


@pytest.mark.parametrize(
    "url",
    [
        "",
        "objects",
        "file:objects",
        "file://host/objects",
        "file:///a?b=c",
        "s3://",
        "s3:///a",
        "http://a/b",
        "s3://a?b=c",
        "s3://a?b",
    ],
)
def test_a_url_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - urllib has words of its own for some
        open_store(url)


def test_a_url_names_a_folder_or_a_bucket(tmp_path: Path) -> None:
    assert isinstance(open_store((tmp_path / "with space").as_uri()), FolderStore)
    assert isinstance(open_store("s3://bucket"), S3Store)
    assert isinstance(open_store("s3://bucket/some/prefix?endpoint=https://s3.example.org&region=eu"), S3Store)
