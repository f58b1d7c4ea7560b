"""Whether somebody speaks, by Silero's voice activity detector, whose weights the package `silero-vad` ships (MIT).

The package itself is never imported: it would bring torch. Its file for a whole stretch of sound at once says the same
to the last digit as the one for single windows, at a third of the cost.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors import runtime
from detectors.weights import Weights, WeightsMissingError

PACKAGE = "silero-vad"
RATE = 16_000
WINDOW = 512  # samples, 32 ms: the model gives one probability for each
_BEFORE = 64  # samples of the window before that it is shown again
_NAME = "silero_vad_16k_sequence"
SHA256 = "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85"

Samples = NDArray[np.float32]
"""Sound at `RATE`, one channel, from -1 to 1."""


class Memory(NamedTuple):
    """What the model remembers of the sound before; and the samples that did not fill a window."""

    hidden: Samples
    cell: Samples
    before: Samples
    rest: Samples


def fresh() -> Memory:
    """Of sound that nothing came before."""
    nothing = np.zeros((1, 1, 128), np.float32)
    return Memory(nothing, nothing, np.zeros(_BEFORE, np.float32), np.zeros(0, np.float32))


def resolve(path: Path | None = None) -> Weights:
    """The weights in the installed package. Raises `WeightsMissingError`, also for any file but the one examined."""
    try:
        path = path or Path(str(distribution(PACKAGE).locate_file(f"silero_vad/data/{_NAME}.onnx")))
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except (PackageNotFoundError, OSError):
        raise WeightsMissingError(f"The package {PACKAGE} is not there, or not whole. Install it again.") from None
    if found != SHA256:
        raise WeightsMissingError(f"{path} is not the file that was expected.\n  expected {SHA256}\n  found    {found}")
    return Weights(_NAME, path, found)


class Voice:
    """The model, loaded once for all sessions."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self._session = runtime.session(weights.path)

    def speech(self, samples: Samples, memory: Memory) -> tuple[Samples, Memory]:
        """For each window, how surely it holds speech (0 to 1), and what to remember for the sound that follows."""
        sound = np.concatenate([memory.rest, samples])
        many = len(sound) // WINDOW
        if not many:
            return np.zeros(0, np.float32), memory._replace(rest=sound)
        whole = np.concatenate([memory.before, sound[: many * WINDOW]])
        windows = np.lib.stride_tricks.sliding_window_view(whole, _BEFORE + WINDOW)[::WINDOW]
        given = {"input": np.ascontiguousarray(windows), "h": memory.hidden, "c": memory.cell}
        probabilities, hidden, cell = self._session.run(["speech_probs", "hn", "cn"], given)
        return probabilities, Memory(hidden, cell, whole[-_BEFORE:], sound[many * WINDOW :])
