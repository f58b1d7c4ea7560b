"""The notary's signing key: an Ed25519 seed in a file of its own, so that it is rotated apart from other secrets."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from commands.checkpoint import Signer
from vigil.secret import make_secret, read_secret
from vigil.settings import Settings


def signer(settings: Settings) -> Signer:
    """The signer of checkpoints and exports. Its key is made the first time and never leaves its file."""
    make_secret(settings.signing_key_file)
    return Signer(settings.origin, Ed25519PrivateKey.from_private_bytes(read_secret(settings.signing_key_file)))
