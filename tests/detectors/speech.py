"""Sound for tests: speech, put together by eSpeak NG, and things that are no speech; and Opus as a browser sends it."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import cache

import av
import espeakng_loader
import numpy as np
from numpy.typing import NDArray

from domain.messages import SOUND_RATE, Sound
from tests.detectors.hall import START, TENANT

Wave = NDArray[np.float64]
"""Sound at `SOUND_RATE`, one channel, from -1 to 1."""

PACKET_MS = 20
SAID = (
    "The answer to the third question is seventeen. Write down what I say, and then go on with the next one, because"
    " there is not much time left. After that we turn the page and read the text together, slowly and word by word."
)
_SYNCHRONOUS, _UTF8 = 2, 1
_Heard = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def speech(seconds: float, *, voice: str = "en") -> Wave:
    """A synthetic voice that reads `SAID` over and over, without a pause."""
    once = _spoken(voice)
    return np.resize(once, round(seconds * SOUND_RATE))


@cache
def _spoken(voice: str) -> Wave:
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(_SYNCHRONOUS, 500, espeakng_loader.get_data_path().encode(), 1 << 15)
    parts: list[NDArray[np.int16]] = []

    def keep(samples: ctypes._Pointer[ctypes.c_short], many: int, _events: int) -> int:
        if samples and many:
            parts.append(np.ctypeslib.as_array(samples, (many,)).copy())
        return 0

    heard = _Heard(keep)
    library.espeak_SetSynthCallback(heard)
    assert library.espeak_SetVoiceByName(voice.encode()) == 0
    text = SAID.encode()
    assert library.espeak_Synth(text, len(text) + 1, 0, 0, 0, _UTF8, None, None) == 0
    library.espeak_Terminate()
    said = np.concatenate(parts)
    at = np.arange(len(said) * SOUND_RATE // rate) * rate / SOUND_RATE
    return np.interp(at, np.arange(len(said)), said) / 32768


def noise(seconds: float, level: float = 0.03) -> Wave:
    return level * np.random.default_rng(1).standard_normal(round(seconds * SOUND_RATE))


def tone(seconds: float, hertz: float = 440.0, level: float = 0.2) -> Wave:
    return level * np.sin(2 * np.pi * hertz * _clock(seconds))


def hum(seconds: float) -> Wave:
    return sum((0.05 * tone(seconds, 50.0 * n, 1 / n) for n in range(1, 8)), silence(seconds))


def clicks(seconds: float) -> Wave:
    """Some five a second, as of a keyboard."""
    chance, wave = np.random.default_rng(2), silence(seconds)
    length = SOUND_RATE // 40
    for at in chance.integers(0, len(wave) - length, round(5 * seconds)):
        wave[at : at + length] += 0.4 * chance.standard_normal(length) * np.exp(-np.arange(length) / (length / 6))
    return wave


def chords(seconds: float) -> Wave:
    """Two a second, which ring down: a little like a piano."""
    beat, wave = SOUND_RATE // 2, silence(seconds)
    for number, at in enumerate(range(0, len(wave) - beat + 1, beat)):
        for hertz in ((262, 330, 392), (294, 349, 440), (247, 294, 392))[number % 3]:
            both = tone(0.5, hertz, 0.1) + tone(0.5, 2 * hertz, 0.05)
            wave[at : at + beat] += both * np.exp(-4 * _clock(0.5))
    return wave


def silence(seconds: float) -> Wave:
    return np.zeros(round(seconds * SOUND_RATE))


def opus(wave: Wave, *, stereo: bool = False, packet_ms: int = PACKET_MS) -> list[bytes]:
    """Encoded as browsers do it, each packet `packet_ms` long."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    layout, channels = ("stereo", 2) if stereo else ("mono", 1)
    encoder.bit_rate, encoder.sample_rate = 32_000, SOUND_RATE
    encoder.layout, encoder.format = av.AudioLayout(layout), av.AudioFormat("s16")
    encoder.options = {"frame_duration": str(packet_ms), "application": "voip"}
    size, found = SOUND_RATE * packet_ms // 1000, list[bytes]()
    samples = np.repeat((np.clip(wave, -1, 1) * 32767).astype(np.int16), channels)
    for number in range(len(wave) // size):
        part = samples[number * size * channels : (number + 1) * size * channels]
        frame = av.AudioFrame.from_ndarray(part.reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate, frame.pts = SOUND_RATE, number * size
        found += [bytes(packet) for packet in encoder.encode(frame)]
    return found


def batches(
    packets: Iterable[bytes], *, session: str = "anna", start: datetime = START, packet_ms: int = PACKET_MS
) -> Iterator[Sound]:
    """Two seconds each, one after the other, as the media process cuts them."""
    packets, many = list(packets), 2000 // packet_ms
    for number in range(len(packets) // many):
        part = tuple(packets[number * many : (number + 1) * many])
        offsets = tuple(n * packet_ms * SOUND_RATE // 1000 for n in range(many))
        at = start + timedelta(seconds=2 * number)
        yield Sound(tenant=TENANT, session=session, at=at, seconds=2.0, packets=part, offsets=offsets)


def _clock(seconds: float) -> Wave:
    return np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
