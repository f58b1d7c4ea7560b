"""Whether sound is speech: on the real weights, after a round through Opus, and what is said of sound that is none."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import av
import numpy as np
import pytest
from msgspec.structs import replace

from detectors import hearing, sound, voice
from detectors.hearing import LEVEL_DB, ZERO_S, Ear, Hearing
from detectors.pipeline import DetectorError
from detectors.runtime import session
from detectors.seen import Observation
from detectors.settings import Settings
from detectors.weights import WeightsMissingError
from domain.messages import SOUND_RATE, Sound
from domain.policy import DetectorSetting
from tests.detectors import speech
from tests.detectors.hall import START
from tests.detectors.speech import Wave, batches, opus

NO_SPEECH = {
    "noise": speech.noise(20), "loud noise": speech.noise(20, 0.2), "a tone": speech.tone(20), "a hum": speech.hum(20),
    "clicks": speech.clicks(20), "chords": speech.chords(20),
}  # fmt: skip


@pytest.fixture(scope="session")
def ears() -> Hearing:
    return Hearing.load()


def listened(ears: Hearing, sounds: list[Sound], ear: Ear | None = None) -> list[Observation]:
    ear = ear or Ear()
    return [ears.listen(ear, one) for one in sounds]


def of(wave: Wave, **how: bool) -> list[Sound]:
    return list(batches(opus(wave, **how)))


@pytest.mark.parametrize("stereo", [False, True])
@pytest.mark.parametrize("spoken", ["en", "en-us", "de", "ru"])
def test_speech_is_heard_in_each_batch(ears: Hearing, spoken: str, stereo: bool) -> None:
    heard = listened(ears, of(speech.speech(12, voice=spoken), stereo=stereo))
    assert len(heard) == 6
    assert all(one.voiced >= 0.5 and one.cannot_tell is None for one in heard)
    assert [one.at for one in heard[:2]] == [START + timedelta(seconds=1), START + timedelta(seconds=3)]


@pytest.mark.parametrize("what", NO_SPEECH)
def test_what_is_no_speech_is_none(ears: Hearing, what: str) -> None:
    heard = listened(ears, of(NO_SPEECH[what]))
    assert {one.cannot_tell for one in heard} == {None}
    assert max(one.voiced for one in heard) < 0.1


def test_quiet_speech_is_not_listened_to(ears: Hearing) -> None:
    heard = of(speech.speech(6) * 10 ** (-35 / 20))
    assert max(sound.decode(one).level_db for one in heard) < LEVEL_DB
    assert [one.voiced for one in listened(ears, heard)] == [0.0] * 3


def test_the_level_is_that_of_the_loudest_quarter_of_a_second() -> None:
    short = speech.silence(2)
    short[SOUND_RATE : SOUND_RATE + SOUND_RATE // 2] = speech.tone(0.5, level=0.5)
    (one,) = of(short)
    assert sound.decode(one).level_db == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=1.0)


def test_a_microphone_that_gives_nothing_at_all_cannot_tell_after_a_while(ears: Hearing) -> None:
    nothing = of(speech.silence(14))
    heard = listened(ears, [*nothing, *later(of(speech.noise(2, 0.0005)), 14)])
    assert {sound.decode(one).level_db for one in nothing} == {sound.SILENCE_DB}
    assert [one.cannot_tell for one in heard] == [*[None] * 4, *["no_sound"] * 3, None]
    assert ZERO_S == 10.0


def test_a_batch_that_came_in_pieces_cannot_tell_and_one_with_a_few_holes_can(ears: Hearing) -> None:
    (whole,) = of(speech.speech(2))
    kept = {"few": range(0, 100, 3), "most": [n for n in range(100) if n % 5]}
    few, most = (
        replace(whole, packets=tuple(whole.packets[n] for n in some), offsets=tuple(whole.offsets[n] for n in some))
        for some in kept.values()
    )
    assert [one.cannot_tell for one in listened(ears, [few, most])] == ["sound_lost", None]
    assert sound.decode(most).lost == pytest.approx(0.2, abs=0.02)


def test_a_sender_that_says_nothing_while_it_is_quiet_has_lost_nothing() -> None:
    (one,) = of(speech.noise(2, 0.001))
    nothing = replace(one, packets=(one.packets[0], b"\x78"), offsets=(0, 960))  # discontinuous transmission
    assert sound.decode(nothing).lost == 0.0


@pytest.mark.parametrize("packet", [b"", b"\xff", b"\xff" * 700, bytes(range(256)) * 5, b"\x03" * 9])
def test_packets_that_are_none_are_as_if_they_had_not_come(ears: Hearing, packet: bytes) -> None:
    (one,) = of(speech.speech(2))
    broken = replace(one, packets=(packet,) * 100)
    assert listened(ears, [broken])[0].voiced < 0.5
    odd = replace(one, offsets=(-5, 10**9, *one.offsets[2:]), packets=one.packets[:90])
    assert listened(ears, [odd])[0].cannot_tell is None


def test_what_is_remembered_carries_over_a_seam_and_not_over_a_gap(ears: Hearing) -> None:
    first, second = of(speech.speech(4))
    carried, anew = Ear(), Ear()
    (_, after) = listened(ears, [first, second], carried)
    listened(ears, [first, *later([second], 5)], anew)
    assert after.voiced > 0.5
    assert not np.array_equal(carried.memory.hidden, anew.memory.hidden)
    alone = Ear()
    listened(ears, later([second], 5), alone)
    assert np.array_equal(alone.memory.hidden, anew.memory.hidden)


def test_the_weights_for_stretches_say_what_those_for_single_windows_say(ears: Hearing) -> None:
    said = sound.to_voice(sound.decode(of(speech.speech(2))[0]).raw)
    found, memory = ears._model.speech(said, voice.fresh())
    single = session(ears._model.weights.path.with_name("silero_vad.onnx"))
    state, before, one_by_one = np.zeros((2, 1, 128), np.float32), np.zeros(64, np.float32), []
    for at in range(0, len(said) - 511, 512):
        window = np.concatenate([before, said[at : at + 512]])
        given = {"input": window[None], "state": state, "sr": np.array(voice.RATE, np.int64)}
        probability, state = single.run(None, given)
        before = window[-64:]
        one_by_one.append(probability.item())
    assert len(found) == len(said) // 512
    assert np.allclose(found, one_by_one, atol=1e-5)
    assert len(memory.rest) == len(said) % 512


def test_an_incident_says_what_it_rests_on(ears: Hearing) -> None:
    told = ears.provenance("voice", Settings(detectors=(DetectorSetting(kind="voice", threshold=0.7),)))
    assert told.weights == {"silero_vad_16k_sequence": voice.SHA256}
    assert told.thresholds == {"voiced": 0.7, "speech": 0.5, "level_db": -50.0}
    assert (told.detector, told.rule_version) == ("voice", "voice/1")
    assert f"av/{av.__version__}" in told.detector_version


def test_other_weights_are_refused_and_missing_ones_are_said(tmp_path: Path) -> None:
    other = tmp_path / "silero_vad_16k_sequence.onnx"
    other.write_bytes(b"something else")
    with pytest.raises(WeightsMissingError, match=r"is not the file(.|\n)*expected 9ccdacc4(.|\n)*found"):
        voice.resolve(other)
    with pytest.raises(WeightsMissingError, match="not there"):
        voice.resolve(tmp_path / "none.onnx")


def test_a_model_that_fails_says_so_and_forgets(ears: Hearing, monkeypatch: pytest.MonkeyPatch) -> None:
    ear, (first, second) = Ear(), of(speech.speech(4))
    listened(ears, [first], ear)
    monkeypatch.setattr(hearing.sound, "to_voice", None)
    with pytest.raises(DetectorError) as failed:
        ears.listen(ear, second)
    assert failed.value.detector == "voice"
    assert not ear.memory.hidden.any()


def later(sounds: list[Sound], seconds: float) -> list[Sound]:
    return [replace(one, at=one.at + timedelta(seconds=seconds)) for one in sounds]
