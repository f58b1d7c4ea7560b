"""The eventsourcing library over the same ledger: its repository, replay to a version, subscriptions and tools.

Its recorder writes through the same SQL function as the appender, so both keep one order and no role needs INSERT.
`POSTGRES_ENABLE_DB_FUNCTIONS` stays off: in 9.5.6 the library's own function loses events for readers under concurrent
writers. Private fields are not opened here; what reads this way sees that they exist and not what they say.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import groupby
from typing import cast
from uuid import UUID, uuid4

import msgspec
from eventsourcing.application import Application
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import IntegrityError, Mapper, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.utils import get_topic
from psycopg.conninfo import conninfo_to_dict

from commands.envelope import encode, read, tag_of
from commands.ledger import CALL, Append, Part, arguments
from domain.event import Event
from domain.recorded import Envelope, Stored
from domain.registry import DECIDERS
from domain.stream import parse


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What the library sees of an event: its stream and version, and the rest as we keep it."""

    originator_id: str
    originator_version: int
    envelope: Envelope
    body: Event


class EnvelopeMapper(Mapper[str]):
    """Between an `Entry` and the stored bytes. Tags are our own: nothing is imported because of what data says."""

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        entry = cast("Entry", domain_event)
        stream, version = entry.originator_id, entry.originator_version
        state = encode(entry.body, entry.envelope, stream, version, lambda _: None)
        return StoredEvent(stream, version, tag_of(entry.body), state)

    def to_domain_event(self, stored_event: StoredEvent) -> Entry:
        stream, version = str(stored_event.originator_id), stored_event.originator_version
        row = Stored(0, stream, version, stored_event.topic, _UNKNOWN, stored_event.state)
        envelope, body = read(row)
        return Entry(originator_id=stream, originator_version=version, envelope=envelope, body=body)


class LedgerRecorder(PostgresApplicationRecorder):
    """Reads `ledger.events` and appends through `ledger.append`; creates nothing."""

    def __init__(self, datastore: PostgresDatastore, *, events_table_name: str = "events") -> None:
        del events_table_name  # the library would call it ledger_events
        super().__init__(datastore, events_table_name="events")
        self.channel_name = "ledger"

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: object) -> Sequence[int] | None:
        """Appends all or nothing; `command_id` (a UUID) makes it repeatable. Raises the library's IntegrityError."""
        if not stored_events:
            return None
        command = cast("UUID | None", kwargs.get("command_id")) or uuid4()
        request = sha256(command.bytes).digest()
        work = arguments([Append(command, request, "{}", _parts(stored_events))])
        with self.datastore.get_connection() as conn, conn.cursor() as cursor:
            row = cursor.execute(CALL, work, prepare=True).fetchone()
        assert row is not None
        if row["verdict"] == "conflict":
            raise IntegrityError("a stream has moved on")
        if row["verdict"] == "archived":
            raise IntegrityError("a stream is archived; bring it back first")
        last: int = row["at_position"]
        return range(last - len(stored_events) + 1, last + 1)  # contiguous: the function held the lock


class Ledger(Application[str]):
    """The library's application over the ledger of one database, as the role in `conninfo`."""

    name = "ledger"

    def __init__(self, conninfo: str) -> None:
        given = conninfo_to_dict(conninfo)
        super().__init__(
            {
                "PERSISTENCE_MODULE": "eventsourcing.postgres",
                "APPLICATION_RECORDER_TOPIC": get_topic(LedgerRecorder),
                "MAPPER_TOPIC": get_topic(EnvelopeMapper),
                "TRANSCODER_TOPIC": "eventsourcing.persistence:JSONTranscoder",
                "ORIGINATOR_ID_TYPE": "text",
                "CREATE_TABLE": "n",
                "POSTGRES_SCHEMA": "ledger",
                "POSTGRES_DBNAME": str(given.get("dbname") or "vigil"),
                "POSTGRES_HOST": str(given.get("host") or ""),
                "POSTGRES_PORT": str(given.get("port") or "5432"),
                "POSTGRES_USER": str(given.get("user") or ""),
                "POSTGRES_PASSWORD": str(given.get("password") or ""),
                "POSTGRES_POOL_SIZE": "1",
            }
        )

    def state(self, stream: str, version: int | None = None) -> msgspec.Struct:
        """The folded state of a stream as of a version; the decider is the one of the stream's kind."""
        decider = DECIDERS[parse(stream).kind]
        state: msgspec.Struct = decider.initial
        for entry in self.events.get(stream, lte=version):
            state = decider.evolve(state, cast("Entry", entry).body)
        return state


def _parts(events: Sequence[StoredEvent]) -> list[Part]:
    ordered = sorted(events, key=lambda e: (str(e.originator_id), e.originator_version))
    runs = ((stream, list(run)) for stream, run in groupby(ordered, key=lambda e: str(e.originator_id)))
    return [Part(stream, run[0].originator_version - 1, [(e.topic, e.state) for e in run]) for stream, run in runs]


_UNKNOWN = datetime.min.replace(tzinfo=UTC)  # the library does not hand the recorded time through
