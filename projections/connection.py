"""How the projector connects: as `vigil_project`, and noticing a server that is gone."""

from __future__ import annotations

from psycopg import AsyncConnection


async def connect(conninfo: str) -> AsyncConnection:
    """Statements are not prepared: each is planned for the tables as they are now, not as when they were empty."""
    return await AsyncConnection.connect(
        conninfo, autocommit=True, prepare_threshold=None, keepalives_idle=5, keepalives_interval=5, keepalives_count=2,
        tcp_user_timeout=15000, application_name="vigil projector",
    )  # fmt: skip
