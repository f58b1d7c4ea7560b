"""Secrets of 32 random bytes in files of their own. Whoever loses the master secret loses every field and picture."""

from __future__ import annotations

import binascii
import os
import tempfile
from base64 import b64decode, b64encode
from contextlib import suppress
from pathlib import Path

SIZE = 32


class SecretError(Exception):
    """The file holds no usable secret; says what was expected, never what was there."""


def make_secret(path: Path) -> None:
    """Writes a new random secret (mode 0600) where there is none. The file appears whole, and the first one counts."""
    if not path.exists():
        _write(path, b64encode(os.urandom(SIZE)))


def read_secret(path: Path) -> bytes:
    """Reads the 32 bytes, in base64 or hexadecimal. Raises `SecretError`."""
    try:
        text = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(f"expected a file that can be read, with {SIZE} bytes in base64 or hexadecimal") from error
    try:
        found = bytes.fromhex(text) if len(text) == SIZE * 2 else b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        found = b""
    if len(found) != SIZE:
        raise SecretError(f"expected a file with {SIZE} bytes in base64 or hexadecimal, and nothing else")
    return found


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was quicker: its secret stands
            os.link(draft, path)
    finally:
        Path(draft).unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
