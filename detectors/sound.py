"""Opus packets in, one channel of samples out, and how loud they are: what is too quiet need not be listened to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

from detectors.voice import RATE, Samples
from domain.messages import SOUND_RATE, Sound

LOUDEST_S = 0.25  # the level is that of the loudest stretch so long
SILENCE_DB = -96.0  # what no level is below: the smallest step of 16 bits is above
_LONGEST_S = 10.0  # of a batch; longer ones are cut
_ZERO = 2  # of 32767: what silence comes to after an encoder and a decoder
_NOTHING = 2  # bytes: a packet as small says that nothing is sent for a while, for there is silence (RFC 6716, 3.1)

Raw = NDArray[np.int16]
"""Sound at `SOUND_RATE`, one channel."""


@dataclass(frozen=True)
class Decoded:
    """One batch. `lost` is the share of its time of which nothing came, or nothing that could be decoded.

    `level_db` is against the loudest that there can be, as a square wave is at 0 dB; `zero` says that it is as
    silent as a microphone that is off, and hardly any that is on.
    """

    raw: Raw
    lost: float
    level_db: float
    zero: bool


def decode(sound: Sound) -> Decoded:
    """Decodes a batch by a fresh decoder, so that none can harm the next. What is missing is silence."""
    raw = np.zeros(round(min(max(sound.seconds, 0.0), _LONGEST_S) * SOUND_RATE), np.int16)
    decoder = av.CodecContext.create("libopus", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.sample_rate, decoder.layout = SOUND_RATE, av.AudioLayout("mono")
    lost, heard_to, silent = 0, 0, False
    for packet, offset in zip(sound.packets, sound.offsets, strict=False):
        samples = _one(decoder, packet)
        if samples is None or not 0 <= offset < len(raw):
            continue
        lost += 0 if silent else max(0, offset - heard_to)
        samples = samples[: len(raw) - offset]
        raw[offset : offset + len(samples)] = samples
        heard_to, silent = max(heard_to, offset + len(samples)), len(packet) <= _NOTHING
    lost += 0 if silent else len(raw) - heard_to
    zero = not raw.size or int(np.abs(raw.astype(np.int32)).max()) <= _ZERO
    return Decoded(raw, lost / len(raw) if raw.size else 1.0, _level_db(raw), zero)


def to_voice(raw: Raw) -> Samples:
    """The same as the voice's model wants it."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    frame = av.AudioFrame.from_ndarray(raw.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = SOUND_RATE
    parts = [part.to_ndarray()[0] for part in (*resampler.resample(frame), *resampler.resample(None))]
    return np.concatenate(parts).astype(np.float32, copy=False)


def _one(decoder: av.AudioCodecContext, packet: bytes) -> Raw | None:
    """The samples of one packet; None when it is none."""
    try:
        frames = decoder.decode(av.Packet(packet)) if packet else []
        return np.concatenate([frame.to_ndarray()[0] for frame in frames]) if frames else None
    except av.FFmpegError:
        return None


def _level_db(raw: Raw) -> float:
    size = round(LOUDEST_S * SOUND_RATE)
    if len(raw) < size:
        return SILENCE_DB
    stretches = raw[: len(raw) // size * size].reshape(-1, size).astype(np.float32)
    loudest = math.sqrt(float(np.einsum("ij,ij->i", stretches, stretches).max()) / size) / 32768
    return max(SILENCE_DB, 20 * math.log10(loudest)) if loudest > 0 else SILENCE_DB
