"""`vigil compliance`: what a data-protection officer asks about an installation, told from how it is set up now.

For an institution's register of processing (GDPR art. 30) and its assessment of impact (art. 35). The same
configuration gives the same bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import click
import msgspec
from psycopg.conninfo import conninfo_to_dict

from api.app import PARTS, PREFIX
from api.services import TellCompliance
from detectors import voice
from detectors.weights import Weights, WeightsMissingError, resolve
from domain.policy import Policy
from domain.purpose import WHAT, Purpose, basis_of, does
from domain.retention import CLASSES
from projections.reader import NotThereYet, find
from projections.schedules import SCHEDULES, Sitting
from vigil.catalogue import catalogue
from vigil.compliance_page import page
from vigil.settings import Role, Settings
from vigil.wiring import attached, core

Json = dict[str, Any]  # for other programs

FORMAT = "vigil/compliance/1"
SHOWN: dict[Purpose, str] = {  # where each comes to be seen; who may call that sees it
    "live_view": "/sessions/{session:str}/whep/{track:str}",
    "recording": "/recordings/{recording:str}/media",
    "ai_flags": "/sessions/{session:str}/incidents",
    "identity": "/sessions/{session:str}/identity/{picture:str}",
    "face_geometry": "/sessions/{session:str}/incidents",
}
MEASURES = (
    "Names, addresses, texts and identity pictures are sealed with AES-256-GCM, by person, session and class of data.",
    "Recordings and evidence are sealed before they are written. The master key lies in a file of its own.",
    "A person is forgotten by destroying their keys; what remains is pseudonymous, and its proofs stay valid.",
    "The ledger is append-only: no process may change or delete an event. A Merkle tree over all of it is signed.",
    "The front door reads the tables of one tenant at a time, held to it by the database.",
    "Passwords are kept as argon2id hashes, tokens as hashes; every route names who may call it.",
    "Opened recordings, watched candidates and exports are events on the record.",
    "No program decides: detectors point out, people judge.",
)


async def write(settings: Settings, tenant: str, folder: Path) -> str:
    """Writes `compliance.json` and `compliance.html` into a folder, and says so. Raises `ClickException`."""
    settings = attached(settings)
    async with core(settings, "compliance") as here, here.pool.connection() as conn:
        try:
            found = await find(conn, SCHEDULES, tenant)
        except NotThereYet:
            raise click.ClickException("the list of schedules is being put together; try again in a moment") from None
        told = pack(settings, tenant, list(found.rows.values()), here.signer.fingerprint, weights())
    await asyncio.to_thread(_put, folder, told)
    return f"written to {folder}"


def teller(settings: Settings, fingerprint: str) -> TellCompliance:
    """For the front door."""

    def tell(tenant: str, sittings: Sequence[Sitting], running: Mapping[str, str]) -> tuple[Json, str]:
        told = pack(settings, tenant, sittings, fingerprint, running or weights())
        return told, page(told)

    return tell


def pack(
    settings: Settings, tenant: str, sittings: Sequence[Sitting], fingerprint: str, in_use: Mapping[str, str]
) -> Json:
    """Everything that is told. Holds no secret, and nothing about a person."""
    own = sorted((one for one in sittings if one.phase != "absent"), key=lambda one: one.schedule)
    return {
        "format": FORMAT,
        "vigil": version("vigil"),
        "origin": settings.origin,
        "address": settings.public_url,
        "tenant": tenant,
        "processing": _processing(own),
        "retention": _retention([one.policy for one in own]),
        "schedules": [_schedule(one) for one in own],
        "detectors": [msgspec.to_builtins(one) for one in catalogue()],
        "weights": dict(in_use),
        "roles": calls(),
        "outside": outside(settings),
        "measures": [*MEASURES, f"Checkpoints and exports are signed with the key {fingerprint}."],
    }


def _put(folder: Path, told: Json) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    raw = msgspec.json.format(msgspec.json.encode(told, order="deterministic"), indent=1)
    (folder / "compliance.json").write_bytes(raw + b"\n")
    (folder / "compliance.html").write_text(page(told), "utf-8")


def weights() -> dict[str, str]:
    """What detectors would load here, with the SHA-256 of each file; nothing where it is not set up."""
    found: list[Weights] = []
    try:
        mine = resolve()
        found = [mine.persons, mine.faces, voice.resolve()]
    except WeightsMissingError:
        pass
    return {one.name: one.sha256 for one in found}


def calls() -> dict[str, list[str]]:
    """By role, every call of the API that it may make; business with a schedule or session is asked for besides."""
    by_role: dict[str, list[str]] = {}
    for handler in (handler for part in PARTS for handler in part.HANDLERS):
        methods = sorted(getattr(handler, "http_methods", None) or {"WEBSOCKET"})
        roles = {role for guard in handler.guards or () for role in getattr(guard, "roles", ())}
        for role in roles:
            by_role.setdefault(role, []).extend(f"{one} {PREFIX}{path}" for path in handler.paths for one in methods)
    return {role: sorted(by_role[role]) for role in sorted(by_role)}


def recipients(purpose: Purpose) -> list[str]:
    """The roles that see what is there for a purpose, by the routes that show it."""
    at = f"{PREFIX}{SHOWN[purpose]}"
    return [
        role for role, may in calls().items()
        if role not in ("anybody", "candidate") and {f"GET {at}", f"POST {at}"} & set(may)
    ]  # fmt: skip


def outside(settings: Settings) -> list[Json]:
    """What this installation is set up to talk to, by host, and for what. No credentials."""
    roles: tuple[Role, ...] = ("app", "project", "keys", "notary")
    hosts = {str(conninfo_to_dict(settings.database_url_for(role)).get("host") or "this machine") for role in roles}
    store = urlsplit(settings.objects_url)
    found = [("database", host) for host in hosts]
    found += [("messages between processes", urlsplit(one).hostname or one) for one in settings.nats_url.split(",")]
    found.append(
        ("recordings and pictures", f"{store.scheme}://{store.hostname or ''}" if store.hostname else "a folder")
    )
    found += [("reaching candidates' browsers", uri) for uri in settings.ice_servers]
    if settings.witness_folder:
        found.append(("outside witness of checkpoints", "a folder of the institution"))
    for url in (settings.witness_url, settings.timestamp_url):
        if url:
            found.append(("outside witness of checkpoints", urlsplit(url).hostname or "unknown"))
    return [{"for": what, "at": "this machine" if _local(host) else host} for what, host in sorted(set(found))]


def _local(host: str) -> bool:
    return host in ("localhost", "127.0.0.1", "::1") or host.startswith("/")


def _processing(sittings: Iterable[Sitting]) -> list[Json]:
    """A line for each purpose and ground in use."""
    lines: dict[tuple[Purpose, str], list[str]] = {}
    for one in sittings:
        for purpose in does(one.policy):
            lines.setdefault((purpose, basis_of(one.policy, purpose)), []).append(one.schedule)
    return [
        {
            "purpose": purpose, "what": WHAT[purpose], "legal_basis": basis, "of": ["candidates"],
            "recipients": recipients(purpose), "schedules": lines[purpose, basis],
        }
        for purpose in get_args(Purpose) for basis in sorted({b for p, b in lines if p == purpose})
    ]  # fmt: skip


def _retention(policies: Sequence[Policy]) -> list[Json]:
    """The shortest and longest time, in days from the end of a session, after which each class of data is erased."""
    days = {
        "media": [min(one.media_kept_days, one.record_kept_days) for one in policies],
        "record": [one.record_kept_days for one in policies],
    }
    return [
        {"what": what, "classes": sorted(CLASSES[what]), "days_from": min(days[what]), "days_to": max(days[what])}
        for what in CLASSES
        if policies
    ]


def _schedule(one: Sitting) -> Json:
    policy = msgspec.to_builtins(one.policy)
    return {
        "schedule": one.schedule,
        "title": one.title,
        "phase": one.phase,
        "live": one.live_proctoring,
        "policy": policy,
    }
