"""`vigil doctor`: what this installation has, and what it lacks, each in one line."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from statistics import median
from urllib.parse import urlsplit

import cv2
import httpx
import numpy as np
import psycopg

from commands.archived import shelves
from commands.objects import Guards, ObjectStoreAway, Surveyed, open_store, survey
from commands.proofs import latest
from commands.witnesses import EVERY_S, last_told
from detectors import voice
from detectors.pipeline import Pipeline, Shot, View
from detectors.ready import ready
from detectors.weights import Weights, WeightsMissingError
from projections.reader import standings
from vigil import reach
from vigil.clock import synchronised
from vigil.migrate import MigrationRefused, require_up_to_date
from vigil.reach import Finding
from vigil.settings import Settings, SettingsError
from vigil.shelf import unreachable
from vigil.signing import signer
from vigil.wiring import NotRunning, attached, connect_nats
from vigil.witnessing import witnesses

AWAY = (
    OSError, psycopg.Error, ObjectStoreAway, WeightsMissingError, TimeoutError, SettingsError, MigrationRefused,
)  # fmt: skip


async def report(settings: Settings, say: Callable[[str], object]) -> int:
    """Says one line for each check. Returns 1 when something that is needed is missing."""
    checks: dict[str, Callable[[Settings], Awaitable[Finding]]] = {
        "address": _address, "clock": _clock, "weights": _weights, "secret": _secret, "signing": _signing,
        "witness": _witness, "database": _database, "schema": _schema, "models": _models, "nats": _nats,
        "objects": _objects, "archive": _archive, "media": reach.media_port, **_ice_servers(settings),
    }  # fmt: skip
    try:
        settings = attached(settings)
    except NotRunning as why:
        say(f"  --   servers    {why}")
        servers = ("secret", "signing", "witness", "database", "schema", "models", "nats", "objects", "archive")
        checks = {name: check for name, check in checks.items() if name not in servers}
    missing = False
    for name, check in checks.items():
        try:
            held, found = await check(settings)
        except AWAY as error:
            held, found = False, " ".join(str(error).split()) or type(error).__name__
        missing |= not held
        say(f"  {'ok' if held else '!!'}   {name:<10} {found}")
    return 1 if missing else 0


async def _address(settings: Settings) -> Finding:
    url = urlsplit(settings.public_url)
    held = url.scheme == "https" or url.hostname in reach.LOCAL
    return held, settings.public_url if held else f"{settings.public_url}: browsers give cameras to https pages only"


def _ice_servers(settings: Settings) -> dict[str, Callable[[Settings], Awaitable[Finding]]]:
    """A check for each server, by its URI."""
    if settings.ice_servers:
        return {uri: partial(reach.ice_server, uri=uri) for uri in settings.ice_servers}

    async def none(_: Settings) -> Finding:
        return (
            True,
            "none is named: candidates whose networks let no UDP through cannot send media; see VIGIL_ICE_SERVERS",
        )

    return {"ice": none}


async def _clock(_: Settings) -> Finding:
    state = await synchronised()
    return True, f"{state}; the record notes it at each seal"


async def _weights(_: Settings) -> Finding:
    """Which weights by which engine, and what a whole sample costs."""
    pipeline = await asyncio.to_thread(ready)
    cost = await asyncio.to_thread(_cost, pipeline)
    persons, faces = pipeline.objects.weights, pipeline.faces.weights
    on = f"ONNX Runtime {version('onnxruntime')}" if persons.path.suffix == ".onnx" else f"PyTorch {version('torch')}"
    found = (
        f"persons and objects: {_named(persons)} through ultralytics {version('ultralytics-opencv-headless')} on {on}"
    )
    found += f"; faces: {_named(faces)}; {cost} for a sample with every look"
    return True, f"{found}; voices: {_named(voice.resolve())} of {voice.PACKAGE} {version(voice.PACKAGE)}"


def _named(weights: Weights) -> str:
    return f"{weights.name} (sha256 {weights.sha256[:12]})"


def _cost(pipeline: Pipeline) -> str:
    """Median time from a picture (JPEG, 640 by 480) to what is in it. The picture is noise.

    Of a CPU it is this thread's own time, so that other work on the machine counts little. A GPU has no such clock.
    """
    noise, many = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8), pipeline.at_once
    _, jpeg = cv2.imencode(".jpg", cv2.resize(noise, (640, 480)))
    clock = time.thread_time if many == 1 else time.perf_counter
    took = []
    for _n in range(7):
        began = clock()
        pipeline.observe_many([Shot(View(f"doctor {n}"), datetime.now(UTC), jpeg.tobytes()) for n in range(many)])
        took.append((clock() - began) / many)
    each_ms = median(took[2:]) * 1000
    return f"{each_ms:.0f} ms of CPU" if many == 1 else f"{each_ms:.1f} ms, {many} together on a GPU,"


async def _secret(settings: Settings) -> Finding:
    settings.master_secret()
    return True, str(settings.secret_file)


async def _signing(settings: Settings) -> Finding:
    own = signer(settings)
    public = b64encode(own.public).decode()
    return True, f"checkpoints and exports are signed with the key {own.fingerprint} (public: {public})"


async def _witness(settings: Settings) -> Finding:
    """Who outside is told of checkpoints, and whether they were told of the newest that they could know."""
    async with httpx.AsyncClient() as http:
        names = [one.name for one in witnesses(settings, http)]
    if not names:
        return True, (
            "nobody outside is told of checkpoints, so that who holds the key could rewrite everything; see"
            " VIGIL_WITNESS_FOLDER, VIGIL_WITNESS_URL, VIGIL_TIMESTAMP_URL"
        )
    async with await psycopg.AsyncConnection.connect(settings.database_url_for("app"), connect_timeout=5) as conn:
        told, newest = await last_told(conn, names), await latest(conn)
    if newest is None:
        return True, f"{', '.join(names)}: there is no checkpoint yet"
    fresh = datetime.now(UTC) - newest.signed_at < timedelta(seconds=3 * EVERY_S)
    behind = [name for name in names if name not in told or told[name].size < newest.size]
    said = "; ".join(
        f"{name} was told of {told[name].size} of {newest.size} events" if name in told else f"{name} was never told"
        for name in names
    )
    return fresh or not behind, said


async def _database(settings: Settings) -> Finding:
    async with await psycopg.AsyncConnection.connect(settings.database_url_for("app"), connect_timeout=5) as conn:
        cursor = await conn.execute(
            "SELECT current_setting('server_version'),"
            " has_table_privilege('ledger.events', 'INSERT, UPDATE, DELETE, TRUNCATE')"
        )
        row = await cursor.fetchone()
        assert row is not None
        version, writable = row
    held = not writable
    return held, f"PostgreSQL {version}; our role can{'' if writable else 'not'} write events directly"


async def _schema(settings: Settings) -> Finding:
    await asyncio.wait_for(require_up_to_date(settings.database_url_for("app")), 10)
    return True, "nothing is to be migrated"


async def _models(settings: Settings) -> Finding:
    """Whether rows wait for a fix, and how far the model that is furthest behind is from the ledger's end."""
    url = settings.database_url_for("project")
    async with await psycopg.AsyncConnection.connect(url, connect_timeout=5) as conn:
        stood = await standings(conn)
    if not stood:
        return True, "no read model is there yet; `vigil project` makes them"
    parked = {one.model: one.parked for one in stood if one.parked}
    if parked:
        rows = ", ".join(f"{count} of {model}" for model, count in parked.items())
        return False, f"rows wait for a fix ({rows}): see `vigil poison list`"
    behind = max(one.head - one.position for one in stood)
    standing = f"the last of them {behind} events behind" if behind else "up to date"
    return True, f"{len(stood)} read models, {standing}"


async def _archive(settings: Settings) -> Finding:
    """Whether the bundles that hold archived streams are where they were put."""
    async with await psycopg.AsyncConnection.connect(settings.database_url_for("app"), connect_timeout=5) as conn:
        bundles = {shelf.bundle for shelf in await shelves(conn)}
        missing = await unreachable(conn)
    if missing:
        return False, f"of {len(bundles)} bundles {len(missing)} cannot be reached: see `vigil archive list`"
    return True, f"{len(bundles)} bundles, each where it was put" if bundles else "nothing is archived"


async def _nats(settings: Settings) -> Finding:
    client = await asyncio.wait_for(connect_nats(settings.nats_url, "doctor"), 5)
    version = client.connected_server_version
    await client.close()
    return True, f"nats-server {version.major}.{version.minor}.{version.patch}"


async def _objects(settings: Settings) -> Finding:
    found = await asyncio.wait_for(survey(open_store(settings.objects_url)), 10)
    held, told = _told(found, s3=settings.objects_url.startswith("s3:"))
    return held, f"{urlsplit(settings.objects_url).scheme}; {'; '.join(told)}"


def _told(found: Surveyed, *, s3: bool) -> tuple[bool, list[str]]:
    """Whether objects are safe where they lie, what was found, and what to do about what is no good."""
    told = [
        f"{found.stays}; erasure and retention leave sealed bytes there"
        if found.stays
        else "what is put can be read, and deleted"
    ]
    if found.overwrites:
        told.append("IT OVERWRITES what is there: take a server that knows conditional puts (If-None-Match)")
    else:
        told.append("nothing is overwritten")
    if not found.guards.private and s3:
        told.append("ANYBODY can read or list it: take public access from the bucket, in its policy and its ACLs")
    elif not found.guards.private:
        told.append("OTHERS ON THIS MACHINE can read it: take a file system that keeps modes, and `chmod -R go=`")
    else:
        told.append("nobody else can read it")
    if s3:
        told.append(_lock(found.guards))
    return found.guards.private and not found.overwrites, told


def _lock(guards: Guards) -> str:
    match guards.lock, guards.retention:
        case "off", _:
            return "no Object Lock: who has our credentials can delete; only a bucket made with it rules that out"
        case "unknown", "":
            return "whether it has Object Lock we may not ask (s3:GetBucketObjectLockConfiguration)"
        case _, "":
            return (
                "Object Lock keeps nothing: give the bucket a default retention, or VIGIL_OBJECTS_URL "
                "`&lock=governance&days=30`"
            )
        case _, retention:
            return f"Object Lock keeps what is put: {retention}"
