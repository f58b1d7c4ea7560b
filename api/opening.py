"""Stored rows as events with their private fields open, as far as their keys are there."""

from __future__ import annotations

from collections.abc import Sequence

from commands.envelope import all_keys, read, recorded, unseal
from commands.keys import KeyRing
from domain.archive import Away
from domain.event import Event
from domain.recorded import Envelope, Recorded, Stored
from projections.model import Decode


def decoder(keys: KeyRing) -> Decode:
    """What folding asks for: one answer for each row, an exception for what cannot be read.

    Raises `Away` where some of them are archived: nobody takes what is not at hand for what is not there.
    """

    async def decode(rows: Sequence[Stored]) -> Sequence[Recorded | Exception]:
        entries = [_read(row) for row in rows]
        await keys.fetch(all_keys(entry[1] for entry in entries if not isinstance(entry, Exception)))
        return [
            entry if isinstance(entry, Exception) else _opened(row, *entry, keys)
            for row, entry in zip(rows, entries, strict=True)
        ]

    return decode


def _read(row: Stored) -> tuple[Envelope, Event] | Exception:
    try:
        return read(row)
    except Away:
        raise
    except Exception as error:  # noqa: BLE001 - whatever is wrong with these bytes, the others are shown
        return error


def _opened(row: Stored, envelope: Envelope, event: Event, keys: KeyRing) -> Recorded | Exception:
    try:
        return recorded(row, envelope, unseal(event, row.stream, row.version, keys.held))
    except Exception as error:  # noqa: BLE001 - as above
        return error
