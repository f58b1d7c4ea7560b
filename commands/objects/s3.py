"""The object store in an S3 bucket, through boto3 in threads. The bucket's own policy keeps it private."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Literal, ParamSpec, TypedDict, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from commands.objects.address import Bucket, Retention
from commands.objects.contract import (
    Guards,
    ObjectExists,
    ObjectMissing,
    ObjectStoreAway,
    check_key,
    check_prefix,
    check_range,
)
from commands.objects.s3_guards import as_stranger, lock_of, private

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

P = ParamSpec("P")
R = TypeVar("R")

_MISSING = {"NoSuchKey", "404", "NotFound"}
_TAKEN = {"PreconditionFailed", "412"}
_RACING = {"ConditionalRequestConflict", "409"}  # two puts of one key at once: S3 asks for another try
_BEYOND = {"InvalidRange", "416"}
_UNTOLD = {"AccessDenied", "NotImplemented", "403"}
_TRIES = 5
_AT_ONCE = 32


class S3Store:
    """Keeps objects in a bucket, below its prefix. With an `endpoint`, addresses are of the path style.

    The threads are its own: a server that does not answer holds calls for a minute and a half, and what else the
    process does in threads must not wait for that.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket.name
        self._prefix = f"{bucket.prefix}/" if bucket.prefix else ""
        self._endpoint = bucket.endpoint
        self._region = bucket.region
        self._retention = bucket.retention
        self._threads = ThreadPoolExecutor(_AT_ONCE, "objects")
        self._making = Lock()
        self._made: S3Client | None = None

    async def put_new(self, key: str, data: bytes) -> None:
        await self._threaded(self._put_new, self._name(key), data)

    async def get(self, key: str) -> bytes:
        return await self._threaded(self._get, self._name(key))

    async def get_range(self, key: str, start: int, stop: int) -> bytes:
        check_range(start, stop)
        return await self._threaded(self._get_range, self._name(key), start, stop)

    async def exists(self, key: str) -> bool:
        return await self._threaded(self._exists, self._name(key))

    async def delete(self, key: str) -> None:
        await self._threaded(self._delete, self._name(key))

    async def keeps_versions(self, key: str) -> bool:
        return await self._threaded(self._keeps_versions, self._name(key))

    async def keeps_below(self, prefix: str) -> bool | None:
        return await self._threaded(self._keeps_below, check_prefix(prefix))

    async def guards(self, key: str) -> Guards:
        return await self._threaded(self._guards, self._name(key))

    async def list(self, prefix: str = "") -> tuple[str, ...]:
        return await self._threaded(self._list, check_prefix(prefix))

    async def _threaded(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        def run() -> R:
            with _refusals():
                return work(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)

    @property
    def _client(self) -> S3Client:
        """One for all threads, of a session of its own: boto3's shared one is not safe to make clients in threads."""
        with self._making:
            if self._made is None:
                self._made = self._new_client()
            return self._made

    def _new_client(self) -> S3Client:
        config = Config(
            connect_timeout=5,
            read_timeout=30,
            max_pool_connections=_AT_ONCE,
            retries={"mode": "standard", "max_attempts": 3},
            s3={"addressing_style": "path" if self._endpoint else "auto"},
        )
        return boto3.session.Session().client(
            "s3", endpoint_url=self._endpoint, region_name=self._region, config=config
        )

    def _name(self, key: str) -> str:
        return self._prefix + check_key(key)

    def _put_new(self, name: str, data: bytes) -> None:
        kept = _lock(self._retention)
        for tries_left in reversed(range(_TRIES)):
            try:
                self._client.put_object(Bucket=self._bucket, Key=name, Body=data, IfNoneMatch="*", **kept)
            except ClientError as error:
                if _code(error) in _TAKEN:
                    raise ObjectExists(name) from error
                if kept and _code(error) == "InvalidRequest":
                    raise ObjectStoreAway("the bucket has no Object Lock, which lock= in its URL asks for") from error
                if _code(error) not in _RACING or not tries_left:
                    raise
            else:
                return

    def _get(self, name: str) -> bytes:
        return self._client.get_object(Bucket=self._bucket, Key=name)["Body"].read()

    def _get_range(self, name: str, start: int, stop: int) -> bytes:
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=name, Range=f"bytes={start}-{stop - 1}")
        except ClientError as error:
            if _code(error) in _BEYOND:
                return b""
            raise
        return found["Body"].read()

    def _exists(self, name: str) -> bool:
        try:
            self._client.head_object(Bucket=self._bucket, Key=name)
        except ClientError as error:
            if _code(error) in _MISSING:
                return False
            raise
        return True

    def _delete(self, name: str) -> None:
        self._client.delete_object(Bucket=self._bucket, Key=name)

    def _keeps_versions(self, name: str) -> bool:
        """It has a version in a bucket that keeps them, as Object Lock does; `null` where the bucket no longer does."""
        return self._client.head_object(Bucket=self._bucket, Key=name).get("VersionId", "null") != "null"

    def _keeps_below(self, prefix: str) -> bool | None:
        """Older versions are listed with the newest; who may list objects need not be let see those."""
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        try:
            return any(page.get("Versions") for page in pages)
        except ClientError as error:
            if _code(error) in _UNTOLD:
                return None
            raise

    def _guards(self, name: str) -> Guards:
        self._client.head_object(Bucket=self._bucket, Key=name)
        stranger = as_stranger(self._new_client())
        try:
            unseen = private(stranger, self._bucket, name)
        finally:
            stranger.close()
        lock, retention = lock_of(self._client, self._bucket)
        own = self._retention
        return Guards(unseen, lock, f"{own.mode}, {own.days} days" if own else retention)

    def _list(self, prefix: str) -> tuple[str, ...]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        names = (entry["Key"] for page in pages for entry in page.get("Contents", ()))
        return tuple(sorted(name.removeprefix(self._prefix) for name in names))


class _Kept(TypedDict, total=False):
    ObjectLockMode: Literal["GOVERNANCE", "COMPLIANCE"]
    ObjectLockRetainUntilDate: datetime


def _lock(retention: Retention | None) -> _Kept:
    """What a put says so that nobody may delete its object before its time."""
    if retention is None:
        return {}
    mode: Literal["GOVERNANCE", "COMPLIANCE"] = "GOVERNANCE" if retention.mode == "governance" else "COMPLIANCE"
    until = datetime.now(UTC) + timedelta(days=retention.days)
    return {"ObjectLockMode": mode, "ObjectLockRetainUntilDate": until}


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if _code(error) in _MISSING:
            raise ObjectMissing(_code(error)) from error
        raise ObjectStoreAway(f"the bucket of objects answers {_code(error)}") from error
    except (BotoCoreError, OSError, ValueError) as error:  # ValueError: boto3's word for a malformed endpoint
        raise ObjectStoreAway(f"the bucket of objects: {type(error).__name__}") from error


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]
