"""Exports on demand: made in the background, kept for a day, and taken up again after a crash."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import time
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click
import msgspec
from msgspec.structs import asdict, replace

from api.export_jobs import ExportStatus, Wanted
from commands import recordings
from commands.objects import ObjectStoreAway
from commands.proofs import NotCovered, covered, record_root
from domain import session_rules
from domain.event import Refused
from domain.release import Withheld
from domain.stream import Stream
from vigil.export import export_session, pack, silent
from vigil.export_media import Progress
from vigil.export_several import put_together
from vigil.settings import Settings
from vigil.tools import ACTOR
from vigil.verify import file_hash
from vigil.wiring import Core, attached, core

log = logging.getLogger(__name__)

KEPT_S = 24 * 3600
LOOKED_EVERY_S = 600
_PIECE = 1 << 20
_LONG_AGO = datetime.min.replace(tzinfo=UTC)  # of jobs from before it was noted when they began


class _Job(Wanted, frozen=True, kw_only=True):
    """What is to be made, as it lies beside it."""

    status: ExportStatus
    began_at: datetime | None = None


class ExportJobs:
    """One folder for each export below the home, readable by this process only: an export holds what people said."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._home = core.settings.home / "exports"
        self._tasks: dict[Path, asyncio.Task[None]] = {}
        self._reached: dict[Path, ExportStatus] = {}  # of those that are being made
        self._turn = asyncio.Lock()  # each holds one of the front door's connections for as long as it takes
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Goes on with what an earlier process did not finish, and removes what is older than a day, until closed."""
        self._keeper = asyncio.create_task(self._keep())

    async def begin(self, tenant: str, export: str, wanted: Wanted) -> None:
        """Starts an export, unless it was started before."""
        folder = self._home / tenant / export
        if _read(folder) is not None:
            return
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        running = ExportStatus(state="running", by=wanted.by)
        job = _Job(**asdict(wanted), status=running, began_at=datetime.now(UTC))
        _write(folder, job)
        self._start(folder, tenant, job)

    async def status(self, tenant: str, export: str) -> ExportStatus | None:
        folder = self._home / tenant / export
        job = _read(folder)
        if job is None:
            return None
        if job.status.state == "running" and folder not in self._tasks:
            self._start(folder, tenant, job)  # the process that made it is gone; it goes on where it stopped
        reached = self._reached.get(folder, job.status) if job.status.state == "running" else job.status
        return replace(reached, sessions=job.sessions, request=job.request, began_at=job.began_at)

    async def made_by(self, tenant: str, actor: str) -> dict[str, ExportStatus]:
        """Those that are still kept, newest first."""
        names = await asyncio.to_thread(_made_by, self._home / tenant, actor)
        found = {name: status for name in names if (status := await self.status(tenant, name))}
        return dict(sorted(found.items(), key=lambda one: one[1].began_at or _LONG_AGO, reverse=True))

    async def read(self, tenant: str, export: str) -> AsyncIterator[bytes]:
        """The zip file, in pieces."""
        with (self._home / tenant / export / "export.zip").open("rb") as file:
            while piece := await asyncio.to_thread(file.read, _PIECE):
                yield piece

    async def close(self) -> None:
        tasks = [*self._tasks.values(), *([self._keeper] if self._keeper else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            await asyncio.to_thread(_purge, self._home, frozenset(self._tasks))
            for folder in sorted(self._home.glob("*/*")):
                try:
                    job = _read(folder)
                except msgspec.MsgspecError:
                    log.exception("what lies beside the export %s cannot be read", folder.name)
                    continue
                if job is not None and job.status.state == "running" and folder not in self._tasks:
                    log.info("the export %s goes on", folder.name)
                    self._start(folder, folder.parent.name, job)
            await asyncio.sleep(LOOKED_EVERY_S)

    def _start(self, folder: Path, tenant: str, job: _Job) -> None:
        self._reached[folder] = job.status
        self._tasks[folder] = asyncio.create_task(self._make(folder, tenant, job))

    async def _make(self, folder: Path, tenant: str, job: _Job) -> None:
        try:
            content, target = folder / f"vigil-{folder.name}", folder / "export.zip"
            async with self._turn:
                for number, session in enumerate(job.sessions):
                    into = content / session if len(job.sessions) > 1 else content
                    if not (into / "manifest.json").exists():  # it comes last: an earlier try has not come so far
                        tell = partial(self._tell, folder, number)
                        await export_one(self._core, tenant, session, into, withheld=job.withheld, progress=tell)
                if len(job.sessions) > 1:
                    signer = self._core.signer
                    await asyncio.to_thread(put_together, content, tenant, job.sessions, job.left_out, signer)
                target.unlink(missing_ok=True)
                await asyncio.to_thread(pack, content, target)
                digest = await asyncio.to_thread(file_hash, target)
            done = ExportStatus(
                state="done", by=job.by, size=target.stat().st_size, sha256=digest, sessions_done=len(job.sessions)
            )
        except Exception as error:
            log.exception("export %s failed", folder.name)
            done = ExportStatus(state="failed", by=job.by, why=f"{type(error).__name__}: ask again, or an operator")
        if _read(folder) is None:  # something that it holds was erased meanwhile
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        else:
            _write(folder, replace(job, status=done))
        del self._tasks[folder], self._reached[folder]

    async def _tell(self, folder: Path, sessions_done: int, done: int, total: int) -> None:
        status = replace(self._reached[folder], sessions_done=sessions_done, media_done=done, media=total)
        self._reached[folder] = status


async def export_one(
    here: Core, tenant: str, session: str, folder: Path, *, withheld: Sequence[Withheld] = (),
    progress: Progress = silent,
) -> None:  # fmt: skip
    """Exports one session as of a checkpoint that covers all of its events so far."""
    async with here.pool.connection() as conn:
        reached = await record_root(conn, tenant, session)
        checkpoint = await covered(conn, reached.position)
        await export_session(
            folder, tenant, session, conn=conn, objects=here.objects, keys=here.keys, signer=here.signer,
            size=checkpoint.size, withheld=withheld, progress=progress,
        )  # fmt: skip


async def write(settings: Settings, tenant: str, session: str, folder: Path) -> str:
    """For `vigil export`: writes a session's export into a new folder, and says how to check it.

    That it is made is put on the record first, so that the export tells of itself.
    """
    async with core(attached(settings), "export") as here:
        fingerprint = here.signer.fingerprint  # or it is said now that there is no key
        try:
            _, state = await here.handler.load(session_rules.DECIDER, str(Stream(tenant, "session", session)))
            if state.phase == "absent":
                raise click.ClickException(f"there is no session {session!r}")
            cause = f"export {os.urandom(16).hex()}"
            await here.act(tenant, ACTOR, cause, partial(recordings.export, session=session))
            await export_one(here, tenant, session, folder)
        except Refused as refusal:
            raise click.ClickException(refusal.rule) from refusal
        except TimeoutError as error:
            raise click.ClickException("the notary does not answer; does it run?") from error
        except (NotCovered, ObjectStoreAway, OSError) as error:
            raise click.ClickException(str(error)) from error
        return f"written to {folder}; check it with: vigil verify {folder} --key {fingerprint}"


def _write(folder: Path, job: _Job) -> None:
    draft = folder / "job.new"
    draft.write_bytes(msgspec.json.encode(job))
    draft.replace(folder / "job.json")


def _read(folder: Path) -> _Job | None:
    try:
        return msgspec.json.decode((folder / "job.json").read_bytes(), type=_Job)
    except FileNotFoundError:
        return None


def _made_by(home: Path, actor: str) -> list[str]:
    jobs = {folder.name: _read(folder) for folder in home.glob("*")}
    return [name for name, job in jobs.items() if job is not None and job.by == actor]


def _purge(home: Path, busy: Collection[Path]) -> None:
    """Removes exports that are older than a day and not being made; they can be made again."""
    for folder in home.glob("*/*"):
        if folder not in busy and time.time() - folder.stat().st_mtime > KEPT_S:
            shutil.rmtree(folder, ignore_errors=True)
