"""The object store in an S3 bucket, through boto3 in threads. The bucket's own policy keeps it private."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from commands.objects.contract import ObjectExists, ObjectMissing, ObjectStoreAway, check_key, check_prefix, check_range

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

P = ParamSpec("P")
R = TypeVar("R")

_MISSING = {"NoSuchKey", "404", "NotFound"}
_TAKEN = {"PreconditionFailed", "412"}
_RACING = {"ConditionalRequestConflict", "409"}  # two puts of one key at once: S3 asks for another try
_BEYOND = {"InvalidRange", "416"}
_TRIES = 5
_AT_ONCE = 32


class S3Store:
    """Keeps objects in `bucket`, below `prefix`. With an `endpoint`, addresses are of the path style.

    The threads are its own: a server that does not answer holds calls for a minute and a half, and what else the
    process does in threads must not wait for that.
    """

    def __init__(
        self, bucket: str, prefix: str = "", *, endpoint: str | None = None, region: str | None = None
    ) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._endpoint = endpoint
        self._region = region
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
                config = Config(
                    connect_timeout=5,
                    read_timeout=30,
                    max_pool_connections=_AT_ONCE,
                    retries={"mode": "standard", "max_attempts": 3},
                    s3={"addressing_style": "path" if self._endpoint else "auto"},
                )
                self._made = boto3.session.Session().client(
                    "s3", endpoint_url=self._endpoint, region_name=self._region, config=config
                )
            return self._made

    def _name(self, key: str) -> str:
        return self._prefix + check_key(key)

    def _put_new(self, name: str, data: bytes) -> None:
        for tries_left in reversed(range(_TRIES)):
            try:
                self._client.put_object(Bucket=self._bucket, Key=name, Body=data, IfNoneMatch="*")
            except ClientError as error:
                if _code(error) in _TAKEN:
                    raise ObjectExists(name) from error
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

    def _list(self, prefix: str) -> tuple[str, ...]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        names = (entry["Key"] for page in pages for entry in page.get("Contents", ()))
        return tuple(sorted(name.removeprefix(self._prefix) for name in names))


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
