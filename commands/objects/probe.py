"""Whether an object store works, and what it does with what is deleted: one small object is put, read and deleted."""

from __future__ import annotations

from contextlib import suppress

from commands.objects.contract import ObjectExists, ObjectMissing, ObjectStore, ObjectStoreAway

PROBE = "probe/object"  # the same for everybody, so that at most one ever stays
WORD = b"Vigil puts this object, reads it and deletes it, to see whether the store works.\n"
_TRIES = 5


async def probe(store: ObjectStore) -> str:
    """Raises `ObjectStoreAway` unless the store takes and gives. Returns why nothing is deleted for good, or nothing.

    Where the probe can be deleted for good, each is a new object, so that a full store is noticed. Elsewhere the first
    one stays: a store that lets us write then says that it is there, and one that no longer does refuses to put it.
    """
    for _ in range(_TRIES):
        with suppress(ObjectExists):
            await store.put_new(PROBE, WORD)
        try:
            if await store.get(PROBE) != WORD:
                raise ObjectStoreAway("it gives back other bytes than it took")
            if await store.keeps_versions(PROBE):
                return "what is deleted stays as an older version"
        except ObjectMissing:  # another process has done with it just now
            continue
        try:
            await store.delete(PROBE)
        except ObjectStoreAway as refused:  # taking and giving went well, and that is what an exam needs
            return f"nothing can be deleted: {refused}"
        return ""
    raise ObjectStoreAway("it does not keep what it took")
