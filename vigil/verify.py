"""Checks an export of Vigil offline and says what is wrong and where. Needs Python 3.11 and `cryptography` only.

    python verify.py FOLDER --key FINGERPRINT --outside FILE

The fingerprint must come from somebody you trust, not from the export: without it the answer is "consistent, signer
unknown". Whoever holds the signing key can write another history and sign it: only what is kept outside tells, such as
a checkpoint or the candidate's receipt. docs/export-format.md says what is checked, exactly enough to write another
verifier. Exit code 1 on failure, and 3 when nothing is wrong and no seal is there.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT = "vigil/export/1"
SIGNED_AS = b"vigil/manifest/1\n"  # stands before the manifest in what is signed
SEVERAL, SEVERAL_SIGNED_AS = "vigil/exports/1", b"vigil/exports/manifest/1\n"  # of a folder that holds several
KINDS = ("session", "incidents", "chat", "intervention", "recording", "record")
PRIVATE = {"subject", "session", "class", "sealed", "commitment"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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
        self.field_keys: dict[tuple[str, int, str], tuple[int, bytes]] = {}  # with the line that they stand in
        self.object_keys: dict[str, bytes] = {}
        self.head = Head("", 0, b"", b"", [])
        self.sealed = False
        self.told: list[str] = []  # who outside was told of the ledger, by the export's own word
        self.agreed: list[str] = []  # with what was given from outside
        self.paths: dict[tuple[int, int], list[bytes]] = {}  # consistency proofs by (old size, new size)

    def run(self, fingerprint: str | None = None, outside: Sequence[Path] = ()) -> Check:
        """Every step goes on as far as it can, so that one failure does not hide another.

        `outside` are checkpoints, receipts and consistency proofs that do not come from the export.
        """
        self._step("manifest.json", lambda: self._manifest(fingerprint))
        if self.manifest:
            for where, step in (
                ("files", self._files), ("checkpoint", self._checkpoint), ("events.jsonl", self._events),
                ("streams", self._streams), ("keys.jsonl", self._fields), ("seals", self._seals),
                ("witness/manifest.jsonl", self._witnesses), ("outside", lambda: self._outside(outside)),
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
        for wrong in _signature(self.folder, manifest, SIGNED_AS + raw, fingerprint):
            self.fail("manifest.json", wrong)
        for part in manifest.get("withheld", []):
            which = f" ({', '.join(part['incidents'])})" if part["incidents"] else ""
            self.remarks.append(f"of this copy, {part['what']}{which} is {part['why']}")
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
            elif {"bytes": found[name].stat().st_size, "sha256": file_hash(found[name])} != said:
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
        if others:
            self.remarks.append(f"other signatures, not checked here: {', '.join(others)}")

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
        own = (f"{tenant}/session/{session}", "session.opened")
        plans = {f"{tenant}/schedule/{e.body['schedule']}" for e in self.events if (e.stream, e.tag) == own}
        for stream in excerpts:
            if stream not in plans:
                self.fail(stream, "is not the schedule of this session, so that it may be no excerpt")
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
            if "object_key" in row:
                self.object_keys[row["object_key"]] = _bytes(row["key"])
            else:
                self.field_keys[row["stream"], row["version"], row["field"]] = line, _bytes(row["key"])
        unused, hidden = dict(self.field_keys), 0
        for event in self.events:
            for field, value in event.body.items():
                if isinstance(value, dict) and value.keys() == PRIVATE:
                    found = unused.pop((event.stream, event.version, field), None)
                    hidden += found is None
                    if found:
                        self._field(event, field, value, *found)
        for line, _ in unused.values():
            self.fail(f"keys.jsonl line {line}", "is for a field that is not there")
        if hidden:
            self.remarks.append(f"private fields not shown: {hidden}; they are not part of this export, or erased")

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
            self.remarks.append("no seal is here: it is not sealed yet, or seal and events were left out")
            return
        self.sealed = True
        covers = last.body["streams"]
        after = sum(event.version > covers.get(event.stream, 0) for event in self.whole if event is not last)
        lie = "1 event here lies" if after == 1 else f"{after} events here lie"
        self.remarks.append(f"{lie} after seal {last.body['number']}; later ones could be missing")

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

    def _witnesses(self) -> None:
        """What was told outside is of this ledger. Whether it was told, only those who were told can say."""
        if "witness/manifest.jsonl" not in self.manifest["files"]:
            return
        for line, row in self._lines("witness/manifest.jsonl"):
            where, note = f"witness/manifest.jsonl line {line}", self._file(row["note"]).read_bytes()
            head = _head(note.decode())
            self._tie(where, head, self.paths)
            told = f"{row['witness']} was told of the first {head.size} events, at {row['told_at']}"
            if "answer" in row:
                if sha256(note).digest() not in self._file(row["answer"]).read_bytes():
                    self.fail(where, "the time stamp is over something else")
                ask = f"openssl ts -verify -data {row['note']} -in {row['answer']} -CAfile THEIR_CERTIFICATE"
            else:
                ask = f"ask them for {row['note']}, and give what they have as --outside"
            self.told.append(f"{told}, it says here; to check it: {ask}")

    def _outside(self, files: Sequence[Path]) -> None:
        """What somebody kept agrees with the export."""
        paths, kept = dict(self.paths), list[tuple[str, Json]]()
        for file in files:
            text = file.read_text("utf-8")
            held: Json = json.loads(text) if text.startswith("{") else {"checkpoint": text}
            if "path" in held:
                paths[held["old"], held["new"]] = [bytes.fromhex(part) for part in held["path"]]
            else:
                kept.append((str(file), held))
        for where, held in kept:
            head = _head(held["checkpoint"])
            if self._tie(where, head, paths):
                self.agreed.append(f"agrees with {where}, over the first {head.size} events")
            if "seal" in held:
                self._receipt(where, held)

    def _receipt(self, where: str, held: Json) -> None:
        own = (f"{self.manifest['tenant']}/record/{self.manifest['session']}", "record.sealed")
        seals = [e.body for e in self.whole if (e.stream, e.tag) == own]
        if held["session"] != self.manifest["session"]:
            self.fail(where, f"is the receipt of session {held['session']}")
        elif not any((s["number"], s["root"]) == (held["seal"]["number"], held["seal"]["root"]) for s in seals):
            self.fail(where, f"seal {held['seal']['number']} of this receipt is not the one here")

    def _tie(self, where: str, head: Head, paths: dict[tuple[int, int], list[bytes]]) -> bool:
        """Whether another head is of the same ledger as the export's."""
        old, new = sorted((head, self.head), key=lambda one: one.size)
        if old.size != new.size and (old.size, new.size) not in paths:
            how = f"/api/v1/proofs/consistency?old={old.size}&new={new.size}"
            self.fail(where, f"cannot be compared without the answer of GET {how}; give it as --outside too")
            return False
        path = paths.get((old.size, new.size), [])
        same = head.origin == self.head.origin and _consistent(old.size, new.size, old.root, new.root, path)
        if not same:
            self.fail(where, f"is a checkpoint over {head.size} events of another history than the export's")
        return same

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
        file, key = self._file(row["file"]), self.object_keys[row["object_key"]]
        if kind == "finalised":
            found = resealed(file, key, _bytes(row["header"]))
        else:
            stored = file.read_bytes()
            if kind in ("evidence", "still", "attachment"):
                nonce, info = _bytes(row["header"]), _joined("vigil/object/1", row["object_key"])
                stored = nonce + AESGCM(key).encrypt(nonce, stored, info)
            elif not _open_segment(stored, key) and body["complete"]:
                self.fail(where, "its last frame is missing")
            found = sha256(stored).hexdigest(), len(stored)
        if found != (body["sha256"], body.get("bytes", found[1])):
            self.fail(where, "is not what was stored: another hash or length")

    def _gaps(self) -> None:
        """Each stretch without media in what was finished has an event that says why.

        A session may be reopened and recorded further: until that is finished too, a segment may still come.
        """
        for stream in sorted({e.stream for e in self.whole if e.tag == "recording.finalised"}):
            own = [e for e in self.whole if e.stream == stream]
            gaps = sorted(
                (_time(e.body["started_at"]), _time(e.body["ended_at"]))
                for e in own
                if e.tag == "recording.gap_recorded" and e.body["why"]
            )
            finished = max(e.version for e in own if e.tag == "recording.finalised")
            stored = [
                (e, e.body["segment"]) for e in own if e.tag == "recording.segment_stored" and e.version < finished
            ]
            stored.sort(key=lambda pair: (pair[1]["connection"], pair[1]["number"]))
            reached: datetime | None = None
            for event, segment in stored:
                start = _time(segment["started_at"])
                told = reached
                for a, b in gaps:  # one may follow another
                    told = max(told, b) if told and a - told < SHORTEST_GAP else told
                if reached and told and start - told >= SHORTEST_GAP:
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


class Several:
    """Exports of several sessions in one folder: each is checked, and that they are those which were put together."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.failures: list[str] = []
        self.left_out: Json = {}
        self.checks: list[Check] = []

    def run(self, fingerprint: str | None = None, outside: Sequence[Path] = ()) -> Several:
        try:
            self._run(fingerprint, outside)
        except WRONG as error:
            self.failures.append(f"manifest.json: is not of the form {SEVERAL} ({type(error).__name__} {error})")
        return self

    def _run(self, fingerprint: str | None, outside: Sequence[Path]) -> None:
        raw = (self.folder / "manifest.json").read_bytes()
        manifest = json.loads(raw)
        self.left_out = dict(manifest["left_out"])
        wrong = _signature(self.folder, manifest, SEVERAL_SIGNED_AS + raw, fingerprint)
        self.failures += [f"manifest.json: {what}" for what in wrong]
        said = {name: one["sha256"] for name, one in manifest["files"].items()}
        said |= {f"{session}/manifest.json": one["manifest"] for session, one in manifest["sessions"].items()}
        for name, hash_ in said.items():
            if not (self.folder / name).is_file():
                self.failures.append(f"{name}: is missing")
            elif file_hash(self.folder / name) != hash_:
                self.failures.append(f"{name}: is not the file that was signed")
        known = {*manifest["files"], *manifest["sessions"], "manifest.json", "manifest.sig"}
        for path in sorted(self.folder.iterdir()):
            if path.name not in known or path.is_symlink():
                self.failures.append(f"{path.name}: is not in the manifest")
        for session in manifest["sessions"]:
            own = [file for file in outside if _receipt_of(file) in (None, session)]
            check = Check(self.folder / session).run(fingerprint, own)
            if check.manifest and check.manifest["session"] != session:
                check.fail("manifest.json", f"is of session {check.manifest['session']}, in the place of {session}")
            self.checks.append(check)


def _receipt_of(file: Path) -> str | None:
    """The session whose receipt this is; None of anything else."""
    text = file.read_text("utf-8")
    return json.loads(text).get("session") if text.startswith("{") else None


def _signature(folder: Path, manifest: Json, signed: bytes, fingerprint: str | None) -> Iterator[str]:
    """What is wrong with the signature under a manifest."""
    public = _bytes(manifest["signer"]["key"])
    found = sha256(public).hexdigest()
    if manifest["signer"]["fingerprint"] != found:
        yield "the fingerprint is not that of the key beside it"
    if not _signed(public, _bytes((folder / "manifest.sig").read_text().strip()), signed):
        yield "its signature does not match; somebody changed it or signed with another key"
    if fingerprint is not None and "".join(fingerprint.lower().replace(":", "").split()) != found:
        yield f"was signed by {found}, not by the key that you trust"


def _event(line: int, row: Json) -> Event:
    at, state = _time(row["recorded_at"]), _bytes(row["state"])
    version, micros = struct.pack(">Q", row["version"]), struct.pack(">q", (at - EPOCH) // timedelta(microseconds=1))
    canonical = b"vigil/event/1" + _joined(row["stream"], version, row["tag"], micros, state)
    hash_ = sha256(b"\x00" + canonical).digest()
    body = json.loads(state)["event"]
    if not isinstance(row["index"], int) or not isinstance(row["position"], int) or not isinstance(body, dict):
        raise TypeError(row)
    return Event(line, row["index"], row["position"], row["stream"], row["version"], row["tag"], at, hash_, body)


def _objects(event: Event) -> Iterator[tuple[str, Json]]:
    """The stored objects that an event names, with the part of it that holds key, hash and size."""
    if event.tag in ("recording.segment_stored", "recording.late_segment_stored"):
        yield "segment", event.body["segment"]
    elif event.tag == "recording.finalised":
        yield "finalised", event.body
    elif event.tag == "recording.still_stored":
        yield "still", event.body
    elif event.tag in ("incidents.opened", "incidents.evidence_added") and event.body["evidence"]:
        yield "evidence", event.body["evidence"]
    elif event.tag == "record.appeal_attached":  # whose size is told as it was sent, not as it is stored
        yield "attachment", {name: event.body[name] for name in ("object_key", "sha256")}


# RFC 9162, sections 2.1.1, 2.1.3.2 and 2.1.4.2.


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def _root(leaves: list[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return _node(_root(leaves[:split]), _root(leaves[split:]))


def _included(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> bool:
    if not 0 <= index < size:
        return False
    found, place, last = leaf, index, size - 1
    for sibling in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = _node(sibling, found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = _node(found, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def _consistent(old: int, new: int, old_root: bytes, new_root: bytes, path: list[bytes]) -> bool:
    if old == new:
        return not path and old_root == new_root
    path = [old_root, *path] if old & (old - 1) == 0 else path
    if not 0 < old < new or not path:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = _node(sibling, before), _node(sibling, after)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            after = _node(after, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


# Signatures and sealed files.


def _head(note: str) -> Head:
    """A C2SP tlog-checkpoint: origin, size and root, a blank line, and signature lines."""
    text, _, signatures = note.rpartition("\n\n")
    origin, size, root = text.split("\n")[:3]
    lines = [line.split(" ") for line in signatures.rstrip("\n").split("\n")]
    return Head(origin, int(size), _bytes(root), f"{text}\n".encode(), [(n, _bytes(s)) for _, n, s in lines])


def _signed(public: bytes, signature: bytes, data: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except InvalidSignature:
        return False
    return True


def _nonce(count: int, last: bool) -> bytes:
    return bytes(7) + struct.pack(">LB", count, last)


def _open_segment(stored: bytes, key: bytes) -> bool:
    """Opens each frame of a sealed segment (InvalidTag if one is changed); whether the last one is there."""
    cipher, header, at, count, last = AESGCM(key), stored[:HEADER], HEADER, 0, False
    while at + 16 <= len(stored) and not last:
        head = stored[at : at + 16]
        size = struct.unpack(">L", head[:4])[0]
        last, size = bool(size & LAST), size & (LAST - 1)
        if at + 16 + size > len(stored):
            return False
        cipher.decrypt(_nonce(count, last), stored[at + 16 : at + 16 + size], header + head)
        at, count = at + 16 + size, count + 1
    return last and at == len(stored)


def resealed(file: Path, key: bytes, header: bytes) -> tuple[str, int]:
    """Hash and size of the stored file that this readable one was opened from: sealing again gives the same bytes."""
    cipher, digest, size, count = AESGCM(key), sha256(header), len(header), 0
    with file.open("rb") as opened:
        block = opened.read(BLOCK)
        while block:
            following = opened.read(BLOCK)
            sealed = cipher.encrypt(_nonce(count, not following), block, header)
            digest.update(sealed)
            block, count, size = following, count + 1, size + len(sealed)
    return digest.hexdigest(), size


def file_hash(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _joined(*parts: str | bytes) -> bytes:
    """Each part behind its length, so that none can bleed into its neighbour."""
    raw = [part.encode() if isinstance(part, str) else part for part in parts]
    return b"".join(struct.pack(">I", len(part)) + part for part in raw)


def _bytes(text: str) -> bytes:
    return b64decode(text, validate=True)


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(text)
    return at


def report(check: Check, fingerprint: str | None) -> Iterator[str]:
    """What is said to the person who asked."""
    if check.manifest:
        tenant, session, seal = (check.manifest.get(name) for name in ("tenant", "session", "seal"))
        yield f"session {session} of {tenant}: {len(check.events)} events, checkpoint over {check.head.size}"
        if seal:
            yield f"rests on seal {seal['number']} ({seal['kind']})"
    yield from check.remarks
    yield from check.told
    if check.agreed:
        yield from check.agreed
    elif not check.told:
        yield "no outside witness: whoever holds the signing key could have written all of this anew"
    else:
        yield "nothing from outside was given: see --outside"
    yield from (f"WRONG {failure}" for failure in check.failures)
    if check.failures:
        yield f"FAILED: {len(check.failures)} things are not as they were sealed"
        return
    lacks = [] if check.sealed else ["not sealed"]
    if fingerprint is None:
        lacks.append(f"signer unknown: compare {check.manifest['signer']['fingerprint']} with what you were given")
    yield ", ".join(["consistent", *lacks]) if lacks else "verified"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check an export of Vigil offline.")
    parser.add_argument("folder", type=Path, help="the export, unpacked")
    parser.add_argument("--key", help="fingerprint of the signing key, from somebody you trust")
    parser.add_argument(
        "--outside", type=Path, action="append", default=[],
        help="a checkpoint or receipt that somebody keeps, or a consistency proof between two; several times",
    )  # fmt: skip
    given = parser.parse_args(arguments)
    if _holds_several(given.folder):
        return _main_of_several(given.folder, given.key, given.outside)
    check = Check(given.folder).run(given.key, given.outside)
    for line in report(check, given.key):
        sys.stdout.write(f"{line}\n")
    return 1 if check.failures else 0 if check.sealed else 3


def _holds_several(folder: Path) -> bool:
    try:
        return bool(json.loads((folder / "manifest.json").read_bytes())["format"] == SEVERAL)
    except WRONG:
        return False


def _main_of_several(folder: Path, key: str | None, outside: Sequence[Path]) -> int:
    several = Several(folder).run(key, outside)
    for check in several.checks:
        sys.stdout.writelines(f"{line}\n" for line in report(check, key))
    wrong = sum(bool(check.failures) for check in several.checks)
    sealed = all(check.sealed for check in several.checks)
    lines = [f"not in here: session {session}: {why}" for session, why in sorted(several.left_out.items())]
    lines += [f"WRONG {failure}" for failure in several.failures]
    if wrong or several.failures:
        lines.append(
            f"FAILED: {wrong} of {len(several.checks)} sessions, and {len(several.failures)} things above them"
        )
    else:
        lacks = ([] if sealed else ["not all sealed"]) + (["signer unknown"] if key is None else [])
        lines.append(", ".join(["consistent", *lacks]) if lacks else "verified")
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 1 if wrong or several.failures else 0 if sealed else 3


if __name__ == "__main__":
    sys.exit(main())
