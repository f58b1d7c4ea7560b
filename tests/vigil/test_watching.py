"""Whether anybody looks at pictures: told from detector workers' beats, and only while silence means something."""

from __future__ import annotations

from pathlib import Path

import psutil

from tests.vigil.hall import running, until
from vigil.embedded.nats import run_nats
from vigil.watching import SILENT_S, SUBJECT, BeatEars, beat
from vigil.wiring import connect_nats


async def test_a_detector_worker_is_there_while_it_beats_and_gone_after_some_seconds_of_silence(nats_url: str) -> None:
    client, worker = await connect_nats(nats_url, "test"), await connect_nats(nats_url, "worker")
    async with BeatEars(client, SUBJECT) as ears:
        assert ears.alive() is None, "it may be there and was not heard yet"
        async with running(beat(worker)):
            await until(lambda: _is(ears, True))
        assert ears.alive() is True, "a moment of silence is no fault yet"
        await until(lambda: _is(ears, False), SILENT_S + 10)
        async with running(beat(worker)):
            await until(lambda: _is(ears, True))
    await worker.close()
    await client.close()


async def test_while_the_message_server_hangs_nobody_is_taken_for_gone(tmp_path: Path) -> None:
    with run_nats(tmp_path) as url:
        client, worker = await connect_nats(url, "test"), await connect_nats(url, "worker")
        async with BeatEars(client, SUBJECT) as ears, running(beat(worker)):
            await until(lambda: _is(ears, True))
            server = _server_in(tmp_path)
            server.suspend()
            seen = set[bool | None]()
            await until(lambda: _seen(ears, seen), SILENT_S + 10)
            server.resume()
            await until(lambda: _is(ears, True))
            assert False not in seen
        await worker.close()
        await client.close()


async def _is(ears: BeatEars, wanted: bool | None) -> bool:
    return ears.alive() is wanted


async def _seen(ears: BeatEars, seen: set[bool | None]) -> bool:
    """Notes what is said, until nothing can be told."""
    seen.add(ears.alive())
    return None in seen


def _server_in(folder: Path) -> psutil.Process:
    return next(p for p in psutil.Process().children() if str(folder / "nats" / "nats.conf") in p.cmdline())
