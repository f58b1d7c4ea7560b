"""What sealing costs: the whole notary, from the stored rows to the signed checkpoint, beside SHA-256 alone.

The database waits for the disk, as in production. Rounds alternate with the baseline, and the median counts.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from hashlib import sha256
from pathlib import Path
from statistics import median

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import AsyncConnection

from commands.checkpoint import Signer
from commands.leaf import leaf_bytes
from commands.merkle import inclusion_spans, root
from commands.notary import seal_batch, sign
from commands.proofs import inclusions, latest, read_after
from vigil import embedded
from vigil.embedded.place import remove
from vigil.migrate import migrate
from vigil.settings import as_role

EVENTS, ROUNDS, STATE_BYTES = 20_000, 5, 330
ASKED = 20_000  # events a second
PROVEN, COMPUTED = 1_000, 5

FILL = """
INSERT INTO ledger.events (originator_id, originator_version, topic, state, recorded_at)
SELECT 'bench/session/' || %(round)s || '-' || n %% 50, n / 50 + 1, 'session.opened',
       convert_to(repeat('x', %(size)s), 'UTF8'), clock_timestamp()
FROM generate_series(0, %(events)s - 1) AS n
"""


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, baseline, ratio, goal, note}. Takes about 15 seconds."""
    home = Path(tempfile.mkdtemp(prefix="vigil-bench-"))
    try:
        with embedded.servers(home) as servers:
            return asyncio.run(_measure(servers.database_url))
    finally:
        remove(home)


async def _measure(database_url: str) -> list[dict[str, object]]:
    await migrate(database_url)
    signer = Signer("bench", Ed25519PrivateKey.generate())
    ours, bare = [], []
    async with (
        await AsyncConnection.connect(database_url, autocommit=True) as owner,
        await AsyncConnection.connect(as_role(database_url, "notary"), autocommit=True) as conn,
    ):
        for number in range(ROUNDS):
            await owner.execute(FILL, {"round": number, "size": STATE_BYTES, "events": EVENTS})
            await owner.execute("ANALYZE")
            rows = await read_after(conn, number * EVENTS, EVENTS)
            data = [leaf_bytes(row) for row in rows]
            begun = time.perf_counter()
            for one in data:
                sha256(one).digest()
            bare.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            while (await seal_batch(conn)).events:
                pass
            await sign(conn, signer)
            ours.append(time.perf_counter() - begun)
        proof_s, whole_s = await _prove(conn)
    sealing, hashing = median(ours), median(bare)
    return [
        {
            "name": "sealing events, against SHA-256 of the same bytes alone",
            "value": round(EVENTS / sealing), "unit": "events/s", "baseline": round(EVENTS / hashing),
            "ratio": round(hashing / sealing, 3), "goal": None,
            "note": f"one notary: read, hash, tree, stored levels, signature, on a disk; states of {STATE_BYTES} bytes",
        },
        {
            "name": f"the same, against the {ASKED:,} a second that are asked for",
            "value": round(EVENTS / sealing), "unit": "events/s", "baseline": ASKED,
            "ratio": round(EVENTS / sealing / ASKED, 3), "goal": ">=1", "note": "",
        },
        {
            "name": "inclusion proofs out of the stored levels, against the whole tree computed for each",
            "value": round(1 / proof_s), "unit": "proofs/s", "baseline": round(1 / whole_s, 2),
            "ratio": round(whole_s / proof_s), "goal": None,
            "note": f"{PROVEN} at once, as an export asks, in a tree of {EVENTS * ROUNDS} leaves; the baseline has all"
            " leaf hashes in memory",
        },
    ]  # fmt: skip


async def _prove(conn: AsyncConnection) -> tuple[float, float]:
    """Seconds for a proof, of `PROVEN` that are spread over the whole tree; and for one from nothing but the leaves."""
    head = await latest(conn)
    assert head
    step = head.position // PROVEN
    begun = time.perf_counter()
    proofs = await inclusions(conn, range(1, head.position, step)[:PROVEN], head.size)
    proof_s = (time.perf_counter() - begun) / PROVEN
    leaves = [bytes(row[0]) async for row in await conn.execute("SELECT hash FROM ledger.leaves ORDER BY index")]
    begun = time.perf_counter()
    paths = [_computed(leaves, proof.index) for proof in proofs[-COMPUTED:]]
    whole_s = (time.perf_counter() - begun) / COMPUTED
    assert paths == [proof.path for proof in proofs[-COMPUTED:]]
    return proof_s, whole_s


def _computed(leaves: list[bytes], index: int) -> tuple[bytes, ...]:
    return tuple(root(leaves[span.start : span.stop]) for span in inclusion_spans(index, len(leaves)))
