"""How the projector connects: as `vigil_project`, and noticing a server that is gone."""

from __future__ import annotations

from psycopg import AsyncConnection


async def connect(conninfo: str) -> AsyncConnection:
    """A commit does not wait for the disk: rows and position are lost together, and are made again from the ledger.

    Rows are always looked up by index: a plan that was right for a small table must not read a large one whole.
    """
    conn = await AsyncConnection.connect(
        conninfo, autocommit=True, keepalives_idle=5, keepalives_interval=5, keepalives_count=2, tcp_user_timeout=15000,
        application_name="vigil projector",
    )  # fmt: skip
    for setting in ("synchronous_commit", "enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit"):
        await conn.execute("SELECT set_config(%s, 'off', false)", (setting,))
    return conn
