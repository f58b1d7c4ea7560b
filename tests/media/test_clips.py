"""Clips for publishers: a key frame first and each two seconds, of the size and length that was asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from media.clips import Clip, camera_clip, encode_pictures, sound_clip
from media.vp8 import vp8_keyframe_size

SAMPLES = Path(__file__).parents[3] / "shared" / "clips"


def keys(clip: Clip) -> list[int]:
    return [n for n, data in enumerate(clip.frames) if vp8_keyframe_size(data)]


def test_a_camera_has_a_key_frame_each_two_seconds(card: Clip) -> None:
    assert (len(card.frames), keys(card), card.duration_s) == (60, [0, 30], 4)
    assert vp8_keyframe_size(card.frames[0]) == (640, 480)


def test_a_screen_is_large_and_slow(page: Clip) -> None:
    assert (len(page.frames), keys(page)) == (30, [0, 10, 20])
    assert vp8_keyframe_size(page.frames[0]) == (1280, 720)


@pytest.mark.parametrize("packet_ms", [20, 60])
def test_sound_has_packets_of_the_length_asked_for(packet_ms: int) -> None:
    clip = sound_clip(1.2, packet_ms=packet_ms)
    assert (len(clip.frames), clip.ticks) == (1200 // packet_ms, 48 * packet_ms)


def test_pictures_become_a_clip_and_none_is_refused() -> None:
    pictures = [np.full((48, 64, 3), n, dtype=np.uint8) for n in range(5)]
    clip = encode_pictures(pictures, fps=5)
    assert (len(clip.frames), vp8_keyframe_size(clip.frames[0])) == (5, (64, 48))
    with pytest.raises(ValueError, match="needs a picture"):
        encode_pictures([], fps=5)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample clips are not on this machine")
@pytest.mark.parametrize("name", ["one-person-book.mkv", "two-people.gif"])
def test_a_file_plays_as_a_camera(name: str) -> None:
    clip = camera_clip(SAMPLES / name)
    assert vp8_keyframe_size(clip.frames[0]) == (640, 480)
    assert 1 < clip.duration_s < 21
    assert clip.ticks == 6000
