"""The export of one session: everything that was recorded, its proofs, its media, a report, and the verifier itself.

docs/export-format.md describes each file. The same ledger, checkpoint and witnesses always give the same bytes. An
export that was interrupted goes on where it stopped: media that is there already is not fetched again, and the
manifest comes last.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import zipfile
from base64 import b64encode
from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from psycopg import AsyncConnection

from commands.checkpoint import Signer, parse
from commands.envelope import all_keys, read, recorded, unseal
from commands.keys import KeyName, KeyRing, field_key
from commands.ledger import read_session, read_stream
from commands.objects import ObjectStore
from commands.proofs import Checkpoint, NotCovered, consistency, inclusions, latest, of_size
from commands.witnesses import first_told_of
from domain import record
from domain.event import KeyClass
from domain.recorded import Recorded, Stored
from domain.release import Withheld
from domain.session import Opened
from domain.stream import Stream
from vigil import verify
from vigil.export_media import Progress, items, put, write_media
from vigil.export_withheld import of_session, withhold
from vigil.export_withheld import told as for_manifest
from vigil.export_witness import witness_files
from vigil.report import Shown, report
from vigil.report_pdf import pdf

log = logging.getLogger(__name__)

Json = dict[str, Any]  # lines for other programs
FILES = (
    "manifest.json", "manifest.sig", "events.jsonl", "proofs.jsonl", "checkpoint", "keys.jsonl", "media/manifest.jsonl",
    "report.html", "report.pdf", "verify.py",
)  # fmt: skip
NOT_SHOWN = frozenset({"email"})  # private fields whose keys stay here: no page of the export needs them
OF_ALL = frozenset(
    f"schedule.{what}"
    for what in (
        "created", "renamed", "rescheduled", "live_proctoring_enabled", "live_proctoring_disabled", "policy_set",
        "activated", "cancelled", "closed", "assessment_set", "staffing_set", "emergency_contact_set",
        "detector_switched_off", "detector_switched_on",
    )
)  # fmt: skip
OF_ONE = frozenset(
    f"schedule.{what}"
    for what in (
        "candidate_enrolled", "candidate_withdrawn", "accommodation_granted", "accommodation_withdrawn", "link_renewed",
    )
)  # fmt: skip


class Exported(NamedTuple):
    """What an export rests on. `seal` is None when the record was not sealed yet."""

    folder: Path
    checkpoint: Checkpoint
    seal: int | None
    events: int


async def silent(done: int, total: int) -> None:
    """Progress that nobody asked for."""


async def export_session(
    folder: Path, tenant: str, session: str, *, conn: AsyncConnection, objects: ObjectStore, keys: KeyRing,
    signer: Signer, size: int | None = None, progress: Progress = silent, withheld: Sequence[Withheld] = (),
) -> Exported:  # fmt: skip
    """Writes a session's export into `folder`, as of the checkpoint over `size` events, or the latest one.

    `progress` is told of media files done, and of all. What is `withheld` is told as absent. Raises `NotCovered` when
    there is no such checkpoint or session, `FileExistsError` when the folder holds something else, and
    `ObjectStoreAway` when media cannot be read now: call again to go on.
    """
    checkpoint = await (latest(conn) if size is None else of_size(conn, size))
    rows = await read_session(conn, tenant, session, checkpoint.position) if checkpoint else []
    if checkpoint is None or not rows:
        raise NotCovered("the notary has not sealed anything of this session yet")
    excerpts = await _excerpts(conn, tenant, session, rows, checkpoint.position)
    lines = sorted([*rows, *excerpts], key=lambda row: row.position)
    events = await _opened(lines, keys)
    told = await first_told_of(conn, _sealed_up_to(rows, events), checkpoint.size)
    proofs = await _proofs(conn, lines, checkpoint, {mark.size for _, mark in told})
    withheld = of_session(events, withheld)
    wanted, left = items(events), withhold(events, withheld)
    witness = witness_files(told)
    here = {item.file for item in wanted if item.object_key not in left.objects}
    _empty(folder, {*FILES, *witness, *here})
    opening = await _data_keys(events, session, keys)
    media = await write_media(folder, wanted, opening, objects, progress, withheld=left.objects)

    note = signer.countersign(checkpoint.note)
    pictures = {item.object_key: folder / item.file for item in wanted if item.kind == "evidence"}
    shown = Shown(tenant, session, left.events, checkpoint, note, signer, media, pictures, told, withheld)
    page = await asyncio.to_thread(report, shown)  # it reads and encodes every picture
    written = {
        "events.jsonl": _lines(_event_line(row, proof["index"]) for row, proof in zip(lines, proofs, strict=False)),
        "proofs.jsonl": _lines(proofs),
        "checkpoint": note.encode(),
        "keys.jsonl": _lines([*_field_keys(lines, keys, left.closed), *media.keys]),
        "media/manifest.jsonl": _lines(media.lines),
        "report.html": page.encode(),
        "report.pdf": await asyncio.to_thread(pdf, page, f"Record of session {session}"),
        **witness,
    }
    seal = _seal(rows, events)
    manifest = {
        "format": verify.FORMAT,
        "tenant": tenant,
        "session": session,
        "checkpoint": {
            "origin": signer.origin, "size": checkpoint.size, "root": _b64(checkpoint.root),
            "position": checkpoint.position,
        },
        "seal": seal,
        "signer": {"key": _b64(signer.public), "fingerprint": signer.fingerprint},
        "streams": {row.stream: {"last": row.version, "position": row.position} for row in rows},
        "excerpts": sorted({row.stream for row in excerpts}),
        **({"withheld": for_manifest(withheld)} if withheld else {}),
    }  # fmt: skip
    films = [line["file"] for line in media.lines if "file" in line]
    await asyncio.to_thread(_finish, folder, written, films, manifest, signer)
    return Exported(folder, checkpoint, seal["number"] if seal else None, len(lines))


def pack(folder: Path, target: Path) -> None:
    """The export as a zip file below one folder of its name; the same export always gives the same bytes."""
    with zipfile.ZipFile(target, "x") as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(f"{folder.name}/{path.relative_to(folder).as_posix()}", (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            sealed = path.suffix in (".sealed", ".webm", ".mp4", ".jpg")
            entry.compress_type = zipfile.ZIP_STORED if sealed else zipfile.ZIP_DEFLATED
            with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as copy:
                shutil.copyfileobj(source, copy, 1 << 20)


def _finish(folder: Path, written: dict[str, bytes], films: list[str], manifest: Json, signer: Signer) -> None:
    """Writes all that is not media, and the signed manifest last."""
    written["verify.py"] = Path(verify.__file__).read_bytes()
    for name, content in written.items():
        put(folder / name, content)
    manifest["files"] = {
        name: {"bytes": (folder / name).stat().st_size, "sha256": verify.file_hash(folder / name)}
        for name in sorted([*written, *films])
    }
    raw = msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=1)
    put(folder / "manifest.sig", f"{_b64(signer.sign(verify.SIGNED_AS + raw))}\n".encode())
    put(folder / "manifest.json", raw)


async def _excerpts(
    conn: AsyncConnection, tenant: str, session: str, rows: Sequence[Stored], up_to: int
) -> list[Stored]:
    """What the schedule says about the assessment and about this candidate, and nothing about any other."""
    found = []
    for name in {
        event.schedule
        for event in (read(row)[1] for row in rows if row.tag == "session.opened")
        if isinstance(event, Opened)
    }:
        for row in await read_stream(conn, str(Stream(tenant, "schedule", name)), up_to=up_to):
            about = msgspec.json.decode(row.state)["event"].get("session")
            if row.tag in OF_ALL or (row.tag in OF_ONE and about == session):
                found.append(row)
    return found


async def _proofs(conn: AsyncConnection, lines: Sequence[Stored], checkpoint: Checkpoint, told: set[int]) -> list[Json]:
    """A line for each event, in order; then one for each smaller checkpoint that a seal or a witness rests on."""
    found = await inclusions(conn, [row.position for row in lines], checkpoint.size)
    proofs: list[Json] = [{"index": proof.index, "path": [_b64(part) for part in proof.path]} for proof in found]
    sealed = [read(row)[1] for row in lines if row.tag == "record.sealed"]
    sizes = told | {parse(seal.checkpoint).size for seal in sealed if isinstance(seal, record.Sealed)}
    for old in sorted(sizes - {checkpoint.size}):
        path = await consistency(conn, old, checkpoint.size)
        proofs.append({"from": old, "to": checkpoint.size, "path": [_b64(part) for part in path]})
    return proofs


async def _opened(lines: Sequence[Stored], keys: KeyRing) -> list[Recorded]:
    """The events with their private fields open, as far as there are keys; what cannot be decoded is left out."""
    entries = []
    for row in lines:
        try:
            entries.append((row, *read(row)))
        except msgspec.MsgspecError:
            log.warning("the event at position %d cannot be decoded; the report goes without it", row.position)
    await keys.fetch(all_keys(event for _, _, event in entries))
    found = []
    for row, envelope, event in entries:
        try:
            found.append(recorded(row, envelope, unseal(event, row.stream, row.version, keys.held)))
        except InvalidTag:
            log.warning("a private field at position %d cannot be opened; the report goes without it", row.position)
            found.append(recorded(row, envelope, event))
    return found


async def _data_keys(events: Sequence[Recorded], session: str, keys: KeyRing) -> dict[KeyClass, bytes | None]:
    """Those that stored objects are sealed under, as far as they have not been destroyed."""
    subjects = [event.body.subject for event in events if isinstance(event.body, Opened)]
    subject = subjects[0] if subjects else ""
    names = [KeyName(subject, session, "media"), KeyName(subject, session, "notes")]
    await keys.fetch(names)
    return {name.key_class: keys.held(name) for name in names}


def _field_keys(lines: Sequence[Stored], keys: KeyRing, closed: Container[tuple[str, int]]) -> Iterator[Json]:
    """The key of each private field that the export shows, as far as it has not been destroyed."""
    for row in lines:
        if (row.stream, row.version) in closed:
            continue
        event = msgspec.json.decode(row.state)["event"]
        for field, value in event.items():
            if isinstance(value, dict) and value.keys() == verify.PRIVATE and field not in NOT_SHOWN:
                data_key = keys.held(KeyName(value["subject"], value["session"], value["class"]))
                if data_key is not None:
                    key = field_key(data_key, row.stream, row.version, field)
                    yield {"stream": row.stream, "version": row.version, "field": field, "key": _b64(key)}


def _event_line(row: Stored, index: int) -> Json:
    at = row.recorded_at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {
        "position": row.position, "index": index, "stream": row.stream, "version": row.version, "tag": row.tag,
        "recorded_at": at, "state": _b64(row.state),
    }  # fmt: skip


def _seal(rows: Sequence[Stored], events: Sequence[Recorded]) -> Json | None:
    """The last seal: what the export rests on."""
    own = {row.position for row in rows}
    seals = [event for event in events if isinstance(event.body, record.Sealed) and event.position in own]
    if not seals:
        return None
    last = seals[-1].body
    assert isinstance(last, record.Sealed)
    return {"number": last.number, "kind": last.kind, "version": seals[-1].version}


def _sealed_up_to(rows: Sequence[Stored], events: Sequence[Recorded]) -> int:
    """The position of the last event that the last seal covers; of all that is here without a seal."""
    seals = [event.body for event in events if isinstance(event.body, record.Sealed)]
    covers = seals[-1].streams if seals else {row.stream: row.version for row in rows}
    return max(row.position for row in rows if row.version <= covers.get(row.stream, 0))


def _empty(folder: Path, wanted: set[str]) -> None:
    """Makes the folder. Raises `FileExistsError` if it holds what is not part of this export."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("manifest.json", "manifest.sig"):  # of an earlier one; until there are new ones this is no export
        (folder / name).unlink(missing_ok=True)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".part":
            path.unlink()
        elif not path.is_dir() and name not in wanted:
            raise FileExistsError(f"{folder} holds {name}, which is not part of this export; take a new folder")


def _lines(rows: Iterable[Json]) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def _b64(data: bytes) -> str:
    return b64encode(data).decode()
