"""One batch of sound in, one observation out: its level first, and what is loud enough is looked through for speech."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import version

from detectors import sound, voice
from detectors.kinds import KINDS
from detectors.pipeline import DetectorError
from detectors.seen import CannotTell, Observation
from detectors.settings import Settings
from domain.incidents import Provenance
from domain.messages import Sound
from domain.policy import DetectorKind

VERSION = "1"
LEVEL_DB = -50.0  # what is quieter than this throughout counts as silence
SPEECH = 0.5  # from which on a window counts as speech
LOST = 0.5  # a batch of which more is missing cannot tell
ZERO_S = 10.0  # after so long without a single bit of sound the microphone is off, or broken
_SEAM_S = 0.1  # by which a batch may begin off the end of the one before: clocks are settled


@dataclass
class Ear:
    """What is remembered of one session's sound between batches: numbers of the model, and 32 ms of sound at most."""

    until: datetime | None = None
    memory: voice.Memory = field(default_factory=voice.fresh)
    zero_s: float = 0.0


class Hearing:
    """The model, loaded once for all sessions. Listens to one batch at a time: call it from one thread."""

    def __init__(self, model: voice.Voice) -> None:
        self._model = model

    @classmethod
    def load(cls) -> Hearing:
        """Raises `WeightsMissingError`."""
        return cls(voice.Voice(voice.resolve()))

    def listen(self, ear: Ear, batch: Sound) -> Observation:
        """What part of a batch is speech. Raises `DetectorError`.

        A batch stands for its middle, so that beginning and end of what is heard are right to a second.
        """
        try:
            voiced, why = self._listen(ear, batch)
        except Exception as error:
            ear.memory = voice.fresh()
            raise DetectorError("voice", f"{type(error).__name__}: {error}") from error
        at = middle(batch)
        return Observation(session=batch.session, at=at, source="sound", voiced=voiced, cannot_tell=why)

    def provenance(self, kind: DetectorKind, settings: Settings) -> Provenance:
        """What an incident of `kind` rests on."""
        rule, weights = KINDS[kind], self._model.weights
        return Provenance(
            detector=rule.detector,
            detector_version=f"voice/{VERSION} {voice.PACKAGE}/{version(voice.PACKAGE)} av/{version('av')}"
            f" onnxruntime/{version('onnxruntime')}",
            weights={weights.name: weights.sha256},
            thresholds=rule.thresholds(settings) | {"speech": SPEECH, "level_db": LEVEL_DB},
            rule_version=rule.version,
        )

    def _listen(self, ear: Ear, batch: Sound) -> tuple[float, CannotTell | None]:
        if ear.until is None or abs((batch.at - ear.until).total_seconds()) > _SEAM_S:
            ear.memory, ear.zero_s = voice.fresh(), 0.0
        ear.until = until(batch)
        heard = sound.decode(batch)
        if heard.lost <= LOST:
            ear.zero_s = ear.zero_s + batch.seconds if heard.zero else 0.0
        if heard.lost > LOST or ear.zero_s >= ZERO_S:
            ear.memory = voice.fresh()
            return 0.0, "sound_lost" if heard.lost > LOST else "no_sound"
        if heard.level_db < LEVEL_DB:
            ear.memory = voice.fresh()
            return 0.0, None
        probabilities, ear.memory = self._model.speech(sound.to_voice(heard.raw), ear.memory)
        return float((probabilities >= SPEECH).mean()) if len(probabilities) else 0.0, None


def middle(batch: Sound) -> datetime:
    return batch.at + timedelta(seconds=batch.seconds / 2)


def until(batch: Sound) -> datetime:
    return batch.at + timedelta(seconds=batch.seconds)
