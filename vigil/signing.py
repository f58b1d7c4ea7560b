"""The notary's signing key: an Ed25519 seed in a file of its own, so that it can be rotated apart from other secrets."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from commands.notary import Signer
from vigil.settings import Settings


def signer(settings: Settings) -> Signer:
    """The signer of checkpoints and exports. Its key is made (mode 0600) the first time; it is never printed."""
    path = settings.signing_key_file
    if not path.exists():
        _make(path)
    seed = b64decode(path.read_text())
    return Signer(settings.origin, Ed25519PrivateKey.from_private_bytes(seed))


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return  # another process was quicker
    with os.fdopen(handle, "w") as file:
        file.write(b64encode(os.urandom(32)).decode())
        file.flush()
        os.fsync(file.fileno())
