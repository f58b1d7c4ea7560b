"""What a real Chromium makes of speech (suppression of noise, gain, Opus) is heard as speech, and a beep is not."""

from __future__ import annotations

import wave
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import numpy as np
import pytest
from nats.aio.msg import Msg

from detectors.hearing import Ear, Hearing
from detectors.sound import decode
from domain.messages import SOUND_RATE, Sound
from tests import chromium
from tests.detectors import speech
from tests.detectors.hall import until
from tests.media.hall import new_settings, open_hall
from tests.media.loopback import served

pytestmark = pytest.mark.alone


def wav(path: Path, sound: speech.Wave) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SOUND_RATE)
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    return path


@pytest.mark.slow
@pytest.mark.parametrize("spoken", [True, False])
async def test_speech_from_a_real_browser_is_heard_and_its_beep_is_none(
    nats_url: str, tmp_path: Path, spoken: bool
) -> None:
    heard, session = list[Sound](), f"chromium-{spoken}"

    async def on_sound(message: Msg) -> None:
        heard.append(msgspec.msgpack.decode(message.data, type=Sound))

    file = wav(tmp_path / "speech.wav", speech.speech(20)) if spoken else None
    async with AsyncExitStack() as stack:
        hall = await stack.enter_async_context(open_hall(new_settings(nats_url, tmp_path)))
        hall.listen = True
        await hall.front.subscribe(f"vigil.sound.{session}.camera", cb=on_sound)
        url = await stack.enter_async_context(served(hall))
        browser = await stack.enter_async_context(chromium.running(fps=10, heard=file))
        page = await browser.new_page()
        await page.goto(f"{url}/#{session}")
        await page.get_by_role("button").click()
        await page.wait_for_function("window.published", timeout=30_000)
        await until(lambda: len(heard) >= 7, 60)
        await page.evaluate("hangUp()")
    ears, ear = Hearing.load(), Ear()
    found = [ears.listen(ear, one) for one in heard[2:]]  # gain and suppression settle first
    print("\nvoiced", [round(one.voiced, 2) for one in found], "dB", [round(decode(one).level_db) for one in heard])
    assert all(one.cannot_tell is None for one in found)
    assert np.mean([one.voiced >= 0.5 for one in found]) == spoken
