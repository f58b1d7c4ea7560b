"""Ways to change an export, and what the verifier says of each."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from commands.checkpoint import Signer
from tests.vigil.export.sitting import SIGNER
from vigil.verify import SIGNED_AS, Check


def lines(folder: Path, name: str) -> list[Any]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def rewrite(folder: Path, name: str, rows: list[Any]) -> None:
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def line_of(folder: Path, tag: str, nth: int = 0) -> int:
    return [n for n, row in enumerate(lines(folder, "events.jsonl")) if row["tag"] == tag][nth]


def sign_again(folder: Path, signer: Signer = SIGNER, **changes: object) -> None:
    """What an operator could do who holds the key: hash what is there and sign it."""
    manifest = json.loads((folder / "manifest.json").read_text()) | changes
    manifest["signer"] = {"key": b64encode(signer.public).decode(), "fingerprint": signer.fingerprint}
    manifest["files"] = {
        path.relative_to(folder).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": sha256(path.read_bytes()).hexdigest(),
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("manifest.json", "manifest.sig")
    }
    raw = json.dumps(manifest).encode()
    (folder / "manifest.json").write_bytes(raw)
    (folder / "manifest.sig").write_text(b64encode(signer.sign(SIGNED_AS + raw)).decode())


Spoil = Callable[[Path], None]


def change(name: str, nth: int, **fields: object) -> Spoil:
    def spoil(folder: Path) -> None:
        rows = lines(folder, name)
        rows[nth].update(fields)
        rewrite(folder, name, rows)

    return spoil


def spoil_state(folder: Path) -> None:
    rows = lines(folder, "events.jsonl")
    state = b64decode(rows[4]["state"]).replace(b"user/kim", b"user/tim")
    rows[4]["state"] = b64encode(state).decode()
    rewrite(folder, "events.jsonl", rows)


def flip(name: str, at: int = 1000) -> Spoil:
    def spoil(folder: Path) -> None:
        data = bytearray((folder / name).read_bytes())
        data[at % len(data)] ^= 1
        (folder / name).write_bytes(data)

    return spoil


def spoil_path(folder: Path) -> None:
    rows = lines(folder, "proofs.jsonl")
    part = bytearray(b64decode(rows[4]["path"][2]))
    part[0] ^= 1
    rows[4]["path"][2] = b64encode(part).decode()
    rewrite(folder, "proofs.jsonl", rows)


def drop(tag: str, nth: int) -> Spoil:
    """With its proof, so that the lines still match."""

    def spoil(folder: Path) -> None:
        gone = line_of(folder, tag, nth)
        for name in ("events.jsonl", "proofs.jsonl"):
            rows = lines(folder, name)
            del rows[gone]
            rewrite(folder, name, rows)

    return spoil


def withhold(folder: Path, shown: Callable[[Any], bool], **changes: object) -> None:
    """What an operator could do who holds the key: leave events out with all that hangs on them, and sign the rest."""
    events, proofs = lines(folder, "events.jsonl"), lines(folder, "proofs.jsonl")
    pairs = [(event, proof) for event, proof in zip(events, proofs, strict=False) if shown(event)]
    kept = [event for event, _ in pairs]
    rewrite(folder, "events.jsonl", kept)
    rewrite(folder, "proofs.jsonl", [*(proof for _, proof in pairs), *proofs[len(events) :]])
    there, text = {(e["stream"], e["version"]) for e in kept}, b"".join(b64decode(e["state"]) for e in kept).decode()
    media, keys = lines(folder, "media/manifest.jsonl"), lines(folder, "keys.jsonl")
    for row in media:
        if row["object_key"] not in text:
            (folder / row["file"]).unlink()
    rewrite(folder, "media/manifest.jsonl", [row for row in media if row["object_key"] in text])
    rewrite(
        folder,
        "keys.jsonl",
        [row for row in keys if row.get("object_key", "?") in text or (row.get("stream"), row.get("version")) in there],
    )
    manifest = json.loads((folder / "manifest.json").read_text())
    excerpts = changes.get("excerpts", manifest["excerpts"])
    ends = {row["stream"]: {"last": row["version"], "position": row["position"]} for row in kept}
    seals = [(row, json.loads(b64decode(row["state"]))["event"]) for row in kept if row["tag"] == "record.sealed"]
    said = [{"number": e["number"], "kind": e["kind"], "version": row["version"]} for row, e in seals]
    told = {stream: end for stream, end in ends.items() if stream not in excerpts}
    sign_again(folder, **{"streams": told, "seal": said[-1] if said else None, **changes})


def swap(folder: Path) -> None:
    for name in ("events.jsonl", "proofs.jsonl"):
        rows = lines(folder, name)
        rows[5], rows[6] = rows[6], rows[5]
        rewrite(folder, name, rows)


def renumber(folder: Path) -> None:
    """Drops the gap of the camera, and gives the later versions other numbers to hide it."""
    drop("recording.gap_recorded", 0)(folder)
    rows = lines(folder, "events.jsonl")
    for row in rows:
        if row["stream"].endswith(".camera") and row["version"] > 4:
            row["version"] -= 1
    rewrite(folder, "events.jsonl", rows)


def twice(folder: Path) -> None:
    for name in ("events.jsonl", "proofs.jsonl"):
        rows = lines(folder, name)
        rewrite(folder, name, [*rows[:6], *rows[5:]])


def shrink(folder: Path) -> None:
    text = (folder / "checkpoint").read_text()
    origin, size, *rest = text.split("\n")
    (folder / "checkpoint").write_text("\n".join([origin, str(int(size) - 1), *rest]))


def other_key(folder: Path) -> None:
    rows = lines(folder, "keys.jsonl")
    rows[0]["key"], rows[1]["key"] = rows[1]["key"], rows[0]["key"]
    rewrite(folder, "keys.jsonl", rows)


def no_object(folder: Path) -> None:
    rows = lines(folder, "media/manifest.jsonl")
    rewrite(folder, "media/manifest.jsonl", rows[1:])
    (folder / rows[0]["file"]).unlink()


SEGMENT = "media/camera/0001-000002.webm.sealed"
STREAM = "t/recording/s1.camera"
# What is done, and what is said of it even when the operator signs the result anew.
SPOILS: dict[str, tuple[Spoil, str]] = {
    "a byte of an event": (spoil_state, r"events.jsonl line 5 \(t/chat/s1 version 1\): proofs.jsonl line 5 does not"),
    "a tag": (change("events.jsonl", 3, tag="session.ready"), r"line 4 \(t/session/s1 version 2\): proofs.jsonl"),
    "a recorded time": (
        change("events.jsonl", 5, recorded_at="2026-01-01T00:00:00.000000Z"),
        r"events.jsonl line 6 \(t/incidents/s1 version 1\): was recorded before line 5",
    ),
    "a stream": (change("events.jsonl", 5, stream="t/incidents/s2"), r"line 6 .*: this stream is not in the manifest"),
    "a position": (change("events.jsonl", 5, position=1), r"line 6 .*: stands behind line 5 and before it"),
    "no event": (change("events.jsonl", 5, state="?"), r"events.jsonl line 6: this event or its proof cannot be read"),
    "a proof": (spoil_path, r"events.jsonl line 5 \(t/chat/s1 version 1\): proofs.jsonl line 5 does not lead"),
    "the checkpoint's size": (shrink, "checkpoint: bears no valid signature"),
    "the last event": (drop("record.viewed", 0), r"t/record/s1: ends with version 6 by the manifest, and here with 5"),
    "a middle event": (
        drop("incidents.evidence_added", 0),
        r"events.jsonl line 7 \(t/incidents/s1 version 3\): comes after version 1",
    ),
    "a hidden gap": (renumber, rf"\({STREAM} version 4\): proofs.jsonl line \d+ does not lead"),
    "two events swapped": (swap, r"events.jsonl line 7 .*: stands behind line 6 and before it"),
    "an event twice": (twice, r"events.jsonl line 7 .*: stands behind line 6"),
    "a segment": (flip(SEGMENT), rf"{SEGMENT}, named by events.jsonl line \d+ \({STREAM} version 3\): "),
    "a finished recording": (flip("media/screen.webm"), r"media/screen.webm, named by .*: is not what was stored"),
    "a picture": (
        flip("media/evidence/i1-0123456789abcdef.jpg", 3),
        r"i1-0123456789abcdef.jpg, named by .*: is not what was stored",
    ),
    "two keys swapped": (other_key, r"field name, keys.jsonl line 1: this is not the key that the event committed to"),
    "a picture left out": (no_object, r"version 1\): the object that it names is not in media/manifest.jsonl"),
}  # fmt: skip


def add_file(folder: Path) -> None:
    (folder / "media" / "extra.txt").write_text("hello")


def take_file(folder: Path) -> None:
    (folder / "report.html").unlink()


def link(folder: Path) -> None:
    (folder / "report.html").rename(folder.parent / "report.html")
    (folder / "report.html").symlink_to(folder.parent / "report.html")


def forge(folder: Path) -> None:
    signature = bytearray(b64decode((folder / "manifest.sig").read_text()))
    signature[30] ^= 1
    (folder / "manifest.sig").write_text(b64encode(signature).decode())


def failures(folder: Path, key: str = SIGNER.fingerprint) -> str:
    return "\n".join(Check(folder).run(key).failures)
