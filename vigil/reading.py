"""Role `project`: keeps the read models up to date and says where there is something new."""

from __future__ import annotations

from collections.abc import Collection

from nats.errors import Error as NatsError

from projections.kernel import Projector
from projections.models import MODELS
from vigil.shelf import decoder
from vigil.wiring import Core

SUBJECTS = {"schedule": "vigil.live", "session": "vigil.candidate"}


async def project(core: Core) -> None:
    """Follows the ledger until cancelled."""

    async def announce(channels: Collection[str]) -> None:
        if not core.nats.is_connected:
            return
        for channel in channels:
            kind, _, name = channel.partition("/")
            try:
                await core.nats.publish(f"{SUBJECTS[kind]}.{name}")
            except NatsError:
                return  # a hint only: who waits for it looks once a second as well

    conninfo, decode = core.settings.database_url_for("project"), decoder(core.keys, core.pool)
    projector = Projector(conninfo, decode, MODELS, announce=announce)
    await projector.run()
