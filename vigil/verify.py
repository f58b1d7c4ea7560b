"""Checks an export of Vigil offline and says what is wrong and where. Needs Python and the package `cryptography` only.

    python verify.py FOLDER --key FINGERPRINT

The fingerprint must come from somebody you trust, not from the export: without it the answer is "consistent, signer
unknown". docs/export-format.md says what is checked, exactly enough to write another verifier. Exit code 1 on failure.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT = "vigil/export/1"
KINDS = ("session", "incidents", "chat", "intervention", "recording", "record")
PRIVATE = {"subject", "session", "class", "sealed", "commitment"}
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 - also for Python before 3.11
SHORTEST_GAP = timedelta(milliseconds=500)
HEADER, BLOCK, LAST = 25, 64 << 10, 1 << 31
WRONG = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, struct.error, OSError, InvalidTag)
Json = dict[str, Any]  # whatever another program wrote


class Event(NamedTuple):
    """One line of events.jsonl."""

    line: int
    leaf: int
    position: int
    stream: str
    version: int
    tag: str
    at: datetime
    hash: bytes
    body: Json

    @property
    def name(self) -> str:
        return f"events.jsonl line {self.line} ({self.stream} version {self.version})"


class Head(NamedTuple):
    """What a checkpoint says, and who signed it."""

    origin: str
    size: int
    root: bytes
    text: bytes
    signatures: list[tuple[str, bytes]]


class Check:
    """One export, checked by `run`. `failures` says what is wrong and where, `remarks` what else to know."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.failures: list[str] = []
        self.remarks: list[str] = []
        self.manifest: Json = {}
        self.events: list[Event] = []
        self.whole: list[Event] = []  # without the excerpts of other streams
        self.keys: dict[tuple[object, ...], tuple[int, bytes]] = {}
        self.head = Head("", 0, b"", b"", [])
        self.paths: dict[tuple[int, int], list[bytes]] = {}  # consistency proofs by (old size, new size)

    def run(self, fingerprint: str | None = None) -> Check:
        """Every step goes on as far as it can, so that one failure does not hide another."""
        self._step("manifest.json", lambda: self._manifest(fingerprint))
        if self.manifest:
            for where, step in (
                ("files", self._files), ("checkpoint", self._checkpoint), ("events.jsonl", self._events),
                ("streams", self._streams), ("keys.jsonl", self._fields), ("seals", self._seals),
                ("media/manifest.jsonl", self._media), ("gaps", self._gaps),
            ):  # fmt: skip
                self._step(where, step)
        return self

    def fail(self, where: str, what: str) -> None:
        self.failures.append(f"{where}: {what}")

    def _step(self, where: str, step: Callable[[], None]) -> None:
        try:
            step()
        except WRONG as error:
            self.fail(where, f"is not of the form {FORMAT} ({type(error).__name__} {error})")

    def _manifest(self, fingerprint: str | None) -> None:
        raw = (self.folder / "manifest.json").read_bytes()
        manifest = json.loads(raw)
        if manifest["format"] != FORMAT:
            raise ValueError(manifest["format"])
        public = _bytes(manifest["signer"]["key"])
        found = sha256(public).hexdigest()
        if manifest["signer"]["fingerprint"] != found:
            self.fail("manifest.json", "the fingerprint is not that of the key beside it")
        if not _signed(public, _bytes((self.folder / "manifest.sig").read_text().strip()), b"vigil/manifest/1\n" + raw):
            self.fail("manifest.json", "its signature does not match; somebody changed it or signed with another key")
        if fingerprint is not None and "".join(fingerprint.lower().replace(":", "").split()) != found:
            self.fail("manifest.json", f"was signed by {found}, not by the key that you trust")
        self.manifest = manifest

    def _files(self) -> None:
        signed = self.manifest["files"]
        found = {p.relative_to(self.folder).as_posix(): p for p in sorted(self.folder.rglob("*"))}
        for name, path in found.items():
            if path.is_symlink():
                self.fail(name, "is a link")
            elif not path.is_dir() and name not in signed and name not in ("manifest.json", "manifest.sig"):
                self.fail(name, "is not in the manifest")
        for name, said in signed.items():
            if name not in found:
                self.fail(name, "is missing")
            elif {"bytes": found[name].stat().st_size, "sha256": _file_hash(found[name])} != said:
                self.fail(name, "is not the file that was signed")

    def _checkpoint(self) -> None:
        self.head = _head(self._file("checkpoint").read_text("utf-8"))
        public = _bytes(self.manifest["signer"]["key"])
        hint = sha256(self.head.origin.encode() + b"\n\x01" + public).digest()[:4]
        own = [s for n, s in self.head.signatures if n == self.head.origin and s[:4] == hint]
        if not any(_signed(public, signature[4:], self.head.text) for signature in own):
            self.fail("checkpoint", "bears no valid signature of the export's signer")
        said = self.manifest["checkpoint"]
        if (said["origin"], said["size"], _bytes(said["root"])) != self.head[:3]:
            self.fail("checkpoint", "is not the one that the manifest names")
        others = sorted({name for name, signature in self.head.signatures if signature not in own})
        self.remarks.append(
            f"other signatures, not checked here: {', '.join(others)}" if others else "no outside witness"
        )

    def _events(self) -> None:
        proofs = list(self._lines("proofs.jsonl"))
        rows = list(self._lines("events.jsonl"))
        for line, row in rows:
            try:
                event = _event(line, row)
                proof = proofs[line - 1][1] if line <= len(proofs) else {}
                path = [_bytes(part) for part in proof["path"]] if proof.get("index") == event.leaf else None
            except WRONG:
                self.fail(f"events.jsonl line {line}", "this event or its proof cannot be read")
                continue
            if path is None or not _included(event.hash, event.leaf, self.head.size, path, self.head.root):
                self.fail(event.name, f"proofs.jsonl line {line} does not lead from it to the checkpoint")
            self._in_order(event)
            self.events.append(event)
        for line, proof in proofs[len(rows) :]:
            if not isinstance(proof.get("from"), int):
                self.fail(f"proofs.jsonl line {line}", "proves no event of this export")
            self.paths[proof["from"], proof["to"]] = [_bytes(part) for part in proof["path"]]

    def _in_order(self, event: Event) -> None:
        if self.events:
            last = self.events[-1]
            if event.position <= last.position or event.leaf <= last.leaf:
                self.fail(event.name, f"stands behind line {last.line} and before it in the ledger")
            if event.at < last.at:
                self.fail(event.name, f"was recorded before line {last.line}, which comes before it")
        if event.body.get("type") != event.tag:
            self.fail(event.name, f"says that it is {event.body.get('type')}, and was sealed as {event.tag}")

    def _streams(self) -> None:
        """Versions 1..n without holes in every stream of the session, up to what the manifest says."""
        said, excerpts = self.manifest["streams"], self.manifest["excerpts"]
        reached: dict[str, Json] = {stream: {"last": 0, "position": 0} for stream in said}
        for event in self.events:
            if event.stream not in said and event.stream not in excerpts:
                self.fail(event.name, "this stream is not in the manifest")
            last = reached.get(event.stream, {"last": 0})["last"]
            if event.version <= last if event.stream in excerpts else event.version != last + 1:
                self.fail(event.name, f"comes after version {last} of its stream")
            reached[event.stream] = {"last": event.version, "position": event.position}
        tenant, session = self.manifest["tenant"], self.manifest["session"]
        for stream, end in said.items():
            if not any(f"{stream}.".startswith(f"{tenant}/{kind}/{session}.") for kind in KINDS):
                self.fail(stream, "is no stream of this session")
            if reached[stream] != end:
                self.fail(
                    stream, f"ends with version {end['last']} by the manifest, and here with {reached[stream]['last']}"
                )
        self.whole = [event for event in self.events if event.stream in said]

    def _fields(self) -> None:
        """Keys open the private fields that they are for, and are those that the events committed to."""
        for line, row in self._lines("keys.jsonl"):
            name = (row["object_key"],) if "object_key" in row else (row["stream"], row["version"], row["field"])
            self.keys[name] = (line, _bytes(row["key"]))
        hidden = 0
        used = {name for name in self.keys if len(name) == 1}  # those of media are looked at there
        for event in self.events:
            for field, value in event.body.items():
                if not isinstance(value, dict) or value.keys() != PRIVATE:
                    continue
                name = (event.stream, event.version, field)
                hidden += name not in self.keys
                if name in self.keys:
                    used.add(name)
                    self._field(event, field, value, *self.keys[name])
        for name in self.keys.keys() - used:
            self.fail(f"keys.jsonl line {self.keys[name][0]}", "is for a field that is not there")
        if hidden:
            self.remarks.append(f"{hidden} private fields are not shown: not part of this export, or erased")

    def _field(self, event: Event, field: str, value: Json, line: int, key: bytes) -> None:
        where = f"{event.name}, field {field}, keys.jsonl line {line}"
        info = _joined("vigil/field/1", event.stream, str(event.version), field)
        if sha256(b"vigil/commitment/1" + key).digest() != _bytes(value["commitment"]):
            self.fail(where, "this is not the key that the event committed to")
        sealed = _bytes(value["sealed"])
        try:
            AESGCM(key).decrypt(sealed[:12], sealed[12:], info).decode()
        except WRONG:
            self.fail(where, "the key does not open it")

    def _seals(self) -> None:
        """Each seal's root over the session's own events, its checkpoint, and that it covers the seal before."""
        own = f"{self.manifest['tenant']}/record/{self.manifest['session']}"
        seals = [event for event in self.whole if event.stream == own and event.tag == "record.sealed"]
        before: dict[str, int] = {}
        for number, event in enumerate(seals, 1):
            try:
                self._seal(event, number, before)
                before = event.body["streams"]
            except WRONG:
                self.fail(event.name, "this seal cannot be read")
        last = seals[-1] if seals else None
        said = last and {"number": last.body["number"], "kind": last.body["kind"], "version": last.version}
        if self.manifest["seal"] != said:
            self.fail("manifest.json", "rests on another seal than the last one in the export")
        if last is None:
            self.remarks.append("the record is not sealed yet")

    def _seal(self, event: Event, number: int, before: dict[str, int]) -> None:
        claim = event.body["streams"]
        covered = sorted((e.stream.encode(), e.version, e) for e in self.whole if e.version <= claim.get(e.stream, 0))
        reached = {e.stream: e.version for _, _, e in covered}
        for stream, last in claim.items():
            if reached.get(stream) != last:
                here = reached.get(stream, 0)
                self.fail(event.name, f"seals {stream} up to version {last}, and the export holds it up to {here}")
        if _root([e.hash for _, _, e in covered]).hex() != event.body["root"]:
            self.fail(event.name, "the root of this seal is not that of the events which it covers")
        if event.body["number"] != number or any(claim.get(stream, 0) < last for stream, last in before.items()):
            self.fail(event.name, f"is not seal {number}, or covers less than the one before")
        head, path = _head(event.body["checkpoint"]), []
        if head.size != self.head.size:
            path = self.paths[head.size, self.head.size]
        if not _consistent(head.size, self.head.size, head.root, self.head.root, path):
            self.fail(event.name, "the checkpoint of this seal is not of the same ledger as that of the export")
        if any(e.leaf >= head.size for _, _, e in covered):
            self.fail(event.name, "the checkpoint of this seal is older than what it seals")

    def _media(self) -> None:
        """Every object that an event names is here as it was stored, or its absence is told; and nothing else is."""
        named = {body["object_key"]: (kind, body, event) for event in self.whole for kind, body in _objects(event)}
        for line, row in self._lines("media/manifest.jsonl"):
            where = f"media/manifest.jsonl line {line}"
            kind, body, event = named.pop(row["object_key"], ("", {}, None))
            if event is None:
                self.fail(where, f"no event names the object {row['object_key']}")
                continue
            where = f"{row.get('file', where)}, named by {event.name}"
            if "absent" in row:
                self.remarks.append(f"{where}: not here: {row['absent']}")
                continue
            try:
                self._object(where, kind, body, row)
            except WRONG:
                self.fail(where, "its key does not open it, or it is not of this form")
        for _, _, event in named.values():
            self.fail(event.name, "the object that it names is not in media/manifest.jsonl")

    def _object(self, where: str, kind: str, body: Json, row: Json) -> None:
        file, key = self._file(row["file"]), self.keys[(row["object_key"],)][1]
        if kind == "segment":
            stored = file.read_bytes()
            found = sha256(stored).hexdigest(), len(stored)
        elif kind == "finalised":
            found = _resealed(file, key, _bytes(row["header"]))
        else:
            nonce, info = _bytes(row["header"]), _joined("vigil/object/1", row["object_key"])
            stored = nonce + AESGCM(key).encrypt(nonce, file.read_bytes(), info)
            found = sha256(stored).hexdigest(), len(stored)
        if found != (body["sha256"], body.get("bytes", found[1])):
            self.fail(where, "is not what was stored: another hash or length")
        elif kind == "segment" and body["complete"] and not _open_segment(stored, key):
            self.fail(where, "its last frame is missing")

    def _gaps(self) -> None:
        """In a finished recording every stretch without media has an event that says why."""
        for stream in sorted({e.stream for e in self.whole if e.tag == "recording.finalised"}):
            own = [e for e in self.whole if e.stream == stream]
            gaps = [
                (_time(e.body["started_at"]), _time(e.body["ended_at"]))
                for e in own
                if e.tag == "recording.gap_recorded"
            ]
            stored = [(e, e.body["segment"]) for e in own if e.tag == "recording.segment_stored"]
            stored.sort(key=lambda pair: (pair[1]["connection"], pair[1]["number"]))
            reached = None
            for event, segment in stored:
                start = _time(segment["started_at"])
                if (
                    reached
                    and start - reached >= SHORTEST_GAP
                    and not any(a <= reached and start <= b for a, b in gaps)
                ):
                    self.fail(event.name, f"no media from {reached} to {start}, and no event says why")
                reached = max(reached or start, _time(segment["ended_at"]))

    def _file(self, name: str) -> Path:
        if name not in self.manifest["files"]:
            raise ValueError(f"{name} is not in the manifest")
        return self.folder / name

    def _lines(self, name: str) -> Iterator[tuple[int, Json]]:
        for line, text in enumerate(self._file(name).read_bytes().splitlines(), 1):
            try:
                row = json.loads(text)
                if not isinstance(row, dict):
                    raise TypeError(row)
            except WRONG:
                self.fail(f"{name} line {line}", "is no JSON object")
                row = {}
            yield line, row
