"""Several exports in one folder: a page that lists them, and one signed manifest over theirs.

Each below its session's name is an export of its own; docs/export-format.md describes what lies above them.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from commands.checkpoint import Signer
from commands.ids import joined
from vigil import verify
from vigil.export_media import put
from vigil.html import Html, paragraph, section, table, text
from vigil.report import POLICY, STYLE

Json = dict[str, Any]  # lines for other programs
HEAD = ("Session", "Candidate", "Number", "Assessment", "Rests on", "To read")


def put_together(
    folder: Path, tenant: str, sessions: Sequence[str], left_out: Mapping[str, str], signer: Signer
) -> None:
    """Writes the page and, last, the signed manifest. The same exports always give the same bytes."""
    put(folder / "index.html", _page(folder, sessions, left_out, signer).encode())
    put(folder / "verify.py", Path(verify.__file__).read_bytes())
    manifest = {
        "format": verify.SEVERAL,
        "tenant": tenant,
        "signer": {"key": b64encode(signer.public).decode(), "fingerprint": signer.fingerprint},
        "sessions": {one: {"manifest": verify.file_hash(folder / one / "manifest.json")} for one in sessions},
        "left_out": dict(left_out),
        "files": {name: {"sha256": verify.file_hash(folder / name)} for name in ("index.html", "verify.py")},
    }
    raw = msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=1)
    signature = b64encode(signer.sign(verify.SEVERAL_SIGNED_AS + raw)).decode()
    put(folder / "manifest.sig", f"{signature}\n".encode())
    put(folder / "manifest.json", raw)


def _page(folder: Path, sessions: Sequence[str], left_out: Mapping[str, str], signer: Signer) -> str:
    title = f"Records of {len(sessions)} sessions"
    how = Html(
        "<p>To check all of it offline: <code>python verify.py . --key FINGERPRINT</code>, with a fingerprint that you"
        f" were given by somebody you trust. It was signed by <code>{text(signer.fingerprint)}</code>.</p>"
    )
    missing = section("Not in here", table(("Session", "Why"), sorted(left_out.items()))) if left_out else ""
    body = (
        f"<h1>{text(title)}</h1>{table(HEAD, [_row(folder / one, one) for one in sessions])}{missing}{how}"
        f"{paragraph('Each folder is an export of its own and can be checked alone.')}"
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{text(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>{body}</body></html>\n'
    )


def _row(folder: Path, session: str) -> tuple[object, ...]:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    seal = manifest["seal"]
    rests = f"seal {seal['number']} ({seal['kind']})" if seal else "no seal"
    told = _told(folder)
    links = Html(f'<a href="{text(session)}/report.html">page</a>, <a href="{text(session)}/report.pdf">print</a>')
    return session, told.get("name", ""), told.get("number", ""), told.get("title", ""), rests, links


def _told(folder: Path) -> Mapping[str, str]:
    """Name, number and title as the export shows them: the last of each that its keys open."""
    keys = {
        (row["stream"], row["version"], row["field"]): row["key"]
        for row in _lines(folder / "keys.jsonl") if "field" in row
    }  # fmt: skip
    told: dict[str, str] = {}
    for row in _lines(folder / "events.jsonl"):
        if not row["tag"].startswith("schedule."):
            continue
        event = json.loads(b64decode(row["state"]))["event"]
        if row["tag"] in ("schedule.created", "schedule.renamed"):
            told["title"] = event["title"]
        for field in ("name", "number"):
            key = keys.get((row["stream"], row["version"], field))
            if key and row["tag"] == "schedule.candidate_enrolled":
                info = joined("vigil/field/1", row["stream"], str(row["version"]), field)
                sealed = b64decode(event[field]["sealed"])
                told[field] = AESGCM(b64decode(key)).decrypt(sealed[:12], sealed[12:], info).decode()
    return told


def _lines(file: Path) -> Iterator[Json]:
    with file.open("rb") as lines:
        for line in lines:
            yield json.loads(line)
