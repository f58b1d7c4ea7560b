"""What is special to a bucket: credentials, prefixes, what its owner forbids, and Object Lock. S3 is a real server."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from botocore.exceptions import ClientError

from commands.objects import ObjectExists, ObjectStoreAway, open_store, probe, survey
from commands.objects.address import Bucket
from commands.objects.contract import Guards
from commands.objects.probe import PROBE
from commands.objects.s3 import S3Store
from tests.seaweed import BUCKET, Seaweed, free_ports

numbers = count(1)


async def test_nobody_reads_the_bucket_without_the_key(s3: Seaweed, monkeypatch: pytest.MonkeyPatch) -> None:
    store = S3Store(Bucket(BUCKET, "private", endpoint=s3.endpoint))
    await store.put_new("a", b"secret")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(f"{s3.endpoint}/{BUCKET}/private/a", timeout=5)
    assert refusal.value.code == 403
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(ObjectStoreAway, match="SignatureDoesNotMatch"):
        await S3Store(Bucket(BUCKET, "private", endpoint=s3.endpoint)).get("a")


async def test_a_prefix_is_a_world_of_its_own(s3: Seaweed) -> None:
    one, two = (S3Store(Bucket(BUCKET, f"world/{n}", endpoint=s3.endpoint)) for n in (1, 2))
    await one.put_new("a", b"1")
    await two.put_new("a", b"2")
    assert (await one.get("a"), await one.list()) == (b"1", ("a",))


async def test_a_bucket_that_is_not_there_is_away(s3: Seaweed) -> None:
    with pytest.raises(ObjectStoreAway, match="NoSuchBucket"):
        await S3Store(Bucket("nowhere", endpoint=s3.endpoint)).put_new("a", b"")


async def test_a_server_that_does_not_answer_is_away(s3: Seaweed) -> None:
    (port,) = free_ports(1)
    with pytest.raises(ObjectStoreAway, match="EndpointConnectionError"):
        await S3Store(Bucket(BUCKET, endpoint=f"http://127.0.0.1:{port}")).get("a")


async def test_a_bucket_in_which_nothing_may_be_deleted_works_and_keeps_one_probe(s3: Seaweed) -> None:
    client = s3.admin
    client.create_bucket(Bucket="kept")
    refused = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::kept/*"}
    client.put_bucket_policy(Bucket="kept", Policy=json.dumps({"Version": "2012-10-17", "Statement": [refused]}))
    store = S3Store(Bucket("kept", endpoint=s3.endpoint))
    found = {await probe(store) for _ in range(3)}
    assert found == {"nothing can be deleted: the bucket of objects answers AccessDenied"}
    assert await store.list() == (PROBE,)


async def test_a_bucket_with_object_lock_works_and_keeps_one_version_of_one_probe(s3: Seaweed) -> None:
    client = s3.admin
    client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    store = S3Store(Bucket("locked", endpoint=s3.endpoint))
    found = {await probe(store) for _ in range(3)}
    assert found == {"what is deleted stays as an older version"}
    held = client.list_object_versions(Bucket="locked")
    assert [version["Key"] for version in held["Versions"]] == [PROBE]
    assert "DeleteMarkers" not in held


async def test_what_was_deleted_of_a_bucket_that_keeps_versions_is_seen_and_who_may_not_see_it_is_told_nothing(
    s3: Seaweed,
) -> None:
    client = s3.admin
    client.create_bucket(Bucket="versioned", ObjectLockEnabledForBucket=True)
    store = S3Store(Bucket("versioned", "t", endpoint=s3.endpoint))
    await store.put_new("a/b", b"sealed")
    await store.delete("a/b")
    assert await store.list() == ()
    assert (await store.keeps_below("a/"), await store.keeps_below("b/")) == (True, False)
    refused = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:ListBucketVersions", "Resource": "arn:aws:s3:::versioned",
    }  # fmt: skip
    client.put_bucket_policy(Bucket="versioned", Policy=json.dumps({"Version": "2012-10-17", "Statement": [refused]}))
    assert await store.keeps_below("a/") is None


@pytest.fixture
def locked(s3: Seaweed) -> str:
    """A bucket with Object Lock."""
    name = f"locked-{next(numbers)}"
    s3.admin.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


@pytest.mark.parametrize("mode", ["governance", "compliance"])
async def test_what_is_put_under_a_lock_cannot_be_deleted_before_its_time(s3: Seaweed, locked: str, mode: str) -> None:
    store = open_store(s3.url("t", locked, lock=mode, days=30))
    before = datetime.now(UTC).replace(microsecond=0)
    await store.put_new("a", b"sealed")
    head = s3.admin.head_object(Bucket=locked, Key="t/a")
    assert head["ObjectLockMode"] == mode.upper()
    assert before <= head["ObjectLockRetainUntilDate"] - timedelta(days=30) <= datetime.now(UTC)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.admin.delete_object(Bucket=locked, Key="t/a", VersionId=head["VersionId"])
    with pytest.raises(ObjectExists):
        await store.put_new("a", b"another")
    await store.delete("a")
    assert not await store.exists("a")
    kept = s3.admin.get_object(Bucket=locked, Key="t/a", VersionId=head["VersionId"])
    assert kept["Body"].read() == b"sealed"


async def test_the_buckets_own_retention_holds_where_the_url_names_none(s3: Seaweed, locked: str) -> None:
    store = open_store(s3.url("t", locked))
    assert (await survey(store)).guards == Guards(private=True, lock="on", retention="")
    s3.admin.put_object_lock_configuration(
        Bucket=locked,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 2}},
        },
    )
    await store.put_new("a", b"sealed")
    head = s3.admin.head_object(Bucket=locked, Key="t/a")
    assert head["ObjectLockMode"] == "GOVERNANCE"
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.admin.delete_object(Bucket=locked, Key="t/a", VersionId=head["VersionId"])
    found = await survey(store)
    assert found.guards == Guards(private=True, lock="on", retention="governance, 2 days")
    assert found.stays == "what is deleted stays as an older version"
    assert not found.overwrites
    longer = open_store(s3.url("t", locked, lock="compliance", days=7))
    assert (await survey(longer)).guards.retention == "compliance, 7 days"


async def test_a_lock_that_the_bucket_does_not_have_is_told(s3: Seaweed) -> None:
    store = open_store(s3.url("lockless", lock="governance", days=1))
    with pytest.raises(ObjectStoreAway, match="no Object Lock"):
        await store.put_new("a", b"")
    assert not await store.exists("a")


@pytest.mark.parametrize(("action", "what"), [("s3:GetObject", "/*"), ("s3:ListBucket", "")])
async def test_a_bucket_that_strangers_can_read_or_list_is_not_private(s3: Seaweed, action: str, what: str) -> None:
    name = f"open-{next(numbers)}"
    s3.admin.create_bucket(Bucket=name)
    store = open_store(s3.url("t", name))
    assert (await survey(store)).guards == Guards(private=True)
    allowed = {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": f"arn:aws:s3:::{name}{what}"}
    s3.admin.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))
    assert not (await survey(store)).guards.private


async def test_a_server_that_does_not_know_conditional_puts_is_found_out(s3: Seaweed) -> None:
    def forget(params: dict[str, object], **_: object) -> None:
        params.pop("IfNoneMatch")

    store = S3Store(Bucket(BUCKET, "overwriting", endpoint=s3.endpoint))
    store._client.meta.events.register("provide-client-params.s3.PutObject", forget)
    found = await survey(store)
    assert found.overwrites
    assert await store.list() == ()


@pytest.mark.usefixtures("s3")  # for the credentials
async def test_a_server_that_takes_calls_and_never_answers_holds_up_nothing_else() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        store = S3Store(Bucket(BUCKET, endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}"))
        asking = [asyncio.create_task(store.get("a")) for _ in range(40)]
        await asyncio.sleep(0.3)
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "done"), 2) == "done"
        assert not any(one.done() for one in asking)
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(answer) for answer in answers} == {ObjectStoreAway}


@pytest.mark.usefixtures("s3")  # for the credentials
async def test_an_answer_that_breaks_off_is_no_object() -> None:
    async def half(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + bytes(50))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(half, "127.0.0.1", 0) as server:
        store = S3Store(Bucket(BUCKET, endpoint=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
        with pytest.raises(ObjectStoreAway):
            await store.get("a")
        with pytest.raises(ObjectStoreAway):
            await store.get_range("a", 0, 100)
