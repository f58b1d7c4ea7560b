"""A bundle: the events of a session's archived streams, byte for byte, with their proofs, in one signed zip file.

    events.jsonl    a line for each event in order: position, index of its leaf, stream, version, tag, time, state, hash
    proofs.jsonl    the path from each leaf to the root of the checkpoint, in the same order
    checkpoint      the signed note over the tree that holds them all
    manifest.json   what it is, the streams with their last versions, and the SHA-256 of the files above
    manifest.sig    the signature over the manifest

The same events under the same key give the same bytes, so that one that was written before a crash is known again.
"""

from __future__ import annotations

import zipfile
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from typing import NamedTuple, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from commands.checkpoint import Head, Malformed, Signer, parse, signed_by
from commands.leaf import leaf
from commands.merkle import included
from commands.proofs import Checkpoint, Inclusion
from domain.recorded import Stored
from domain.stream import parse as parse_stream

FORMAT = "vigil/bundle/1"
SIGNED_AS = b"vigil/bundle/1\n"  # stands before the manifest where it is signed
EVENTS, PROOFS, CHECKPOINT, MANIFEST, SIGNATURE = (
    "events.jsonl", "proofs.jsonl", "checkpoint", "manifest.json", "manifest.sig",
)  # fmt: skip
NAMES = (MANIFEST, SIGNATURE, CHECKPOINT, EVENTS, PROOFS)

T = TypeVar("T")


class Damaged(Exception):
    """These bytes are not a bundle as it was signed; says what differs first."""


class Bundle(NamedTuple):
    """What was found to be whole: whose it is, its rows in the order of the ledger, and the head that holds them."""

    tenant: str
    session: str
    rows: list[Stored]
    head: Head

    @property
    def streams(self) -> dict[str, int]:
        """The last version of each."""
        return {row.stream: row.version for row in sorted(self.rows)}


class _Manifest(msgspec.Struct, frozen=True, kw_only=True):
    format: str
    tenant: str
    session: str
    events: int
    streams: dict[str, int]
    key: bytes  # that signed this
    files: dict[str, str]


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    position: int
    index: int
    stream: str
    version: int
    tag: str
    recorded_at: datetime
    state: bytes
    hash: bytes


def write(
    tenant: str, session: str, rows: Sequence[Stored], proofs: Sequence[Inclusion],
    *, checkpoint: Checkpoint, signer: Signer,
) -> bytes:  # fmt: skip
    """The bytes of a bundle. `rows` and their `proofs` are in the order of the ledger."""
    lines = (
        _Line(
            position=row.position, index=proof.index, stream=row.stream, version=row.version, tag=row.tag,
            recorded_at=row.recorded_at, state=row.state, hash=leaf(row),
        )
        for row, proof in zip(rows, proofs, strict=True)
    )  # fmt: skip
    files = {
        EVENTS: b"".join(msgspec.json.encode(line) + b"\n" for line in lines),
        PROOFS: b"".join(msgspec.json.encode(proof.path) + b"\n" for proof in proofs),
        CHECKPOINT: checkpoint.note.encode(),
    }
    manifest = _Manifest(
        format=FORMAT, tenant=tenant, session=session, events=len(rows),
        streams={row.stream: row.version for row in rows}, key=signer.public,
        files={name: sha256(data).hexdigest() for name, data in files.items()},
    )  # fmt: skip
    raw = msgspec.json.encode(manifest, order="deterministic")
    files |= {MANIFEST: raw, SIGNATURE: b64encode(signer.sign(SIGNED_AS + raw))}
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in NAMES:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return out.getvalue()


def open_bundle(data: bytes, origin: str, keys: Sequence[bytes]) -> Bundle:
    """Checks everything that a bundle says: signatures by one of `keys`, hashes, leaves, proofs. Raises `Damaged`."""
    files = _files(data)
    manifest = _checked(lambda: msgspec.json.decode(files[MANIFEST], type=_Manifest), MANIFEST)
    _signed(manifest, files, keys)
    for name in (EVENTS, PROOFS, CHECKPOINT):
        if manifest.files.get(name) != sha256(files[name]).hexdigest():
            raise Damaged(f"{name} is not the file that was signed")
    note = _checked(files[CHECKPOINT].decode, CHECKPOINT)
    head = _checked(lambda: parse(note), CHECKPOINT)
    if head.origin != origin or not any(signed_by(note, origin, key) for key in keys):
        raise Damaged("the checkpoint bears no signature of this installation; see VIGIL_EARLIER_KEYS")
    lines = _checked(lambda: msgspec.json.Decoder(_Line).decode_lines(files[EVENTS]), EVENTS)
    paths = _checked(lambda: msgspec.json.Decoder(tuple[bytes, ...]).decode_lines(files[PROOFS]), PROOFS)
    if len(lines) != len(paths) or len(lines) != manifest.events:
        raise Damaged(f"there are {len(lines)} events, {len(paths)} proofs, and {manifest.events} were signed")
    bundle = Bundle(manifest.tenant, manifest.session, [_row(line) for line in lines], head)
    for row, line, path in zip(bundle.rows, lines, paths, strict=True):
        if leaf(row) != line.hash:
            raise Damaged(f"position {row.position} ({row.stream}, version {row.version}) is not what its hash says")
        if not included(line.hash, line.index, head.size, path, head.root):
            raise Damaged(f"position {row.position} ({row.stream}, version {row.version}) is not in the checkpoint")
    _whole(bundle, manifest)
    return bundle


def states(data: bytes) -> dict[tuple[str, int], bytes]:
    """The stored bytes of each event, of a bundle whose hash has been checked, by stream and version."""
    lines = msgspec.json.Decoder(_Line).decode_lines(_files(data)[EVENTS])
    return {(line.stream, line.version): line.state for line in lines}


def _files(data: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            if sorted(archive.namelist()) != sorted(NAMES):
                raise Damaged(f"it holds {', '.join(archive.namelist()) or 'nothing'}, and not what a bundle holds")
            return {name: archive.read(name) for name in NAMES}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise Damaged(f"it is no whole zip file ({error})") from error


def _signed(manifest: _Manifest, files: dict[str, bytes], keys: Sequence[bytes]) -> None:
    if manifest.format != FORMAT:
        raise Damaged(f"its format is {manifest.format}")
    if manifest.key not in keys:
        raise Damaged("it was signed by a key that is not this installation's; see VIGIL_EARLIER_KEYS")
    try:
        signature = b64decode(files[SIGNATURE], validate=True)
        Ed25519PublicKey.from_public_bytes(manifest.key).verify(signature, SIGNED_AS + files[MANIFEST])
    except (InvalidSignature, ValueError) as error:
        raise Damaged("the signature over manifest.json does not hold") from error


def _whole(bundle: Bundle, manifest: _Manifest) -> None:
    """Each stream from its first version to its last, all of one session, in the order of the ledger."""
    seen: dict[str, int] = {}
    before = 0
    for row in bundle.rows:
        at = parse_stream(row.stream)
        if (at.tenant, at.session) != (bundle.tenant, bundle.session):
            raise Damaged(f"{row.stream} is of another session")
        if row.version != seen.get(row.stream, 0) + 1 or row.position <= before:
            raise Damaged(f"position {row.position} ({row.stream}, version {row.version}) is out of order")
        seen[row.stream], before = row.version, row.position
    if seen != manifest.streams:
        raise Damaged("the streams are not those that were signed")


def _checked(read: Callable[[], T], name: str) -> T:
    try:
        return read()
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, Malformed) as error:
        raise Damaged(f"{name} cannot be read ({error})") from error


def _row(line: _Line) -> Stored:
    return Stored(line.position, line.stream, line.version, line.tag, line.recorded_at, line.state)
