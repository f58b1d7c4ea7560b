"""Checkpoints: the signed head of the tree, in the forms that the transparency-log world has agreed on.

C2SP signed-note (text, blank line, signature lines that begin with an em dash and carry a 4-byte hint of the key)
around C2SP tlog-checkpoint (origin, size, root in base64, one a line). Whoever holds a note can check it without Vigil.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"  # the signature type that the hint names
_SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+=*)")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class Head(NamedTuple):
    """What a checkpoint says: the first `size` leaves of the log `origin` have this root (32 bytes)."""

    origin: str
    size: int
    root: bytes


class Malformed(Exception):
    """The text is no signed checkpoint."""


class Signer:
    """Signs for one log. The key comes from outside, so that it can be rotated apart from every other secret."""

    def __init__(self, origin: str, key: Ed25519PrivateKey) -> None:
        if not origin or re.search(r"[\s+]", origin):
            raise ValueError("an origin is a name without spaces and plus signs")
        self.origin = origin
        self.public = key.public_key().public_bytes_raw()
        self._key = key

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.public)

    @property
    def verifier_key(self) -> str:
        """The public key as C2SP writes it, for witnesses and other tools."""
        return f"{self.origin}+{_hint(self.origin, self.public).hex()}+{b64encode(ED25519 + self.public).decode()}"

    def sign(self, data: bytes) -> bytes:
        """A bare signature, 64 bytes. `data` never begins like a note of this origin."""
        if data.startswith(f"{self.origin}\n".encode()):
            raise ValueError("a checkpoint is signed by `note`")
        return self._key.sign(data)

    def note(self, size: int, root: bytes) -> str:
        """A signed checkpoint."""
        text = f"{self.origin}\n{size}\n{b64encode(root).decode()}\n"
        return f"{text}\n{self._line(text)}"

    def countersign(self, note: str) -> str:
        """The note with this key's signature added, as it is if the key has signed it already."""
        if signed_by(note, self.origin, self.public):
            return note
        text, _ = _parts(note)
        return note + self._line(text)

    def _line(self, text: str) -> str:
        signed = _hint(self.origin, self.public) + self._key.sign(text.encode())
        return f"— {self.origin} {b64encode(signed).decode()}\n"


def fingerprint(public: bytes) -> str:
    """How people name a key: SHA-256 of its 32 raw bytes, in hex."""
    return sha256(public).hexdigest()


def parse(note: str) -> Head:
    """What a note says. Proves nothing. Raises `Malformed`."""
    text, _ = _parts(note)
    origin, size, root, *_ = [*text.split("\n"), "", ""]
    if not origin or not _SIZE.fullmatch(size):
        raise Malformed("a checkpoint begins with its origin and its size")
    try:
        hash_ = b64decode(root, validate=True)
    except binascii.Error:
        hash_ = b""
    if len(hash_) != 32:
        raise Malformed("the third line of a checkpoint is its root: 32 bytes in base64")
    return Head(origin, int(size), hash_)


def signed_by(note: str, name: str, public: bytes) -> bool:
    """Whether the note bears a valid signature of this key. Raises `Malformed`."""
    text, lines = _parts(note)
    hint = _hint(name, public)
    return any(
        signer == name and signed[:4] == hint and _valid(public, signed[4:], text.encode()) for signer, signed in lines
    )


def signers(note: str) -> list[str]:
    """The names on a note's signature lines, unchecked. Raises `Malformed`."""
    return [name for name, _ in _parts(note)[1]]


def _parts(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The signed text with its last line feed, and (name, hint and signature) of each signature line."""
    text, blank, signatures = note.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise Malformed("a note is a text, a blank line and signatures")
    lines = []
    for line in signatures[:-1].split("\n"):
        found = _SIGNATURE.fullmatch(line)
        if not found:
            raise Malformed("a signature line is a dash, a name and base64")
        try:
            lines.append((found[1], b64decode(found[2], validate=True)))
        except binascii.Error:
            raise Malformed("a signature is in base64") from None
    return text + "\n", lines


def _hint(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def _valid(public: bytes, signature: bytes, data: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except InvalidSignature:
        return False
    return True
