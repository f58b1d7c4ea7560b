"""A worker over a real NATS server, with the real models: what it tells, and what cannot stop it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from typing import ClassVar

import cv2
import nats
import numpy as np
import pytest
from msgspec.structs import replace
from nats.aio.client import Client
from numpy.typing import NDArray

from detectors.changes import Closed, Opened
from detectors.faces import Face
from detectors.gate import KEEP_ALIVE
from detectors.load import WHY
from detectors.outbox import Outbox, Patience
from detectors.pipeline import Objects, Pipeline
from detectors.pose import LEAST
from detectors.report import RECOVERED
from detectors.sampler import Sampler
from detectors.seen import Box
from detectors.settings import Settings, StillOpen
from detectors.share import Share
from domain.messages import Picture
from domain.policy import DetectorSetting, Policy
from tests.detectors.conftest import jpeg
from tests.detectors.hall import START, TENANT, WATCHED, Wiring, hall, until

Image = NDArray[np.uint8]


@pytest.fixture
async def connection(nats_url: str) -> AsyncIterator[Client]:
    client = await nats.connect(nats_url)
    yield client
    await client.close()


@pytest.fixture(scope="session")
def one(photograph: Callable[[str], Image], to_jpeg: Callable[[Image], bytes]) -> bytes:
    return to_jpeg(photograph("astronaut"))


@pytest.fixture(scope="session")
def two(photograph: Callable[[str], Image], to_jpeg: Callable[[Image], bytes]) -> bytes:
    return to_jpeg(photograph("zidane"))


@pytest.fixture(scope="session")
def nobody(photograph: Callable[[str], Image], to_jpeg: Callable[[Image], bytes]) -> bytes:
    return to_jpeg(cv2.resize(photograph("coffee"), (640, 480)).astype(np.uint8))


@pytest.fixture(scope="session")
def dark(to_jpeg: Callable[[Image], bytes]) -> bytes:
    return to_jpeg(np.zeros((480, 640, 3), np.uint8))


async def test_an_incident_is_told_with_its_picture_and_provenance_and_then_its_end(
    connection: Client, pipeline: Pipeline, one: bytes, two: bytes
) -> None:
    async with hall(connection, pipeline) as room:
        await room.send("anna", one, one, two, two, one, one, one, one)
        await until(lambda: len(room.wiring.changes) == 2)
    (session, opened, evidence, provenance), (_, closed, nothing, _) = room.wiring.changes
    assert session == "anna"
    assert isinstance(opened, Opened)
    assert isinstance(closed, Closed)
    assert (opened.kind, opened.started_at) == ("several_people", START + timedelta(seconds=4))
    assert evidence == two
    assert set(provenance.weights) == {"centernet", "blazeface"}
    assert (closed.incident, closed.why, nothing) == (opened.incident, "clear", None)
    assert room.counts("anna") == {"due": 8, "taken": 8, "cannot_tell": 0, "overloaded": 0, "muted": 0}


async def test_the_first_and_the_last_picture_that_show_an_incident_are_kept_of_it(
    connection: Client, pipeline: Pipeline, one: bytes, two: bytes
) -> None:
    several = [two + bytes([n]) for n in range(4)]  # what follows the end of a JPEG is not looked at
    async with hall(connection, pipeline) as room:
        await room.send("anna", one, one, *several, one, one, one, one)
        await until(lambda: len(room.wiring.changes) >= 2 and len(room.wiring.kept) == 2)
    opened, closed = room.wiring.changes[0], room.wiring.changes[-1]
    assert isinstance(opened[1], Opened)
    assert isinstance(closed[1], Closed)
    first, last = (kept for _, kept in room.wiring.kept)
    assert {first.incident, last.incident} == {opened[1].incident}
    assert (first.role, first.at, first.jpeg) == ("first", opened[1].started_at, several[0])
    assert opened[2] == several[1], "the one that settled it"
    assert (last.role, last.at, last.jpeg) == ("last", closed[1].ended_at, several[3])
    assert [(one.at, one.positive) for one in opened[1].samples] == [
        (START + timedelta(seconds=2 * n), n >= 2) for n in range(4)
    ]
    assert (opened[1].samples[2].raw_score, opened[1].samples[3].raw_score) == (first.raw_score, opened[1].raw_score)


async def test_a_session_that_is_not_under_observation_is_not_looked_at(
    connection: Client, pipeline: Pipeline, two: bytes
) -> None:
    wiring = Wiring(answers={"anna": None})
    async with hall(connection, pipeline, wiring) as room:
        await room.send("anna", two, two, two, wait=False)
        await until(lambda: wiring.asked > 0)
        await room.send("ben", two)
        assert room.worker.coverage(TENANT, "anna") == {}


async def test_what_was_taken_before_the_session_began_is_not_looked_at(
    connection: Client, pipeline: Pipeline, two: bytes
) -> None:
    begins = START + timedelta(seconds=3)
    wiring = Wiring(answers={"anna": replace(WATCHED, since=begins)})
    async with hall(connection, pipeline, wiring) as room:
        await room.send("anna", two, two, wait=False)
        await room.send("anna", two, two)
        await until(lambda: bool(wiring.changes))
        assert room.counts("anna")["due"] == 2
    opened = wiring.changes[0][1]
    assert isinstance(opened, Opened)
    assert opened.started_at >= begins


async def test_seconds_are_seen_between_samples_that_can_be_judged_together(
    connection: Client, pipeline: Pipeline, one: bytes
) -> None:
    async with hall(connection, pipeline) as room:
        await room.send("anna", one, one, b"not a jpeg", one)  # at 0, 2, 4 and 6
        room.second["anna"] = 30.0
        await room.send("anna", one, one, b"not a jpeg", b"not a jpeg")
        counted = room.worker.coverage(TENANT, "anna")["out_of_view"]
        assert (counted.seen_s, counted.followed_s) == (6 + 2, 6 + 6)
        assert (counted.due, counted.taken, counted.cannot_tell) == (8, 4, 4), "one came too late to be judged"
        assert counted.reasons == {"unreadable": 3, "late": 1}


async def test_a_break_is_no_time_that_was_not_seen(connection: Client, pipeline: Pipeline, one: bytes) -> None:
    wiring = Wiring()
    async with hall(connection, pipeline, wiring) as room:
        await room.send("anna", one, one)
        wiring.answers["anna"] = None
        await asyncio.sleep(1.1)
        await room.send("anna", one, wait=False)
        asked = wiring.asked
        await until(lambda: wiring.asked > asked)
        wiring.answers["anna"] = WATCHED
        await asyncio.sleep(1.1)
        room.second["anna"] = 600.0
        await room.send("anna", one, one)
        counted = room.worker.coverage(TENANT, "anna")["out_of_view"]
    assert (counted.taken, counted.cannot_tell, counted.seen_s) == (4, 0, 4.0)


async def test_who_sits_as_before_after_a_break_has_their_baseline_back_after_a_few_samples(
    connection: Client, pipeline: Pipeline, one: bytes
) -> None:
    looking = Settings(detectors=(DetectorSetting(kind="looking_away"),))
    wiring = Wiring(answers={"anna": looking})
    async with hall(connection, pipeline, wiring) as room:

        async def unknown(samples: int) -> int:
            counted = room.worker.coverage(TENANT, "anna").get("looking_away")
            before = counted.reasons.get("no_baseline", 0) if counted else 0
            await room.send("anna", *[one] * samples)
            return room.worker.coverage(TENANT, "anna")["looking_away"].reasons.get("no_baseline", 0) - before

        assert await unknown(40) == 31, "the first minute"
        wiring.answers["anna"] = None
        await asyncio.sleep(1.1)
        await room.send("anna", one, wait=False)
        await until(lambda: room.worker.load().waiting == 0)
        await asyncio.sleep(0.2)
        wiring.answers["anna"] = looking
        await asyncio.sleep(1.1)
        room.second["anna"] += 600.0
        assert await unknown(20) == LEAST
        wiring.answers["anna"] = replace(looking, muted=frozenset({"looking_away"}))  # as one who withdraws consent
        await asyncio.sleep(1.1)
        await room.send("anna", one, wait=False)
        await asyncio.sleep(0.2)
        wiring.answers["anna"] = looking
        await asyncio.sleep(1.1)
        assert await unknown(20) == 20, "nothing of a face is kept that may not be measured"


async def test_a_break_closes_what_is_open_and_settings_are_asked_at_most_each_second(
    connection: Client, pipeline: Pipeline, two: bytes
) -> None:
    wiring = Wiring()
    async with hall(connection, pipeline, wiring) as room:
        began = asyncio.get_running_loop().time()
        await room.send("anna", two, two, two)
        assert wiring.asked <= 1 + (asyncio.get_running_loop().time() - began)
        wiring.answers["anna"] = None
        await asyncio.sleep(1.1)
        await room.send("anna", two, wait=False)
        await until(lambda: len(wiring.changes) == 2)
    closed = wiring.changes[1][1]
    assert isinstance(closed, Closed)
    assert (closed.why, closed.ended_at) == ("not_observed", START + timedelta(seconds=4))


async def test_of_a_session_that_is_over_what_is_open_is_told_to_be_over_with_its_last_picture(
    connection: Client, pipeline: Pipeline, two: bytes
) -> None:
    wiring = Wiring()
    async with hall(connection, pipeline, wiring) as room:
        await room.send("anna", two, two, two + b"last")
        await room.worker.leave(TENANT, "anna")
        assert [type(change) for _, change, _, _ in wiring.changes] == [Opened, Closed]
        assert [(kept.role, kept.jpeg) for _, kept in wiring.kept] == [("first", two), ("last", two + b"last")]


async def test_a_session_whose_pictures_stop_is_asked_after(connection: Client, pipeline: Pipeline, two: bytes) -> None:
    wiring = Wiring()
    async with hall(connection, pipeline, wiring) as room:
        await room.send("anna", two, two)
        wiring.answers["anna"] = None  # submitted: no further picture comes
        await until(lambda: len(wiring.changes) == 2)
    assert isinstance(wiring.changes[1][1], Closed)


async def test_a_database_that_is_away_delays_what_is_told_but_not_the_sampling(
    connection: Client, pipeline: Pipeline, one: bytes, two: bytes, nobody: bytes
) -> None:
    wiring = Wiring()
    async with hall(connection, pipeline, wiring) as room:
        await room.send("anna", one)
        wiring.away = True
        await room.send("anna", two, two, one, one, one, one, nobody, nobody, nobody)
        assert room.counts("anna")["taken"] == 10
        assert wiring.changes == []
        wiring.away = False
        await until(lambda: len(wiring.changes) == 3)
    kinds = [(type(change), change.kind) for _, change, _, _ in wiring.changes]
    assert kinds == [(Opened, "several_people"), (Closed, "several_people"), (Opened, "out_of_view")]


async def test_what_nobody_takes_is_given_up_after_a_bound(connection: Client, pipeline: Pipeline, two: bytes) -> None:
    outbox = Outbox(Patience(first_wait_s=0.02, longest_wait_s=0.05, give_up_s=0.3))
    wiring = Wiring()
    async with hall(connection, pipeline, wiring, outbox=outbox) as room:
        await room.send("anna", two)
        wiring.away = True
        await room.send("anna", two)
        await until(lambda: outbox.lost == 2)  # the incident, and the first picture of it
        assert outbox.waiting == 0


async def test_a_failing_detector_is_one_fault_and_the_exam_goes_on(
    connection: Client, pipeline: Pipeline, one: bytes
) -> None:
    class Broken:
        weights = pipeline.faces.weights
        broken = True

        def find(self, picture: Image, *, measure: bool = False) -> tuple[Face, ...]:
            if self.broken:
                raise MemoryError("no room")
            return pipeline.faces.find(picture, measure=measure)

    faces = Broken()
    async with hall(connection, Pipeline(faces, pipeline.objects)) as room:
        await room.send("anna", one, one, one)
        faces.broken = False
        await room.send("anna", one, one)
        await until(lambda: bool(room.wiring.faults))
    assert room.wiring.faults == [("anna", "faces", "MemoryError: no room")]
    assert room.wiring.changes == []
    assert room.counts("anna") == {"due": 5, "taken": 2, "cannot_tell": 3, "overloaded": 0, "muted": 0}


async def test_a_telephone_in_the_hand_is_told_with_the_weights_that_found_it(
    connection: Client, pipeline: Pipeline, one: bytes
) -> None:
    class WithTelephone:
        """The real finds, and a telephone in front of the first of them."""

        weights, at_once = pipeline.objects.weights, 1

        def find_many(self, pictures: Sequence[Image]) -> list[Objects]:
            telephone = {"handheld_device": (Box(0.4, 0.6, 0.5, 0.8, 0.6),)}
            return [found | telephone for found in pipeline.objects.find_many(pictures)]

    policy = Policy(detectors=(DetectorSetting(kind="handheld_device"), DetectorSetting(kind="book")))
    muted = frozenset({"handheld_device"})
    answers: dict[str, Settings | None] = {
        "anna": Settings(detectors=policy.detectors), "ben": Settings(detectors=policy.detectors, muted=muted),
    }  # fmt: skip
    async with hall(connection, Pipeline(pipeline.faces, WithTelephone()), Wiring(answers=answers)) as room:
        await room.send("ben", one, one, one)
        await room.send("anna", one, one, one)
        await until(lambda: bool(room.wiring.changes))
        coverage = {name: room.worker.coverage(TENANT, name) for name in ("anna", "ben")}
    ((session, opened, evidence, provenance),) = room.wiring.changes
    assert (session, opened.kind, evidence) == ("anna", "handheld_device", one)
    assert (provenance.detector, set(provenance.weights)) == ("objects", {"centernet"})
    assert (coverage["anna"]["handheld_device"].taken, coverage["ben"]["handheld_device"].muted) == (3, 3)
    assert coverage["ben"]["book"].taken == 3


async def test_a_detector_that_works_again_says_so_and_a_second_failure_is_a_fault_of_its_own(
    connection: Client, pipeline: Pipeline, one: bytes
) -> None:
    class Moody:
        weights, at_once = pipeline.objects.weights, 1
        broken = True

        def find_many(self, pictures: Sequence[Image]) -> list[Objects]:
            if self.broken:
                raise MemoryError("no room")
            return pipeline.objects.find_many(pictures)

    persons = Moody()
    async with hall(connection, Pipeline(pipeline.faces, persons)) as room:
        for said in (1, 3):
            persons.broken = True
            await room.send("anna", *[one] * KEEP_ALIVE)
            await until(lambda said=said: len(room.wiring.faults) == said)
            persons.broken = False
            await room.send("anna", *[one] * (RECOVERED - 1))
            assert len(room.wiring.faults) == said, "it has to be good for a while"
            await room.send("anna", *[one] * KEEP_ALIVE * RECOVERED)
            await until(lambda said=said: len(room.wiring.faults) == said + 1)
    failed, again = ("anna", "persons", "MemoryError: no room"), ("anna", "persons", None)
    assert room.wiring.faults == [failed, again, failed, again]


async def test_a_fault_that_an_earlier_worker_told_is_over_once_this_one_can_look(
    connection: Client, pipeline: Pipeline, one: bytes
) -> None:
    wiring = Wiring(answers={"anna": replace(WATCHED, failing=frozenset({"faces"}))})
    async with hall(connection, pipeline, wiring) as room:
        await room.send("anna", *[b"not a jpeg"] * RECOVERED)
        assert wiring.faults == []
        await room.send("anna", *[one] * RECOVERED)
        await until(lambda: bool(wiring.faults))
    assert wiring.faults == [("anna", "faces", None)]


async def test_a_room_that_stays_dark_is_told_once_and_so_is_the_light(
    connection: Client, pipeline: Pipeline, one: bytes, dark: bytes
) -> None:
    async with hall(connection, pipeline) as room:
        await room.send("anna", one, *[dark] * 9, one, one)
        assert room.wiring.faults == [], "it was dark for a moment"
        await room.send("anna", *[dark] * 14)
        await until(lambda: bool(room.wiring.faults))
        await room.send("anna", *[one] * 4)
        await until(lambda: len(room.wiring.faults) == 2)
    assert room.wiring.faults == [("anna", "sight", "too_dark"), ("anna", "sight", None)]
    assert room.wiring.changes == []
    reasons = room.worker.coverage(TENANT, "anna")["several_people"].reasons
    assert reasons == {"too_dark": 9 + 14, "late": 2}, "the first in the light came too late to be judged with one"


async def test_a_break_ends_what_was_told_of_the_dark(
    connection: Client, pipeline: Pipeline, one: bytes, dark: bytes
) -> None:
    wiring = Wiring(answers={"anna": replace(WATCHED, failing=frozenset({"sight"}))})  # by an earlier worker
    async with hall(connection, pipeline, wiring) as room:
        await room.send("anna", dark)
        wiring.answers["anna"] = None
        await until(lambda: bool(room.wiring.faults))
    assert room.wiring.faults == [("anna", "sight", None)]


async def test_what_an_accommodation_mutes_is_counted_and_not_looked_at(
    connection: Client, pipeline: Pipeline, two: bytes
) -> None:
    some = Settings(detectors=Policy().detectors, muted=frozenset({"several_people"}))
    every = Settings(detectors=Policy().detectors, muted=frozenset({"several_people", "out_of_view"}))

    class Unwanted:
        weights = pipeline.faces.weights

        def find(self, picture: Image, *, measure: bool = False) -> tuple[Face, ...]:  # noqa: ARG002
            raise AssertionError(f"looked at {picture.shape}")

    async with hall(connection, pipeline, Wiring(answers={"anna": some})) as room:
        await room.send("anna", two, two, two)
        assert room.wiring.changes == []
        assert room.counts("anna")["muted"] == 3
        assert room.worker.coverage(TENANT, "anna")["out_of_view"].taken == 3
    async with hall(connection, Pipeline(Unwanted(), pipeline.objects), Wiring(answers={"ben": every})) as room:
        await room.send("ben", two, two)
        assert room.counts("ben")["muted"] == 2
        assert room.wiring.faults == []


async def test_without_a_kind_that_pictures_can_show_nobody_is_looked_at(
    connection: Client, pipeline: Pipeline, two: bytes
) -> None:
    wiring = Wiring(answers={"anna": Settings(detectors=())})
    async with hall(connection, pipeline, wiring) as room:
        await room.send("anna", two, two, two, wait=False)
        await room.send("ben", two)
        assert room.worker.coverage(TENANT, "anna") == {}


async def test_under_overload_the_newest_picture_wins_and_all_sessions_have_their_turn(
    connection: Client, pipeline: Pipeline, one: bytes
) -> None:
    names = [f"candidate-{number}" for number in range(8)]
    async with hall(connection, pipeline) as room:
        for name in names:
            await room.send(name, one)
        for _ in range(25):
            for name in names:
                await room.send(name, one, wait=False)
        await connection.flush()
        await room.send("last", one)
        counts = [room.counts(name) for name in names]
    looks = [one["taken"] + one["cannot_tell"] for one in counts]  # what comes too seldom cannot tell
    assert all(one["due"] == 26 == look + one["overloaded"] for one, look in zip(counts, looks, strict=True))
    assert sum(one["overloaded"] for one in counts) > 50
    assert max(looks) - min(looks) <= 2


async def test_a_session_of_which_most_samples_are_lost_is_told_once_and_so_is_the_end(
    connection: Client, pipeline: Pipeline, one: bytes
) -> None:
    class Slow:
        weights = pipeline.faces.weights
        takes_s = 0.25

        def find(self, picture: Image, *, measure: bool = False) -> tuple[Face, ...]:
            time.sleep(self.takes_s)
            return pipeline.faces.find(picture, measure=measure)

    faces, names = Slow(), ("anna", "ben")
    async with hall(connection, Pipeline(faces, pipeline.objects)) as room:
        for name in names:
            await room.send(name, one)
        for _ in range(20):
            for name in names:
                await room.send(name, one, one, one, wait=False)
            await asyncio.sleep(0.1)
        await until(lambda: len(room.wiring.faults) == 2)
        faces.takes_s = 0.0
        await until(lambda: room.worker.load().waiting == 0)
        load = room.worker.load()
        assert load.overloaded > load.judged > 0
        for name in names:
            await room.send(name, *[one] * 12)
        await until(lambda: len(room.wiring.faults) == 4)
    assert sorted(room.wiring.faults[:2]) == [(name, "overloaded", WHY) for name in names]
    assert sorted(room.wiring.faults[2:]) == [(name, "overloaded", None) for name in names]
    assert room.wiring.changes == [], "a machine that is too slow is never an incident"


async def test_an_overload_that_was_told_is_over_when_the_session_is(
    connection: Client, pipeline: Pipeline, one: bytes
) -> None:
    wiring = Wiring(answers={"anna": replace(WATCHED, failing=frozenset({"overloaded"}))})  # by an earlier worker
    async with hall(connection, pipeline, wiring) as room:
        await room.send("anna", one, one)
        wiring.answers["anna"] = None
        await until(lambda: bool(wiring.faults))
    assert wiring.faults == [("anna", "overloaded", None)]


async def test_those_who_wait_are_handed_out_together_the_longest_waiting_first() -> None:
    def of(session: str, second: int = 0) -> Picture:
        at = START + timedelta(seconds=second)
        return Picture(
            tenant=TENANT, session=session, track="camera", at=at, width=1, height=1, jpeg=b"", thumbnail=b""
        )

    sampler = Sampler[Picture]()
    for session in "abc":
        sampler.offer(of(session))
    newer = of("a", second=2)
    assert sampler.offer(newer) == of("a")
    assert await sampler.take_many(2) == [newer, of("b")]
    sampler.offer(newer)
    assert await sampler.take_many(16) == [of("c"), newer], "nobody waits until there are sixteen"


async def test_sessions_looked_at_together_are_told_of_each_by_itself(
    connection: Client, pipeline: Pipeline, one: bytes, two: bytes
) -> None:
    """As on a GPU, and with a model that fails on one of them."""

    class Together:
        weights, at_once = pipeline.objects.weights, 4
        many: ClassVar[list[int]] = []

        def find_many(self, pictures: Sequence[Image]) -> list[Objects]:
            self.many.append(len(pictures))
            if any(picture.shape == (480, 640, 3) for picture in pictures):
                raise MemoryError("no room")
            return pipeline.objects.find_many(pictures)

    small = cv2.resize(cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_COLOR), (640, 480)).astype(np.uint8)
    shown = {"anna": one, "ben": two, "carla": jpeg(small), "dan": two, "eva": one}
    async with hall(connection, Pipeline(pipeline.faces, Together())) as room:
        for _ in range(4):
            before = {name: room.due(name) for name in shown}
            for name, picture in shown.items():
                await room.send(name, picture, wait=False)
            await until(lambda before=before: all(room.due(name) > before[name] for name in shown))
        await until(lambda: len(room.wiring.changes) == 2)
        counts = {name: room.counts(name) for name in shown}
    assert max(Together.many) > 1
    assert {(session, change.kind) for session, change, _, _ in room.wiring.changes} == {
        ("ben", "several_people"), ("dan", "several_people"),
    }  # fmt: skip
    assert room.wiring.faults == [("carla", "persons", "MemoryError: no room")]
    assert counts["carla"]["cannot_tell"] == counts["carla"]["due"] - counts["carla"]["overloaded"]
    assert counts["anna"]["taken"] == counts["anna"]["due"] - counts["anna"]["overloaded"]


async def test_pictures_that_come_too_close_together_are_not_due(
    connection: Client, pipeline: Pipeline, one: bytes
) -> None:
    async with hall(connection, pipeline) as room:
        await room.send("anna", one)
        room.second["anna"] = 0.4
        await room.send("anna", one, wait=False)
        room.second["anna"] = 2.0
        await room.send("anna", one)
        assert room.counts("anna")["due"] == 2


async def test_two_workers_share_the_sessions(nats_url: str, pipeline: Pipeline, one: bytes) -> None:
    names = [f"candidate-{number}" for number in range(6)]
    async with contextlib.AsyncExitStack() as stack:
        halls = []
        for number in range(2):
            client = await nats.connect(nats_url)
            stack.push_async_callback(client.close)
            halls.append(await stack.enter_async_context(hall(client, pipeline, share=Share(number, 2))))
        for name in names:
            await halls[0].send(name, one, wait=False)
        await until(lambda: sum(room.due(name) > 0 for room in halls for name in names) == len(names))
        assert all(sum(room.due(name) > 0 for room in halls) == 1 for name in names)


async def test_a_worker_that_starts_again_goes_on_where_the_last_one_stopped(
    connection: Client, pipeline: Pipeline, one: bytes, two: bytes
) -> None:
    wiring = Wiring()
    async with hall(connection, pipeline, wiring) as room:
        await room.send("anna", two, two)
        await until(lambda: len(wiring.changes) == 1)
        clock = room.second
    opened = wiring.changes[0][1]
    assert isinstance(opened, Opened)
    left = StillOpen(
        incident=opened.incident, kind=opened.kind, started_at=opened.started_at, seen_at=opened.at, severity="high",
        peak=0.9,
    )  # fmt: skip
    wiring.answers["anna"] = Settings(detectors=Policy().detectors, still_open=(left,))
    async with hall(connection, pipeline, wiring) as room:
        room.second = clock
        await room.send("anna", two, two, two, one, one, one, one)
        await until(lambda: len(wiring.changes) == 2)
    closed = wiring.changes[1][1]
    assert isinstance(closed, Closed)
    assert closed.incident == opened.incident


async def test_what_is_no_picture_is_passed_over(connection: Client, pipeline: Pipeline, one: bytes) -> None:
    async with hall(connection, pipeline) as room:
        await connection.publish("vigil.picture.anna.camera", b"\x00garbage")
        await room.send("anna", b"not a jpeg", one)
        assert room.counts("anna") == {"due": 2, "taken": 1, "cannot_tell": 1, "overloaded": 0, "muted": 0}


async def test_a_session_that_is_over_can_be_forgotten(connection: Client, pipeline: Pipeline, one: bytes) -> None:
    async with hall(connection, pipeline) as room:
        await room.send("anna", one)
        room.worker.forget(TENANT, "anna")
        assert room.worker.coverage(TENANT, "anna") == {}


async def test_an_answer_that_never_comes_stops_nobody_else(connection: Client, pipeline: Pipeline, one: bytes) -> None:
    class Slow(Wiring):
        async def settings(self, tenant: str, session: str) -> Settings | None:
            if session == "anna":
                await asyncio.sleep(3600)
            return await super().settings(tenant, session)

    async with hall(connection, pipeline, Slow()) as room:
        await room.send("anna", one, wait=False)
        await room.send("ben", one, one, one)
        assert room.counts("ben")["taken"] == 3
        assert room.worker.coverage(TENANT, "anna") == {}
