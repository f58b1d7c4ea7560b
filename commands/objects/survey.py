"""How an object store keeps what it is given: whether it overwrites, who else can read, and whether there is a lock."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from commands.objects.contract import Guards, ObjectExists, ObjectMissing, ObjectStore, ObjectStoreAway
from commands.objects.probe import PROBE, WORD, probe

_TRIES = 5


class Surveyed(NamedTuple):
    """`stays` says why nothing is deleted for good, or nothing: see `probe`."""

    stays: str
    overwrites: bool
    guards: Guards


async def survey(store: ObjectStore) -> Surveyed:
    """Probes a store, and looks at what becomes of the probe. Raises `ObjectStoreAway`.

    Where older versions are kept and puts overwrite, it leaves some more of them.
    """
    stays = await probe(store)
    overwrites = await _overwrites(store)
    for _ in range(_TRIES):
        with suppress(ObjectExists):
            await store.put_new(PROBE, WORD)
        try:
            guards = await store.guards(PROBE)
        except ObjectMissing:  # another process has done with it just now
            continue
        if not stays:
            await store.delete(PROBE)
        return Surveyed(stays, overwrites, guards)
    raise ObjectStoreAway("it does not keep what it took")


async def _overwrites(store: ObjectStore) -> bool:
    """Whether the same key was taken again and again. Once could be chance: another process deletes the same probe."""
    try:
        for _ in range(_TRIES):
            await store.put_new(PROBE, WORD)
    except ObjectExists:
        return False
    return True
