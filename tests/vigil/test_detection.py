"""What the detectors tell becomes events: incidents with their pictures, faults and their end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
from psycopg.errors import UndefinedTable

from api.candidate_view import clock
from commands import interventions, muting
from commands.keys import KeyName, open_object
from commands.objects import ObjectStoreAway
from detectors import load
from detectors.changes import Change, Closed, Kept, Opened, Peak, Still
from domain import fault, incidents
from domain.event import Event
from domain.incidents import Provenance, Role, Sampled
from tests.vigil.hall import Hall, running, until
from vigil import evidence
from vigil.detection import Findings, detect
from vigil.outlook import Over
from vigil.sealing import seal
from vigil.wiring import NotRunning

PROVENANCE = Provenance(detector="d", detector_version="1", weights={}, thresholds={}, rule_version="1")
S = timedelta(seconds=1)
FIRST, BETTER = b"\xff\xd8 the first picture", b"\xff\xd8 a better one"


class Store:
    """An object store that is away, or hangs, for as long as a test wants."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.away, self.answers, self.asked = False, asyncio.Event(), 0
        self.answers.set()

    async def put_new(self, key: str, data: bytes) -> None:
        self.asked += 1
        await self.answers.wait()
        if self.away:
            raise ObjectStoreAway("full")
        self.objects[key] = data


class Sitting:
    """A session in progress, and a detector that looks at it."""

    def __init__(self, hall: Hall, name: str, started_at: datetime) -> None:
        self.hall, self.name, self.start, self.store = hall, name, started_at, Store()
        self.findings = Findings(replace(hall.core, objects=self.store))  # type: ignore[arg-type]

    async def tell(self, change: Change, jpeg: bytes | None = None) -> None:
        await self.findings.changed("main", self.name, change, jpeg, PROVENANCE)

    def opened(self, name: str = "i1", second: float = 10, **given: object) -> Opened:
        said = {
            "incident": name, "kind": "out_of_view", "started_at": self.start + second * S,
            "at": self.start + (second + 4) * S, "severity": "warn", "confidence": 0.7, "raw_score": 0.1,
            "threshold": 0.3, "rule_version": "1",
        }  # fmt: skip
        return Opened(**(said | given))  # type: ignore[arg-type]

    def peak(self, second: float, **given: object) -> Peak:
        said = {
            "incident": "i1", "kind": "out_of_view", "at": self.start + second * S, "severity": "high",
            "confidence": 0.8, "raw_score": 0.05,
        }  # fmt: skip
        return Peak(**(said | given))  # type: ignore[arg-type]

    def kept(self, second: float, role: Role, jpeg: bytes, name: str = "i1") -> Kept:
        at = self.start + second * S
        return Kept(incident=name, kind="out_of_view", at=at, raw_score=0.2, role=role, jpeg=jpeg)

    def still(self, second: float) -> Still:
        at = self.start + second * S
        return Still(incident="i1", kind="out_of_view", at=at, severity="high", confidence=0.8)

    def closed(self, second: float) -> Closed:
        ended_at = self.start + second * S
        return Closed(
            incident="i1", kind="out_of_view", ended_at=ended_at, at=ended_at + 6 * S, severity="high", peak=0.8,
            why="clear",
        )  # fmt: skip

    async def events(self, *kinds: type[Event]) -> list[Event]:
        return await self.hall.events(self.name, *kinds)

    async def pictures(self) -> list[incidents.Evidence]:
        told = await self.events(incidents.Opened, incidents.EvidenceAdded)
        return [one.evidence for one in told if one.evidence]  # type: ignore[attr-defined]

    async def risk(self) -> str | None:
        """What the wall shows; None while it does not know the session yet."""
        query = "SELECT data->>'risk' FROM read.live WHERE data->>'session' = %s"
        async with self.hall.core.reading() as conn:
            try:
                row = await (await conn.execute(query, (self.name,))).fetchone()
            except UndefinedTable:
                return None
        return row[0] if row else None


@pytest.fixture
async def sitting(hall: Hall) -> Sitting:
    name = await hall.sitting()
    started_at = (await hall.state(name)).started_at
    assert started_at
    return Sitting(hall, name, started_at)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for the store."""
    monkeypatch.setattr(evidence, "ANSWER_S", 0.05)
    monkeypatch.setattr(evidence, "AGAIN_S", 0.05)


@asynccontextmanager
async def pictures_follow(sitting: Sitting) -> AsyncIterator[None]:
    async with running(sitting.findings.album.run()):
        yield


async def test_an_incident_is_told_with_its_sealed_picture(sitting: Sitting) -> None:
    await sitting.tell(sitting.opened(), FIRST)
    await sitting.tell(sitting.peak(20), BETTER)
    await sitting.tell(sitting.closed(60))
    opened, more, closed = await sitting.events(incidents.Opened, incidents.EvidenceAdded, incidents.Closed)
    assert isinstance(opened, incidents.Opened)
    assert isinstance(more, incidents.EvidenceAdded)
    assert isinstance(closed, incidents.Closed)
    assert (opened.started_at, opened.seen_at) == (sitting.start + 10 * S, sitting.start + 14 * S)
    assert (more.severity, more.confidence, closed.severity) == ("high", 0.8, "high")
    subject = (await sitting.hall.state(sitting.name)).subject
    data_key = await sitting.hall.core.keys.data_key(KeyName(subject, sitting.name, "media"))
    for picture, jpeg in zip(await sitting.pictures(), (FIRST, BETTER), strict=True):
        stored = sitting.store.objects[picture.object_key]
        assert sha256(stored).hexdigest() == picture.sha256
        assert open_object(data_key, picture.object_key, stored) == jpeg


async def test_the_first_the_clearest_and_the_last_picture_are_kept_and_the_samples_that_it_rests_on(
    sitting: Sitting,
) -> None:
    samples = tuple(
        Sampled(at=sitting.start + second * S, raw_score=score, positive=score < 0.3)
        for second, score in ((8, 0.6), (10, 0.2), (14, 0.1))
    )
    first, last = b"\xff\xd8 the very first", b"\xff\xd8 the very last"
    told = (
        sitting.opened(samples=samples), sitting.kept(10, "first", first), sitting.peak(20),
        sitting.peak(45, better=False, graver=True), sitting.kept(60, "last", last), sitting.closed(60),
    )  # fmt: skip
    shots = (FIRST, None, BETTER, b"\xff\xd8 graver", None, None)
    for change, jpeg in zip(told, shots, strict=True):
        for _ in range(2):  # as after a lost answer
            await sitting.tell(change, jpeg)
    (opened,) = await sitting.events(incidents.Opened)
    assert isinstance(opened, incidents.Opened)
    assert opened.samples == samples
    pictures = await sitting.pictures()
    assert [(one.role, round((one.at - sitting.start) / S)) for one in pictures] == [
        ("best", 14), ("first", 10), ("best", 20), (None, 45), ("last", 60),
    ]  # fmt: skip
    subject = (await sitting.hall.state(sitting.name)).subject
    data_key = await sitting.hall.core.keys.data_key(KeyName(subject, sitting.name, "media"))
    stored = [open_object(data_key, one.object_key, sitting.store.objects[one.object_key]) for one in pictures]
    assert stored == [FIRST, first, BETTER, b"\xff\xd8 graver", last]


async def test_of_what_was_let_go_no_further_picture_is_stored(sitting: Sitting) -> None:
    await sitting.tell(sitting.kept(10, "first", FIRST, "i9"))
    assert sitting.store.asked == 0


async def test_how_grave_it_became_is_seen_on_the_wall_while_it_goes_on(sitting: Sitting) -> None:
    async def risk(expected: str) -> bool:
        return await sitting.risk() == expected

    await sitting.tell(sitting.opened(), FIRST)
    await until(lambda: risk("warn"))
    sitting.store.away = True
    await sitting.tell(sitting.peak(45, graver=True), BETTER)
    await until(lambda: risk("high"))
    assert len(await sitting.pictures()) == 1, "told though its picture could not be stored"


async def test_what_is_open_at_the_end_is_closed_as_grave_as_it_became_and_as_it_was_last_seen(
    sitting: Sitting,
) -> None:
    await sitting.tell(sitting.opened(), FIRST)
    await sitting.tell(sitting.peak(45, graver=True), BETTER)
    for second in (75, 105):
        await sitting.tell(sitting.still(second))
    sitting.hall.clock.ahead += 600 * S
    await sitting.hall.submit(sitting.name)
    await seal(sitting.hall.core, Over("main", sitting.name, (), (), {}, sitting.hall.clock()))
    (closed,) = await sitting.events(incidents.Closed)
    assert isinstance(closed, incidents.Closed)
    assert (closed.severity, closed.peak, closed.why) == ("high", 0.8, "session_over")
    assert closed.ended_at == sitting.start + 105 * S


async def test_the_next_worker_is_told_how_an_open_incident_stands(sitting: Sitting) -> None:
    await sitting.tell(sitting.opened(), FIRST)
    await sitting.tell(sitting.still(1200))
    settings = await sitting.findings.settings("main", sitting.name)
    assert settings
    (left,) = settings.still_open
    assert (left.started_at, left.seen_at) == (sitting.start + 10 * S, sitting.start + 1200 * S)
    assert (left.severity, left.peak) == ("high", 0.8)
    assert settings.since == sitting.start


async def test_said_twice_after_a_lost_answer_it_happens_once(sitting: Sitting) -> None:
    for change in (sitting.opened(), sitting.peak(20), sitting.still(50), sitting.closed(60)):
        for _ in range(2):
            await sitting.tell(change)
    kinds = (incidents.Opened, incidents.EvidenceAdded, incidents.Closed)
    assert len(await sitting.events(*kinds)) == 4


async def test_without_a_store_an_incident_is_told_at_once_and_its_picture_follows_even_after_its_end(
    sitting: Sitting, hasty: None
) -> None:
    sitting.store.away = True
    await sitting.tell(sitting.opened(), FIRST)
    await sitting.tell(sitting.closed(60))
    assert await sitting.pictures() == []
    async with pictures_follow(sitting):
        await until(lambda: _true(sitting.store.asked > 2))
        sitting.store.away = False
        (picture,) = await until(sitting.pictures)
    assert picture.at == sitting.start + 14 * S
    assert picture.object_key in sitting.store.objects


async def test_a_store_that_hangs_is_away_and_holds_no_incident_up(sitting: Sitting, hasty: None) -> None:
    sitting.store.answers.clear()
    await sitting.tell(sitting.opened(), FIRST)
    asked = sitting.store.asked
    await sitting.tell(sitting.opened("i2", kind="several_people"), BETTER)
    assert [type(one) for one in await sitting.events(incidents.Opened)] == [incidents.Opened] * 2
    assert await sitting.pictures() == []
    async with pictures_follow(sitting):
        await asyncio.sleep(0.3)
        assert sitting.store.asked == asked == 1, "while a call hangs no other thread is given away"
        sitting.store.answers.set()

        async def both() -> bool:
            return len(await sitting.pictures()) == 2

        await until(both)


async def test_a_picture_is_not_waited_for_without_end(
    sitting: Sitting, hasty: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(evidence, "GIVE_UP_S", 0.2)
    sitting.store.away = True
    await sitting.tell(sitting.opened(), FIRST)
    async with pictures_follow(sitting):
        await until(lambda: _true("was given up" in caplog.text))
        asked = sitting.store.asked
        await asyncio.sleep(0.2)
        assert sitting.store.asked == asked


async def test_no_more_pictures_wait_than_there_is_room_for(
    sitting: Sitting, hasty: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(evidence, "AT_MOST", 1)
    sitting.store.away = True
    await sitting.tell(sitting.opened(), FIRST)
    await sitting.tell(sitting.peak(20), BETTER)
    assert "too many are waiting" in caplog.text


@pytest.mark.parametrize("how", ["paused", "submitted"])
async def test_what_was_seen_before_the_clock_stopped_counts_however_late_it_is_told(
    sitting: Sitting, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    sitting.hall.clock.ahead += 30 * S
    await (sitting.hall.submit(sitting.name) if how == "submitted" else sitting.hall.intervene(sitting.name, "pause"))
    sitting.hall.clock.ahead += 30 * S
    with caplog.at_level(logging.WARNING, "vigil.detection"):
        await sitting.tell(sitting.opened("before", 10), FIRST)
        assert caplog.messages == []
        await sitting.tell(sitting.opened("after", 40, kind="several_people"), FIRST)
    (opened,) = await sitting.events(incidents.Opened)
    assert isinstance(opened, incidents.Opened)
    assert opened.incident == "before"
    (said,) = caplog.messages
    assert said.startswith("several_people"), "what is dropped for good is said once"


async def test_a_detector_that_works_again_closes_its_fault_and_may_fail_again(sitting: Sitting) -> None:
    for why in ("no room", None, "no room again", None):
        for _ in range(2):  # as after a lost answer
            await sitting.findings.fault("main", sitting.name, "faces", why)
        settings = await sitting.findings.settings("main", sitting.name)
        assert settings
        assert settings.failing == ({"faces"} if why else set())
    told = await sitting.events(fault.FaultOpened, fault.FaultClosed)
    assert [type(one) for one in told] == [fault.FaultOpened, fault.FaultClosed] * 2
    assert {one.what for one in told} == {"detector faces"}  # type: ignore[attr-defined]


async def test_a_microphone_that_cannot_be_listened_to_is_a_fault_of_ours_in_words_of_its_own(sitting: Sitting) -> None:
    await sitting.findings.fault("main", sitting.name, "voice", "no room")
    (told,) = await sitting.events(fault.FaultOpened)
    assert isinstance(told, fault.FaultOpened)
    assert (told.what, told.cause) == ("detector voice", "ours")
    assert told.why == "it cannot listen to the microphone: no room"


async def test_overload_is_a_fault_of_ours_and_no_incident(sitting: Sitting) -> None:
    for why in (load.WHY, None):
        for _ in range(2):  # as after a lost answer
            await sitting.findings.fault("main", sitting.name, "overloaded", why)
        settings = await sitting.findings.settings("main", sitting.name)
        assert settings
        assert settings.failing == ({"overloaded"} if why else set())
    (opened,) = await sitting.events(fault.FaultOpened)
    assert isinstance(opened, fault.FaultOpened)
    assert (opened.what, opened.cause, opened.why) == ("detector overloaded", "ours", load.WHY)
    assert not await sitting.events(incidents.Opened)


@pytest.mark.parametrize(
    ("detector", "fault_is", "whys", "begins"),
    [
        (
            "sight", "cannot_see_well",
            {"too_dark": "it is too dark", "too_far": "the candidate is too far from the camera"},
            "We cannot see you well: ",
        ),
        ("hearing", "microphone_silent", {"no_sound": "it gives no sound at all"}, "Your microphone is silent: "),
        (
            "screen", "screen_shows_nothing",
            {"black": "it is black", "one_colour": "it is one colour and nothing else"},
            "Your shared screen shows nothing: ",
        ),
    ],
)  # fmt: skip
async def test_a_device_that_shows_or_gives_too_little_is_a_fault_of_its_own_with_words_for_both_sides(
    sitting: Sitting, detector: str, fault_is: str, whys: dict[str, str], begins: str
) -> None:
    for why in [one for reason in whys for one in (reason, None)]:
        for _ in range(2):  # as after a lost answer
            await sitting.findings.fault("main", sitting.name, detector, why)
        settings = await sitting.findings.settings("main", sitting.name)
        assert settings
        own = {detector} if why and detector != "screen" else set()
        assert settings.failing == own, "who looks at the camera knows nothing of the screen"
        told = clock(await sitting.hall.state(sitting.name)).guidance
        assert told.startswith(begins) if why else told == ""
    opened = await sitting.events(fault.FaultOpened)
    assert [(one.what, one.cause, one.why) for one in opened] == [  # type: ignore[attr-defined]
        (fault_is, "device", said) for said in whys.values()
    ]
    assert not await sitting.events(incidents.Opened)


async def test_whoever_looks_at_screens_asks_whether_it_was_told_that_one_shows_nothing(sitting: Sitting) -> None:
    for why in ("black", None):
        await sitting.findings.fault("main", sitting.name, "screen", why)
        assert await sitting.findings.blank("main", sitting.name) is bool(why)
    await sitting.hall.intervene(sitting.name, "pause")
    assert await sitting.findings.blank("main", sitting.name) is None


async def test_the_role_does_not_run_on_weights_that_cannot_be_used_and_says_why(
    hall: Hall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.pt").write_bytes(b"no weights at all")
    monkeypatch.setenv("VIGIL_WEIGHTS", str(tmp_path / "mine.pt"))
    with pytest.raises(NotRunning, match=r"^VIGIL_WEIGHTS names .*mine\.pt, which cannot be used: it is not a"):
        await detect(hall.core)


@pytest.mark.parametrize(("stop", "go_on"), [("pause", "resume"), ("lock", "unlock"), ("break", "resume")])
async def test_a_session_that_is_not_in_progress_is_not_observed(sitting: Sitting, stop: str, go_on: str) -> None:
    await sitting.hall.intervene(sitting.name, stop, minutes=5 if stop == "break" else None)
    assert await sitting.findings.settings("main", sitting.name) is None
    await sitting.hall.intervene(sitting.name, go_on)
    assert await sitting.findings.settings("main", sitting.name) is not None


async def test_what_is_seen_on_a_break_is_no_incident_however_late_it_is_told(sitting: Sitting) -> None:
    sitting.hall.clock.ahead += 30 * S
    await sitting.hall.intervene(sitting.name, "break", minutes=5)
    sitting.hall.clock.ahead += 30 * S
    await sitting.hall.say(partial(interventions.come_back, session=sitting.name))
    sitting.hall.clock.ahead += 30 * S
    await sitting.tell(sitting.opened("on the break", 40), FIRST)
    assert not await sitting.events(incidents.Opened)
    await sitting.tell(sitting.opened("after it", 70), FIRST)
    assert [one.incident for one in await sitting.events(incidents.Opened)] == ["after it"]  # type: ignore[attr-defined]


async def _true(value: object) -> bool:
    return bool(value)


async def test_a_detector_that_is_switched_off_stays_silent_at_once(sitting: Sitting) -> None:
    hall, plan = sitting.hall, (await sitting.hall.state(sitting.name)).schedule
    before = await sitting.findings.settings("main", sitting.name)
    assert before
    assert before.muted == frozenset()
    off = partial(muting.switch_off, name=plan, kind="out_of_view", reason="Posters on the wall.")
    await hall.core.act("main", "planner", "switch off", off)
    after = await sitting.findings.settings("main", sitting.name)
    assert after
    assert after.muted == {"out_of_view"}
    assert not after.watches("out_of_view")
    assert after.watches("several_people")
