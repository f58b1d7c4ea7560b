"""The media of an export: segments as they were stored, a readable file per finished track, evidence pictures.

Each readable file goes with the key and the header of the stored file that it was opened from. Sealing it again gives
the stored bytes, so a verifier can compare their hash with the one in the event. Nothing that cannot be read stops an
export: an absence is told with its reason, and bytes that are not those of the event are kept for the verifier to name.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from cryptography.exceptions import InvalidTag

from commands.keys import open_object
from commands.objects import ObjectMissing, ObjectStore
from domain import incidents, late, recording
from domain.appeal import AppealAttached, AttachmentKind
from domain.event import KeyClass
from domain.recorded import Recorded
from domain.stream import parse
from media.names import parse_recording_name
from media.playback import Playback
from media.sealing import HEADER_BYTES, SALT_BYTES, Tampered, derive_key
from vigil.verify import resealed

ERASED: Mapping[KeyClass, str] = {
    "media": "erased: the key of this person's media has been destroyed",
    "notes": "erased: the key of the notes about this person has been destroyed",
}
ENDINGS: Mapping[AttachmentKind, str] = {
    "application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png", "text/plain": "txt",
}  # fmt: skip
GONE = "the object store no longer has it"
NONCE_BYTES = 12
NOTHING: Mapping[str, str] = MappingProxyType({})

Line = dict[str, str]
Progress = Callable[[int, int], Awaitable[None]]


class Item(NamedTuple):
    """One stored object that an event names, and the file of the export that it becomes.

    `bound` is what its key is derived from, beside the data key and the salt; `stored_bytes` is 0 if not known.
    """

    kind: Literal["segment", "finalised", "evidence", "still", "attachment"]
    object_key: str
    file: str
    sha256: str
    stored_bytes: int
    bound: tuple[str, ...]

    @property
    def key_class(self) -> KeyClass:
        return "notes" if self.kind == "attachment" else "media"


class Media(NamedTuple):
    """What was written: lines for `media/manifest.jsonl` and for `keys.jsonl`."""

    lines: list[Line]
    keys: list[Line]


def items(events: Iterable[Recorded]) -> list[Item]:
    """Every stored object that these events name, in their order, each once and in a file of its own.

    A recording that was finished again, because more of it came, has its last file under the plain name.
    """
    found = {item.object_key: item for event in events for item in _items(event)}
    last = {item.file: item.object_key for item in found.values()}
    return [item if last[item.file] == item.object_key else _earlier(item) for item in found.values()]


async def write_media(
    folder: Path, wanted: list[Item], keys: Mapping[KeyClass, bytes | None], objects: ObjectStore, progress: Progress,
    *, withheld: Mapping[str, str] = NOTHING,
) -> Media:  # fmt: skip
    """Writes the files that are not there yet. Without the data key of its class there is nothing to write.

    `withheld` says by object key why one is left out.
    """
    media = Media([], [])
    for done, item in enumerate(wanted):
        await progress(done, len(wanted))
        line = {"object_key": item.object_key, "kind": item.kind}
        try:
            if item.object_key in withheld:
                media.lines.append({**line, "absent": withheld[item.object_key]})
                continue
            if (data_key := keys.get(item.key_class)) is None:
                media.lines.append({**line, "absent": ERASED[item.key_class]})
                continue
            header, key = await _write(folder / item.file, item, data_key, objects)
        except ObjectMissing:
            media.lines.append({**line, "absent": GONE})
            continue
        shown = {} if item.kind == "segment" else {"header": b64encode(header).decode()}
        media.lines.append({**line, "file": item.file, **shown})
        media.keys.append({"object_key": item.object_key, "key": b64encode(key).decode()})
    await progress(len(wanted), len(wanted))
    return media


async def _write(path: Path, item: Item, data_key: bytes, objects: ObjectStore) -> tuple[bytes, bytes]:
    """Header and key of the stored file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    match item.kind:
        case "segment":
            stored = await asyncio.to_thread(_read_if_whole, path, item.sha256)
            if stored is None:
                stored = await objects.get(item.object_key)
                await asyncio.to_thread(put, path, stored)
            header = stored[:HEADER_BYTES]
            return header, derive_key(data_key, header[-SALT_BYTES:], *item.bound)
        case "finalised":
            header = await objects.get_range(item.object_key, 0, HEADER_BYTES)
            key = derive_key(data_key, header[-SALT_BYTES:], *item.bound)
            if not await asyncio.to_thread(_is_opened_from, path, item, key, header):
                await _finalised(path, item, data_key, objects)
            return header, key
        case "evidence" | "still" | "attachment":
            stored = await objects.get(item.object_key)
            try:
                picture = open_object(data_key, item.object_key, stored)
            except (InvalidTag, ValueError):
                picture = stored
            await asyncio.to_thread(put, path, picture)
            return stored[:NONCE_BYTES], derive_key(data_key, b"", *item.bound)


async def _finalised(path: Path, item: Item, data_key: bytes, objects: ObjectStore) -> None:
    """The readable file, in pieces; the stored bytes when they do not open."""
    _, tenant, name = item.bound
    part = path.with_name(f"{path.name}.part")
    try:
        recording_name = parse_recording_name(tenant, name)
        played = await Playback.open(
            objects, item.object_key, item.stored_bytes, data_key=data_key, recording=recording_name
        )
        with part.open("wb") as file:
            async for piece in played.read(0, played.size):
                await asyncio.to_thread(file.write, piece)
    except Tampered:
        await asyncio.to_thread(part.write_bytes, await objects.get(item.object_key))
    part.replace(path)


def _items(event: Recorded) -> Iterator[Item]:
    tenant, _, name = parse(event.stream)
    track = name.rpartition(".")[2]
    match event.body:
        case recording.SegmentStored(segment=s) | late.LateSegmentStored(segment=s):
            kind = "mkv" if s.codec == "H264" else "webm"
            file = f"media/{track}/{s.connection:04}-{s.number:06}.{kind}.sealed"
            bound = ("vigil segment", tenant, name, str(s.connection), str(s.number))
            yield Item("segment", s.object_key, file, s.sha256, s.bytes, bound)
        case recording.Finalised(object_key=key, sha256=hash_, bytes=size):
            file = f"media/{track}{Path(key.removesuffix('.sealed')).suffix or '.webm'}"
            yield Item("finalised", key, file, hash_, size, ("vigil recording", tenant, name))
        case late.StillStored(object_key=key, sha256=hash_):
            file = f"media/{track}/{key.rpartition('/')[2].removesuffix('.sealed')}"
            yield Item("still", key, file, hash_, 0, ("vigil/object/1", key))
        case AppealAttached(appeal=appeal, number=number, kind=sent, object_key=key, sha256=hash_):
            file = f"media/attachments/{appeal}-{number}.{ENDINGS[sent]}"
            yield Item("attachment", key, file, hash_, 0, ("vigil/object/1", key))
        case incidents.Opened(evidence=evidence) | incidents.EvidenceAdded(evidence=evidence) if evidence:
            file = f"media/evidence/{evidence.object_key.rpartition('/')[2].removesuffix('.sealed')}"
            yield Item(
                "evidence", evidence.object_key, file, evidence.sha256, 0, ("vigil/object/1", evidence.object_key)
            )


def _earlier(item: Item) -> Item:
    """The same in a file of its own, beside the one that came after it."""
    file = Path(item.file)
    return item._replace(file=f"{file.with_suffix('')}-{item.sha256[:16]}{file.suffix}")


def _read_if_whole(path: Path, hash_: str) -> bytes | None:
    """What an earlier try has left, if it is what the event tells of."""
    data = path.read_bytes() if path.exists() else b""
    return data if sha256(data).hexdigest() == hash_ else None


def _is_opened_from(path: Path, item: Item, key: bytes, header: bytes) -> bool:
    """Whether an earlier try has made this file from the stored one that the event tells of."""
    return path.exists() and resealed(path, key, header) == (item.sha256, item.stored_bytes)


def put(path: Path, data: bytes) -> None:
    """Writes a file of the export; under its name it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(data)
    part.replace(path)
