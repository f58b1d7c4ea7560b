"""The eventsourcing library over the same ledger: it reads what we write, and writes in the same order."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from eventsourcing.persistence import IntegrityError, StoredEvent
from psycopg import AsyncConnection

from commands.envelope import encode, tag_of
from commands.ledger import Append, Appender, Part
from commands.library import Entry, Ledger
from domain.event import Event
from domain.onboarding import NoticeAcknowledged, NoticeDeclined
from domain.recorded import Envelope
from domain.session import Opened, Session
from vigil.settings import as_role

if TYPE_CHECKING:
    from tests.commands.conftest import Processes

AROUND = Envelope(actor="system/test", command="c1")
HISTORY: tuple[Event, ...] = (
    Opened(schedule="algebra", subject="ada"),
    NoticeAcknowledged(policy_version=1, sha256="aa"),
    NoticeDeclined(policy_version=1),
)


@pytest.fixture
def library(database: str) -> Iterator[Ledger]:
    ledger = Ledger(as_role(database, "app"))
    yield ledger
    ledger.close()


def stored(stream: str, version: int) -> StoredEvent:
    return StoredEvent(stream, version, "session.opened", b"{}")


async def test_the_library_folds_what_we_wrote_to_any_version(processes: Processes, library: Ledger) -> None:
    stream = "tu/session/s1"
    events = [(tag_of(event), encode(event, AROUND, stream, n, {}.get)) for n, event in enumerate(HISTORY, 1)]
    await (await processes.appender()).append(Append(uuid4(), b"r", "{}", [Part(stream, 0, events)]))
    phases = [library.state(stream, version) for version in (1, 2, 3, None)]
    assert [state.phase for state in phases if isinstance(state, Session)] == [
        "expected",
        "checking",
        "declined",
        "declined",
    ]
    assert library.state("tu/session/none") == Session()
    notifications = library.recorder.select_notifications(1, 10)
    assert [n.topic for n in notifications] == [tag_of(event) for event in HISTORY]


async def test_what_the_library_saves_is_what_we_would_have_written(library: Ledger, app: AsyncConnection) -> None:
    stream = "tu/session/s1"
    library.save(
        *(Entry(originator_id=stream, originator_version=n, envelope=AROUND, body=e) for n, e in enumerate(HISTORY, 1))
    )
    rows = await (await app.execute("SELECT topic, state FROM ledger.events ORDER BY notification_id")).fetchall()
    assert rows == [(tag_of(event), encode(event, AROUND, stream, n, {}.get)) for n, event in enumerate(HISTORY, 1)]


def test_the_library_is_told_of_a_conflict_and_writes_nothing_of_it(library: Ledger) -> None:
    recorder = library.recorder
    recorder.insert_events([stored("tu/a/1", 1)])
    with pytest.raises(IntegrityError):
        recorder.insert_events([stored("tu/b/1", 1), stored("tu/a/1", 1)])
    assert recorder.max_notification_id() == 1


def test_a_command_through_the_library_is_done_once(library: Ledger) -> None:
    id_ = uuid4()
    first = library.recorder.insert_events([stored("tu/a/1", 1), stored("tu/a/1", 2)], command_id=id_)
    again = library.recorder.insert_events([stored("tu/a/1", 1), stored("tu/a/1", 2)], command_id=id_)
    assert first == again
    assert first is not None
    assert list(first) == [1, 2]


async def test_library_and_appender_write_at_once_and_every_reader_sees_one_order(
    processes: Processes, library: Ledger, app: AsyncConnection
) -> None:
    appenders = [await processes.appender() for _ in range(2)]
    delivered: list[int] = []
    subscription = library.recorder.subscribe(gt=0)

    def follow() -> None:
        delivered.extend(notification.id for notification in subscription)

    def write(n: int) -> None:
        for version in range(1, 51):
            library.recorder.insert_events([stored(f"tu/library/{n}", version)])

    async def append(n: int) -> None:
        for version in range(50):
            part = Part(f"tu/appender/{n}", version, [("session.opened", b"{}")])
            await appenders[n % 2].append(Append(uuid4(), b"r", "{}", [part]))

    with subscription:
        reader = threading.Thread(target=follow)
        reader.start()
        await asyncio.gather(*(asyncio.to_thread(write, n) for n in range(4)), *(append(n) for n in range(8)))
        while len(delivered) < 600:
            await asyncio.sleep(0.02)
            await append_one(appenders[0])  # its start may miss the last notice, which the next one makes up for
        subscription.stop()
        reader.join()

    rows = await (
        await app.execute("SELECT notification_id, originator_id, recorded_at FROM ledger.events ORDER BY 1")
    ).fetchall()
    written = Counter(row[1] for row in rows if "nudge" not in row[1])
    assert set(written.values()) == {50}
    assert len(written) == 12
    assert delivered[:600] == [row[0] for row in rows][:600] == list(range(1, 601))
    assert all(earlier[2] <= later[2] for earlier, later in pairwise(rows))


async def append_one(appender: Appender) -> None:
    await appender.append(Append(uuid4(), b"r", "{}", [Part(f"tu/nudge/{uuid4()}", 0, [("t", b"{}")])]))
