"""What an export of a whole session costs: ten minutes of camera and screen, chat, proofs, report and manifest.

The baseline reads the same stored media and takes its SHA-256, and nothing else. Rounds alternate with it, and the
median counts.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from statistics import median

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from commands.checkpoint import Signer
from commands.envelope import encode, tag_of
from commands.keys import KeyName, KeyRing
from commands.notary import seal_batch, sign
from commands.objects import FolderStore
from domain import chat, recording, session
from domain.event import Event, Private
from domain.phase import Track
from domain.policy import Policy
from domain.recorded import Envelope
from media.blocks import seal_recording
from media.names import RecordingName, SegmentName, finalised_object_key
from media.sealing import SegmentSealer
from vigil import embedded
from vigil.embedded.place import remove
from vigil.export import export_session
from vigil.migrate import migrate
from vigil.settings import as_role

SEGMENTS, SEGMENT_BYTES, MESSAGES = 100, 400_000, 2_000  # segments of each track
ROUNDS = 3
TRACKS: tuple[Track, ...] = ("camera", "screen")
NINE = datetime(2026, 6, 1, 9, tzinfo=UTC)
SESSION, SUBJECT = "s1", "ada"
INTO = "COPY ledger.events (originator_id, originator_version, topic, state, recorded_at) FROM STDIN"

Said = tuple[str, Event]


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, baseline, ratio, goal, note}. Takes about half a minute."""
    home = Path(tempfile.mkdtemp(prefix="vigil-bench-"))
    try:
        with embedded.servers(home) as servers:
            return asyncio.run(_measure(servers.database_url, home))
    finally:
        remove(home)
        shutil.rmtree(home)  # the media, and the exports


async def _measure(url: str, home: Path) -> list[dict[str, object]]:
    await migrate(url)
    objects = FolderStore(home / "objects")
    signer = Signer("bench", Ed25519PrivateKey.generate())
    ours, bare = [], []
    async with AsyncExitStack() as stack:
        pool: AsyncConnectionPool[AsyncConnection] = AsyncConnectionPool(as_role(url, "keys"), open=False, min_size=1)
        keys = KeyRing(await stack.enter_async_context(pool), bytes(32))
        conn = await stack.enter_async_context(
            await AsyncConnection.connect(as_role(url, "notary"), autocommit=True),
        )
        stored = await _fill(url, keys, objects)
        while (await seal_batch(conn)).events:
            pass
        await sign(conn, signer)
        for number in range(ROUNDS + 1):  # the first is discarded
            began = time.perf_counter()
            for key in stored:
                sha256(await objects.get(key)).digest()
            bare.append(time.perf_counter() - began)
            began = time.perf_counter()
            made = await export_session(
                home / f"export{number}", "t", SESSION, conn=conn, objects=objects, keys=keys, signer=signer
            )
            ours.append(time.perf_counter() - began)
    size = sum(stored.values()) / 1e6
    exported_s, read_s = median(ours[1:]), median(bare[1:])
    return [
        {
            "name": "exporting a session with its media, against reading and hashing the same bytes",
            "value": round(size / exported_s, 1), "unit": "MB/s", "baseline": round(size / read_s, 1),
            "ratio": round(read_s / exported_s, 3), "goal": None,
            "note": f"{made.events:,} events and {len(stored)} media files, {size:.0f} MB, in {exported_s:.1f} s,"
            f" {made.events / exported_s:,.0f} events/s: recordings decrypted, every event with its key and its proof,"
            " report as HTML and PDF, signed manifest",
        }
    ]  # fmt: skip


async def _fill(url: str, keys: KeyRing, objects: FolderStore) -> dict[str, int]:
    """The session in the ledger, and its media; gives the size of each stored object."""
    chat_key = KeyName(SUBJECT, SESSION, "chat")
    await keys.data_key(chat_key)
    data_key = await keys.data_key(KeyName(SUBJECT, SESSION, "media"))
    own, talk = f"t/session/{SESSION}", f"t/chat/{SESSION}"
    started = session.Started(at=NINE, policy=Policy(), duration_s=7200, end_at=NINE + timedelta(hours=2))
    happened: list[Said] = [(own, session.Opened(schedule="x", subject=SUBJECT)), (own, started)]
    for n in range(MESSAGES):
        text = Private(SUBJECT, f"May I leave the room? {n}", session=SESSION, key_class="chat")
        message = chat.MessageSent(message=f"m{n}", side="candidate", by=SUBJECT, at=NINE, text=text)
        happened.append((talk, message))
    stored: dict[str, int] = {}
    for track in TRACKS:
        happened += await _recorded(data_key, objects, RecordingName("t", SESSION, track), stored)
    envelope, versions = Envelope(actor="candidate", command="c" * 32), dict[str, int]()
    async with await AsyncConnection.connect(url) as owner, owner.cursor().copy(INTO) as copy:
        for stream, event in happened:
            versions[stream] = version = versions.get(stream, 0) + 1
            state = encode(event, envelope, stream, version, keys.held)
            await copy.write_row((stream, version, tag_of(event), state, datetime.now(UTC)))
    return stored


async def _recorded(data_key: bytes, objects: FolderStore, name: RecordingName, stored: dict[str, int]) -> list[Said]:
    """One track: its segments as they were stored, and the finished file."""
    stream = f"t/recording/{name.text}"
    happened: list[Said] = [(stream, recording.Started(connection=1, at=NINE, worker="w1"))]
    for number in range(1, SEGMENTS + 1):
        place, began = SegmentName(name, 1, number), NINE + timedelta(seconds=6 * number)
        sealer = SegmentSealer(data_key, place)
        media = os.urandom(SEGMENT_BYTES)
        sealed = sealer.header + sealer.seal(media, end_ms=6000, frames=90, sounds=0, last=True)
        await objects.put_new(place.object_key(), sealed)
        stored[place.object_key()] = len(sealed)
        segment = recording.Segment(
            connection=1, number=number, started_at=began, ended_at=began + timedelta(seconds=6), bytes=len(sealed),
            frames=90, sha256=sha256(sealed).hexdigest(), object_key=place.object_key(), codec="VP8", width=640,
            height=480, complete=True,
        )  # fmt: skip
        happened.append((stream, recording.SegmentStored(segment=segment)))
    whole = b"".join(seal_recording(data_key, name, [os.urandom(SEGMENTS * SEGMENT_BYTES)]))
    hash_ = sha256(whole).hexdigest()
    key = finalised_object_key(name, hash_)
    await objects.put_new(key, whole)
    stored[key] = len(whole)
    finished = recording.Finalised(
        object_key=key, bytes=len(whole), sha256=hash_, duration_s=6 * SEGMENTS, frames=90 * SEGMENTS, segments=SEGMENTS
    )
    ended = recording.Ended(connection=1, at=NINE + timedelta(seconds=6 * SEGMENTS), why="stopped")
    return [*happened, (stream, ended), (stream, finished)]
