"""The load of the benchmarks: what the senders say they sent is what a recorder finds, to the last packet."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bench.capacity import clean
from bench.processes import free_port, serving
from bench.recorders import Ours, dropped_packets
from bench.recording import Recorded
from bench.senders import Sending, connect, cut, load


async def test_all_that_is_sent_is_found(tmp_path: Path) -> None:
    recorder, port, sending = Ours(tmp_path), free_port(), Sending()
    async with serving(port, recorder.answer):
        pacing = asyncio.create_task(sending.run())
        await connect(f"http://127.0.0.1:{port}", 2, load(60, screen=True), "127.0.0.1", sending)
        await asyncio.sleep(4)
        pacing.cancel()
        await asyncio.sleep(0.5)
        assert recorder.connections == len(sending.links) == 4
        found = await recorder.close()
    streams = [stream for link in sending.links for stream in link.streams]
    frames = sum(s.frames for s in streams if s.kind == "video")
    sounds = sum(s.frames for s in streams if s.kind == "audio")
    assert frames > 2 * 3 * 20
    assert sounds > 2 * 2 * 16
    assert found == {"frames": frames, "sounds": sounds, "lost": 0, "dropped": 0, "disk_behind": 0}


def test_one_missing_picture_or_packet_is_not_clean() -> None:
    sent = {"packets": 100.0, "frames": 50.0, "sounds": 20.0}
    whole = {"frames": 50, "sounds": 20, "lost": 0, "dropped": 0, "disk_behind": 0}
    for change in ({}, {"frames": 49}, {"sounds": 19}, {"lost": 1}, {"dropped": 1}, {"disk_behind": 1}):
        assert clean(Recorded(1, 0.1, 0.0, "", sent, whole | change)) == (not change)


def test_a_frame_is_cut_into_packets_that_begin_as_vp8_has_it() -> None:
    pieces = cut("video", bytes(range(250)) * 10)
    assert len(pieces) == 3
    assert [piece[0] for piece in pieces] == [0x10, 0, 0]
    assert b"".join(piece[1:] for piece in pieces) == bytes(range(250)) * 10
    assert cut("audio", b"opus") == [b"opus"]


def test_a_port_that_nobody_has_drops_nothing() -> None:
    assert dropped_packets(free_port()) == 0
