"""The photograph of a group in a package that is not installed: fetched once, checked, kept, never committed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from detectors.weights import home

WHEEL = "insightface==2.1 --hash=sha256:dcd58ee79d99d689572477315f3149353afd65a36dc575f597cbb217a7bde399"
INSIDE = "insightface/data/images/t1.jpg"
SHA256 = "47f682e945b659f93a9e490b9c9c4a2a864abe64dace9e1a2893845ddfd69489"


def group() -> Path:
    """Six people beside each other (t1.jpg of insightface). Skips the test where it cannot be fetched."""
    kept = home() / "photographs" / Path(INSIDE).name
    if not kept.exists():
        with tempfile.TemporaryDirectory() as folder:
            picture = _from_wheel(Path(folder))
        assert hashlib.sha256(picture).hexdigest() == SHA256, f"{INSIDE} is not the picture that was expected"
        kept.parent.mkdir(parents=True, exist_ok=True)
        made = kept.with_suffix(".making")
        made.write_bytes(picture)
        made.replace(kept)
    return kept


def _from_wheel(folder: Path) -> bytes:
    wanted = folder / "wanted.txt"
    wanted.write_text(WHEEL)
    asked = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes",
        "--dest", str(folder), "--requirement", str(wanted),
    ]  # fmt: skip
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode:
        why = " ".join(done.stderr.split()[-20:])
        pytest.skip(f"the photograph t1 of the package insightface could not be fetched: {why}")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(INSIDE)
