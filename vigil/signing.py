"""The signing key: an Ed25519 seed in a file of its own, so that it is rotated apart from other secrets.

One installation has one, on every host where something signs. It is never made here: another key in its place would
sign what no auditor can hold against the fingerprint that they were given.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from commands.checkpoint import Signer
from vigil.secret import SecretError, read_secret
from vigil.settings import Settings, SettingsError


def signer(settings: Settings) -> Signer:
    """The signer of checkpoints and exports. Raises `SettingsError` when its key is not there."""
    try:
        seed = read_secret(settings.signing_key_file)
    except SecretError as error:
        raise SettingsError(
            f"VIGIL_SIGNING_KEY_FILE: {error}; give each host the same, which `openssl rand -base64 32` makes once"
        ) from error
    return Signer(settings.origin, Ed25519PrivateKey.from_private_bytes(seed))
