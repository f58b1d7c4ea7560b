"""What is special to a bucket: credentials, prefixes, what its owner forbids, and Object Lock. S3 is a real server."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.error
import urllib.request

import pytest

from commands.objects import ObjectStoreAway, probe
from commands.objects.probe import PROBE
from commands.objects.s3 import S3Store
from tests.seaweed import BUCKET, Seaweed, free_ports


async def test_nobody_reads_the_bucket_without_the_key(s3: Seaweed, monkeypatch: pytest.MonkeyPatch) -> None:
    store = S3Store(BUCKET, "private", endpoint=s3.endpoint)
    await store.put_new("a", b"secret")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(f"{s3.endpoint}/{BUCKET}/private/a", timeout=5)
    assert refusal.value.code == 403
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(ObjectStoreAway, match="SignatureDoesNotMatch"):
        await S3Store(BUCKET, "private", endpoint=s3.endpoint).get("a")


async def test_a_prefix_is_a_world_of_its_own(s3: Seaweed) -> None:
    one, two = (S3Store(BUCKET, f"world/{n}", endpoint=s3.endpoint) for n in (1, 2))
    await one.put_new("a", b"1")
    await two.put_new("a", b"2")
    assert (await one.get("a"), await one.list()) == (b"1", ("a",))


async def test_a_bucket_that_is_not_there_is_away(s3: Seaweed) -> None:
    with pytest.raises(ObjectStoreAway, match="NoSuchBucket"):
        await S3Store("nowhere", endpoint=s3.endpoint).put_new("a", b"")


async def test_a_server_that_does_not_answer_is_away(s3: Seaweed) -> None:
    (port,) = free_ports(1)
    with pytest.raises(ObjectStoreAway, match="EndpointConnectionError"):
        await S3Store(BUCKET, endpoint=f"http://127.0.0.1:{port}").get("a")


async def test_a_bucket_in_which_nothing_may_be_deleted_works_and_keeps_one_probe(s3: Seaweed) -> None:
    client = s3.admin
    client.create_bucket(Bucket="kept")
    refused = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::kept/*"}
    client.put_bucket_policy(Bucket="kept", Policy=json.dumps({"Version": "2012-10-17", "Statement": [refused]}))
    store = S3Store("kept", endpoint=s3.endpoint)
    found = {await probe(store) for _ in range(3)}
    assert found == {"nothing can be deleted: the bucket of objects answers AccessDenied"}
    assert await store.list() == (PROBE,)


async def test_a_bucket_with_object_lock_works_and_keeps_one_version_of_one_probe(s3: Seaweed) -> None:
    client = s3.admin
    client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    store = S3Store("locked", endpoint=s3.endpoint)
    found = {await probe(store) for _ in range(3)}
    assert found == {"what is deleted stays as an older version"}
    held = client.list_object_versions(Bucket="locked")
    assert [version["Key"] for version in held["Versions"]] == [PROBE]
    assert "DeleteMarkers" not in held


@pytest.mark.usefixtures("s3")  # for the credentials
async def test_a_server_that_takes_calls_and_never_answers_holds_up_nothing_else() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        store = S3Store(BUCKET, endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}")
        asking = [asyncio.create_task(store.get("a")) for _ in range(40)]
        await asyncio.sleep(0.3)
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "done"), 2) == "done"
        assert not any(one.done() for one in asking)
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(answer) for answer in answers} == {ObjectStoreAway}
