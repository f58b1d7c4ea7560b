"""One suite for every object store, a folder and a bucket of a real S3 server, and the URLs that name them."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from commands.objects import (
    FolderStore,
    Guards,
    ObjectExists,
    ObjectMissing,
    ObjectStore,
    ObjectStoreAway,
    Surveyed,
    open_store,
    probe,
    survey,
)
from commands.objects.probe import PROBE, WORD
from commands.objects.s3 import S3Store
from tests.seaweed import Seaweed, seaweed

numbers = itertools.count()


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return open_store((tmp_path / "objects").as_uri())
    s3: Seaweed = request.getfixturevalue("s3")
    return open_store(s3.url(f"test{next(numbers)}"))


@dataclass
class Breakable:
    """A store of its own that goes away and comes back."""

    url: str
    away: Callable[[], object]
    back: Callable[[], object]


@pytest.fixture(params=["folder", "s3"])
def breakable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Breakable]:
    with ExitStack() as stack:
        if request.param == "folder":
            folder, elsewhere = tmp_path / "objects", tmp_path / "elsewhere"
            yield Breakable(folder.as_uri(), partial(folder.rename, elsewhere), partial(elsewhere.rename, folder))
        else:
            server = stack.enter_context(seaweed(tmp_path))
            yield Breakable(server.url("test"), server.kill, server.start)


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


async def test_nothing_is_left_below_a_prefix_of_what_was_deleted(store: ObjectStore) -> None:
    await store.put_new("a/b.1/c", b"")
    await store.put_new("a/b.10/c", b"")
    assert (await store.keeps_below("a/b.1/"), await store.keeps_below("a/b.2")) == (True, False)
    await store.delete("a/b.1/c")
    assert (await store.keeps_below("a/b.1/"), await store.keeps_below("a/b.1")) == (False, True)


async def test_a_store_is_private_overwrites_nothing_and_shows_both(store: ObjectStore) -> None:
    for _ in range(2):
        assert await survey(store) == Surveyed(stays="", overwrites=False, guards=Guards(private=True))
    assert await store.list() == ()
    with pytest.raises(ObjectMissing):
        await store.guards("a/b")
    found = await asyncio.gather(*(survey(store) for _ in range(3)))
    assert {one.overwrites for one in found} == {False}
    assert await store.list() == ()


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
    with pytest.raises(ValueError, match="no key"):
        await store.guards(key)


@pytest.mark.parametrize("prefix", ["..", "../", "/", "a/../b", ".incoming"])
async def test_a_prefix_does_not_lead_outside(store: ObjectStore, prefix: str) -> None:
    with pytest.raises(ValueError, match="no key"):
        await store.list(prefix)
    with pytest.raises(ValueError, match="no key"):
        await store.keeps_below(prefix)


T = TypeVar("T")


async def back(call: Callable[[], Awaitable[T]]) -> T:
    """The answer of a store that is coming back, some parts of it before others."""
    until = time.monotonic() + 20
    while True:
        try:
            return await call()
        except ObjectStoreAway:
            assert time.monotonic() < until
            await asyncio.sleep(0.1)


async def test_a_store_that_goes_away_says_so_at_each_call_and_is_as_it_was_when_it_is_back(
    breakable: Breakable,
) -> None:
    store = open_store(breakable.url)
    kept = {f"a/{number}": os.urandom(50_000) for number in range(10)}
    for key, data in kept.items():
        await store.put_new(key, data)
    breakable.away()
    for call in (
        store.put_new("b", b""), store.get("a/1"), store.get_range("a/1", 0, 5), store.exists("a/1"), store.list(),
        store.delete("a/1"), store.keeps_versions("a/1"), store.keeps_below("a"),
        store.guards("a/1"), probe(store),
    ):  # fmt: skip
        with pytest.raises(ObjectStoreAway):
            await call
    breakable.back()
    assert {key: await back(partial(store.get, key)) for key in await back(store.list)} == kept
    with pytest.raises(ObjectExists):
        await store.put_new("a/9", b"another")
    await store.put_new("b", b"")
    assert await probe(store) == ""


async def test_what_was_being_put_when_the_store_died_is_there_whole_or_not_at_all(breakable: Breakable) -> None:
    store = open_store(breakable.url)
    tries = {f"a/{number:03}": os.urandom(200_000) for number in range(60)}
    putting = [asyncio.ensure_future(store.put_new(key, data)) for key, data in tries.items()]
    await asyncio.wait(putting, return_when=asyncio.FIRST_COMPLETED)
    breakable.away()
    answers = dict(zip(tries, await asyncio.gather(*putting, return_exceptions=True), strict=True))
    assert {type(answer) for answer in answers.values()} <= {type(None), ObjectStoreAway}
    breakable.back()
    for key, data in tries.items():
        try:
            await back(partial(store.put_new, key, data))
        except ObjectExists:
            assert await back(partial(store.get, key)) == data
        else:
            assert answers[key] is not None, "it was acknowledged, and is lost"
    assert await store.list() == tuple(tries)


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
        "s3://a?endpoint=b&endpoint=c",
        "s3://a?lock=governance",
        "s3://a?days=1",
        "s3://a?lock=legal&days=1",
        "s3://a?lock=governance&days=0",
        "s3://a?lock=governance&days=-1",
        "s3://a?lock=governance&days=1e1",
        "s3://a?lock=compliance&days=36501",
        "s3://a?lock=compliance&days=10000000001",
    ],
)
def test_a_url_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - urllib has words of its own for some
        open_store(url)


def test_a_url_names_a_folder_or_a_bucket(tmp_path: Path) -> None:
    assert isinstance(open_store((tmp_path / "with space").as_uri()), FolderStore)
    assert isinstance(open_store("s3://bucket"), S3Store)
    assert isinstance(open_store("s3://bucket/some/prefix?endpoint=https://s3.example.org&region=eu"), S3Store)
