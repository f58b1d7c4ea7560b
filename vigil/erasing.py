"""Erasing what was decided to go: keys, objects, read models, each again and again until it is done; then it is said.

The event comes first and the keys go next: from then on nothing that is left can be opened. A crash in between leaves
the session among those whose erasing is unfinished, and all of it may be repeated.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from functools import partial

from commands import keeping
from commands.keys import KeyName
from commands.objects import probe
from domain import record
from domain.event import KeyClass
from domain.stream import Stream
from projections.keeping import Kept
from projections.models import MODELS
from projections.refold import refold_session
from vigil.forgetting import SETTLED_S
from vigil.shelf import decoder
from vigil.wiring import Core

log = logging.getLogger(__name__)

ACTOR = "system/react"
# Below these lie the objects of a class; what comes late or was stored and never told of is among them.
FOLDERS: Mapping[KeyClass, tuple[str, ...]] = {
    "media": ("{tenant}/media/{session}.", "{tenant}/evidence/{session}/"),
    "identity": ("{tenant}/identity/{session}/",),
    "notes": ("{tenant}/appeals/{session}/",),
}


async def erase(core: Core, tenant: str, kept: Kept) -> bool:
    """Brings the erasing of a session further; True when it is finished. Raises `ObjectStoreAway`."""
    session, stream = kept.session, str(Stream(tenant, record.DECIDER.kind, kept.session))
    _, state = await core.handler.load(record.DECIDER, stream, fresh=True)
    classes = sorted(state.keeping.unfinished)
    if not classes:
        return True
    ago_s = await core.keys.destroy(KeyName(kept.subject, session, one) for one in classes)
    if ago_s < SETTLED_S:
        return False  # until all have dropped them, somebody could write what they opened, or seal something more
    sealed_left = await _objects(core, tenant, session, classes)
    decode = decoder(core.keys, core.pool)
    async with core.reading() as conn:
        for model in MODELS:
            where = {"tenant": tenant, "session": session, "schedule": kept.schedule}
            if not await refold_session(conn, decode, model, **where):
                return False
    finish = partial(keeping.finish_erasure, session=session, classes=tuple(classes), sealed_left=sealed_left)
    cause = f"erased {session} {' '.join(classes)} {len(state.keeping.erased)}"
    await core.act(tenant, ACTOR, cause, finish)
    log.info("of session %s what had to go is gone: %s", session, ", ".join(classes))
    return True


async def _objects(core: Core, tenant: str, session: str, classes: Collection[KeyClass]) -> bool:
    """Deletes them; whether the store keeps what was deleted, now or by an earlier try, which nobody can open any more.

    Of a store that does not let us see that, it is so wherever it keeps what is deleted.
    """
    left = False
    for folder in (folder for one in classes for folder in FOLDERS.get(one, ())):
        prefix = folder.format(tenant=tenant, session=session)
        for key in await core.objects.list(prefix):
            await core.objects.delete(key)
        kept = await core.objects.keeps_below(prefix)
        left = left or (bool(await probe(core.objects)) if kept is None else kept)
    return left
