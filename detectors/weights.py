"""The weights that the detectors run on: set up once by `python -m detectors.weights`, then resolved by their hash.

They lie in `VIGIL_HOME/weights` (by default `~/.vigil/weights`). `VIGIL_WEIGHTS` names other YOLO weights (`.pt` or
`.onnx`) to find persons with; whoever names a `.pt` trusts its maker, for such a file can hold code.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from detectors import fetch, heads, tfjs

COMMAND = "python -m detectors.weights"
NAMED_BY = "VIGIL_WEIGHTS"
_CONVERTER = 1  # a new number makes set-up convert again
_MODELS = {"centernet": heads.centernet, "blazeface": heads.blazeface}


class WeightsMissingError(Exception):
    """No usable weights; the message says what to run or to correct."""


class Weights(msgspec.Struct, frozen=True):
    """One file of weights in use. `sha256` is of the file as it was when it was resolved."""

    name: str
    path: Path
    sha256: str


class Resolved(msgspec.Struct, frozen=True):
    """What the running process finds persons and faces with."""

    persons: Weights
    faces: Weights


class _Made(msgspec.Struct, frozen=True):
    """What set-up left behind: which converter made the files, and their SHA-256 by model."""

    converter: int
    sha256: dict[str, str]


def set_up(folder: Path | None = None, say: Callable[[str], None] = print) -> Resolved:
    """Fetches, checks and converts what is missing; does nothing when all is there. Files appear whole or not at all.

    Raises `fetch.SetUpError` (`fetch.WrongHashError` for a file that is not the pinned one).
    """
    folder = folder or home() / "weights"
    with contextlib.suppress(WeightsMissingError):
        found = resolve(folder, {})
        say(f"The weights are in {folder}.")
        return found
    source = folder / "source"
    source.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".making-") as name:
        workshop = Path(name)
        if any(not (source / file).exists() for file in fetch.FILES):
            fetch.unpack(fetch.fetch(workshop, say), workshop)
            for file in fetch.FILES:
                (workshop / file).replace(source / file)
        for file in fetch.FILES:
            fetch.check(file, (source / file).read_bytes())
        hashes = {}
        for model, convert in _MODELS.items():
            say(f"Converting {model} to ONNX ...")
            made = workshop / f"{model}.onnx"
            convert(tfjs.read(source / f"{model}.json"), made)
            hashes[model] = _sha256(made)
            made.replace(folder / made.name)
        note = workshop / "made.json"
        note.write_bytes(msgspec.json.encode(_Made(_CONVERTER, hashes)))
        note.replace(folder / note.name)
    say(f"The weights are ready in {folder}.")
    return resolve(folder, {})


def resolve(folder: Path | None = None, environment: Mapping[str, str] = os.environ) -> Resolved:
    """The weights to use, each file's SHA-256 taken now. Raises `WeightsMissingError`."""
    folder = folder or home(environment) / "weights"
    try:
        made = msgspec.json.decode((folder / "made.json").read_bytes(), type=_Made)
    except (OSError, msgspec.MsgspecError):
        raise WeightsMissingError(f"There are no weights in {folder}. Run: {COMMAND}") from None
    if made.converter != _CONVERTER:
        raise WeightsMissingError(f"The weights in {folder} were made by another version. Run: {COMMAND}")
    found = {}
    for model in _MODELS:
        path = folder / f"{model}.onnx"
        if not path.exists() or (sha256 := _sha256(path)) != made.sha256.get(model):
            raise WeightsMissingError(f"{path} is missing or damaged. Run: {COMMAND}")
        found[model] = Weights(model, path, sha256)
    named = environment.get(NAMED_BY, "")
    return Resolved(persons=_named(Path(named)) if named else found["centernet"], faces=found["blazeface"])


def home(environment: Mapping[str, str] = os.environ) -> Path:
    """Where Vigil keeps what it made on this machine."""
    return Path(environment.get("VIGIL_HOME") or "~/.vigil").expanduser()


def not_usable(path: Path, why: str) -> str:
    """What to tell of weights that somebody named, in one line. `why` may come from ultralytics, which shouts."""
    said = re.sub(r"^ERROR\W+", "", why.replace(str(path), "it").splitlines()[0])[:200].rstrip(". ")
    return (
        f"{NAMED_BY} names {path}, which cannot be used: {said}. Expected: a file of YOLO weights as ultralytics makes"
        " it (.pt or .onnx), which finds boxes (task `detect`) and has a class `person`."
    )


def _named(path: Path) -> Weights:
    path = path.expanduser()
    if path.is_dir():
        raise WeightsMissingError(not_usable(path, "it is a folder"))
    if path.suffix not in (".pt", ".onnx"):
        raise WeightsMissingError(not_usable(path, "it ends in neither .pt nor .onnx"))
    try:
        return Weights(path.stem, path, _sha256(path))
    except OSError as error:
        raise WeightsMissingError(not_usable(path, (error.strerror or "it cannot be read").lower())) from None


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    try:
        set_up()
    except fetch.SetUpError as failed:
        sys.exit(f"Setting up the weights stopped. {failed}")
