"""What is recorded of the sound goes to the detectors, where a policy asks for it, and nowhere else."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import msgspec
import pytest
from nats.aio.msg import Msg

from domain.messages import Sound
from media.clips import Clip
from media.sound_feed import Batches, SoundFeed
from media.track import EncodedFrame
from tests.media.hall import Eventually, Hall
from tests.media.tape import RECORDING, START, play


def batched(frames: list[EncodedFrame]) -> list[Sound]:
    sent: list[Sound] = []

    def when(frame: EncodedFrame) -> datetime:
        return START + timedelta(seconds=frame.arrival)

    batches = Batches(RECORDING, when, sent.append)
    for frame in frames:
        batches.add(frame)
    return sent


def test_each_batch_holds_two_seconds_of_packets_with_their_times(tone: Clip) -> None:
    first, second, *_ = sent = batched(play(tone, 8))
    assert len(sent) == 3, "the last one is not over"
    assert (first.at, second.at - first.at) == (START + timedelta(seconds=0.02), timedelta(seconds=first.seconds))
    assert first.seconds == pytest.approx(2.04)  # packets of 60 ms
    assert first.offsets == tuple(n * tone.ticks for n in range(34))
    assert first.packets + second.packets == tuple(tone.frames[n % len(tone.frames)] for n in range(68))


@pytest.mark.parametrize("ticks", [20 * 48_000, 0])
def test_a_pause_or_another_clock_begins_a_batch_that_says_nothing_of_the_one_before(tone: Clip, ticks: int) -> None:
    sent = batched([*play(tone, 1), *play(tone, 3, start_s=20, ticks=ticks)])
    assert [(one.at, one.seconds) for one in sent] == [
        (START + timedelta(seconds=0.02), 2.0), (START + timedelta(seconds=20.02), pytest.approx(2.04)),
    ]  # fmt: skip


def test_nobody_can_make_a_batch_of_any_size() -> None:
    heavy = [EncodedFrame("audio", bytes(60_000), n, True, None, 0.0) for n in range(10)]
    many = [EncodedFrame("audio", b"", n, True, None, 0.0) for n in range(3000)]
    assert max(sum(map(len, one.packets)) for one in batched(heavy)) <= 256 << 10
    assert max(len(one.packets) for one in batched(many)) <= 1024


def test_what_nobody_takes_in_time_is_dropped_the_oldest_first(tone: Clip) -> None:
    feed = SoundFeed()
    (one,) = batched(play(tone, 2.1))
    for second in range(300):
        feed.put(msgspec.structs.replace(one, at=START + timedelta(seconds=second)))
    assert feed.waiting.qsize() == 256
    assert feed.waiting.get_nowait().at == START + timedelta(seconds=44)


async def test_only_what_is_recorded_is_passed_on_and_only_where_it_is_asked_for(
    hall: Hall, session: str, *, card: Clip, tone: Clip, page: Clip, eventually: Eventually
) -> None:
    heard: list[Sound] = []

    async def on_sound(message: Msg) -> None:
        heard.append(msgspec.msgpack.decode(message.data, type=Sound))
        assert message.subject == f"vigil.sound.{heard[-1].session}.camera"

    await hall.front.subscribe("vigil.sound.>", cb=on_sound)
    unasked, rehearsal, silent = f"{session}-unasked", f"{session}-rehearsal", f"{session}-screen"
    async with hall.publisher(unasked, "camera", card, tone) as beside:
        hall.listen, hall.record = True, False
        async with hall.publisher(rehearsal, "camera", card, tone) as seen:
            hall.record = True
            async with hall.publisher(silent, "screen", page), hall.publisher(session, "camera", card, tone) as me:
                await asyncio.gather(beside.connected(), seen.connected(), me.connected())
                await eventually(lambda: len(heard) >= 2)
    assert {one.session for one in heard} == {session}
    first, second = heard[:2]
    assert abs((second.at - first.at).total_seconds() - first.seconds) < 0.1
    await eventually((hall.folder(session, "camera") / "ended.json").exists)
    segments = hall.segments(session, "camera")
    assert segments[0].note.started_at - timedelta(seconds=0.2) <= first.at
    assert set(first.packets) <= set(tone.frames)
