"""Recordings of a session without a camera: sealed segments, put into the store and told to the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache, partial

from msgspec.structs import replace

from commands import recordings
from commands.keys import KeyName
from domain import recording
from domain.messages import VideoCodec
from domain.phase import Track
from domain.recording import Recording
from domain.segment import Segment, Why
from domain.stream import Stream
from media.clips import Clip, card_clip, sound_clip
from media.clock import SenderClock, StreamClock
from media.names import RecordingName, SegmentName
from media.recorder import Recorder
from tests.media.tape import Tape, play, segment_of
from tests.vigil.hall import Hall

TRACKS: tuple[Track, ...] = ("camera", "screen")


@cache
def _clips(codec: VideoCodec) -> tuple[Clip, Clip]:
    return card_clip(2, codec=codec), sound_clip(hertz=440)


async def taped(
    hall: Hall, session: str, track: Track = "camera", seconds: float = 13, codec: VideoCodec = "VP8"
) -> list[tuple[Segment, bytes]]:
    """The sealed segments of one connection, as a media worker makes them."""
    subject = (await hall.state(session)).subject
    data_key = await hall.core.keys.data_key(KeyName(subject, session, "media"))
    name, start = RecordingName("main", session, track), hall.clock()

    def wall(at: float) -> datetime:
        return start + timedelta(seconds=at)

    tape, sender = Tape(), SenderClock()
    clocks = {"video": StreamClock(90_000, sender), "audio": StreamClock(48_000, sender)}
    recorder = Recorder(name, 1, data_key=data_key, store=tape, clocks=clocks, wall=wall)  # type: ignore[arg-type]
    picture, sound = _clips(codec)
    for frame in sorted([*play(picture, seconds), *play(sound, seconds)], key=lambda f: f.arrival):
        recorder.on_frame(frame)
    recorder.close()
    found = []
    for note in tape.notes:
        stored = tape.files[note.number]
        key = SegmentName(name, 1, note.number).object_key(note.codec)
        found.append((replace(segment_of(note, stored), object_key=key), stored))
    return found


async def on_air(hall: Hall, session: str, tracks: Iterable[Track] = TRACKS) -> None:
    """A media worker takes these tracks."""
    for track in tracks:
        await hall.say(partial(recordings.start_connection, session=session, track=track, connection=1, worker="w"))


async def deliver(hall: Hall, segments: Iterable[tuple[Segment, bytes]]) -> None:
    """Puts segments into the store, and tells the ledger."""
    for segment, stored in segments:
        await hall.core.objects.put_new(segment.object_key, stored)
        name = segment.object_key.split("/")[2]
        await hall.say(partial(recordings.store_segment, name=name, order=recording.StoreSegment(segment=segment)))


async def end(hall: Hall, session: str, tracks: Iterable[Track] = TRACKS, why: Why = "stopped") -> None:
    for track in tracks:
        order = recording.End(connection=1, at=hall.clock(), why=why)
        await hall.say(partial(recordings.end_connection, name=f"{session}.{track}", order=order))


async def finalised(hall: Hall, session: str, track: Track) -> None:
    """Tells the ledger that a track is finished, without a file."""
    order = recording.Finalise(object_key=f"{track}", bytes=1, sha256="00", duration_s=1, frames=1, segments=1)
    await hall.say(partial(recordings.finalise, name=f"{session}.{track}", order=order))


async def recorded(hall: Hall, session: str, track: Track = "camera") -> Recording:
    stream = str(Stream("main", "recording", f"{session}.{track}"))
    _, state = await hall.core.handler.load(recording.DECIDER, stream, fresh=True)
    return state
