"""Role `detect`: a detector worker with the ledger behind it. Pictures in, incidents and coverage out."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from hashlib import sha256
from typing import assert_never

import psycopg

from commands import flags, sessions
from commands.handler import UseCase
from commands.keys import KeyName, seal_object
from commands.objects import ObjectExists, ObjectStoreAway
from commands.recordings import recording_name
from detectors.changes import Change, Closed, Opened, Peak
from detectors.coverage import Counts
from detectors.pipeline import Pipeline
from detectors.settings import Settings, StillOpen
from detectors.weights import WeightsMissingError, resolve
from detectors.worker import Worker
from domain import incidents, recording, session_rules
from domain.event import Refused
from domain.incidents import Evidence, Provenance
from domain.recording import Recording
from domain.session import Session
from domain.stream import Stream
from vigil.outlook import Over, over, until_there
from vigil.wiring import Core, NotRunning

log = logging.getLogger(__name__)

ACTOR = "system/detect"
LOOK_EVERY_S = 0.5
REST_S = 5.0  # after a session whose coverage could not be reported
KEY_FRAME_S = 3.0  # a camera sends a picture that can be looked at each two to three seconds


async def detect(core: Core) -> None:
    """Looks at pictures until cancelled. Raises `NotRunning` when set-up was not run."""
    try:
        pipeline = await asyncio.to_thread(lambda: Pipeline.load(resolve()))
    except WeightsMissingError as missing:
        raise NotRunning(str(missing)) from missing
    findings = Findings(core)
    worker = Worker(core.nats, pipeline, settings=findings.settings, changed=findings.changed, fault=findings.fault)
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        group.create_task(_report_coverage(core, worker))


class Findings:
    """The worker's three callbacks."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def settings(self, tenant: str, session: str) -> Settings | None:
        state = await self._session(tenant, session)
        if state.phase != "in_progress":
            return None
        stream = str(Stream(tenant, "incidents", session))
        _, seen = await self._core.handler.load(incidents.DECIDER, stream, fresh=True)
        still_open = tuple(
            StillOpen(incident=i.incident, kind=i.kind, started_at=i.started_at, severity=i.severity, peak=i.confidence)
            for i in seen.open.values()
        )
        return Settings(detectors=state.policy.detectors, still_open=still_open)

    async def changed(
        self, tenant: str, session: str, change: Change, jpeg: bytes | None, provenance: Provenance
    ) -> None:
        evidence = await self._keep(tenant, session, change, jpeg)
        match change:
            case Opened():
                found = incidents.OpenIncident(
                    incident=change.incident, kind=change.kind, started_at=change.started_at,
                    severity=change.severity, confidence=change.confidence, provenance=provenance, evidence=evidence,
                    observed=True,
                )  # fmt: skip
                await self._act(
                    tenant, f"open {change.incident}", partial(flags.open_incident, session=session, found=found)
                )
            case Peak():
                if evidence is None:
                    return
                better = incidents.AddEvidence(incident=change.incident, evidence=evidence)
                cause = f"evidence {change.incident} {change.at.isoformat()}"
                await self._act(tenant, cause, partial(flags.add_evidence, session=session, order=better))
            case Closed():
                end = incidents.CloseIncident(
                    incident=change.incident, ended_at=change.ended_at, severity=change.severity, peak=change.peak,
                    why=change.why,
                )  # fmt: skip
                await self._act(
                    tenant, f"close {change.incident}", partial(flags.close_incident, session=session, order=end)
                )
            case _:
                assert_never(change)

    async def fault(self, tenant: str, session: str, detector: str, why: str) -> None:
        what = f"detector {detector}"
        use_case = partial(sessions.open_fault, name=session, what=what, why=f"it cannot look at the camera: {why}")
        await self._act(tenant, f"fault {session} {what}", use_case)

    async def _keep(self, tenant: str, session: str, change: Change, jpeg: bytes | None) -> Evidence | None:
        """Seals the picture and stores it. Without a store the incident is told all the same, without its picture."""
        if jpeg is None or isinstance(change, Closed):
            return None
        state = await self._session(tenant, session)
        data_key = await self._core.keys.data_key(KeyName(state.subject, session, "media"))
        name = sha256(jpeg).hexdigest()[:16]
        key = f"{tenant}/evidence/{session}/{change.incident}-{name}.jpg.sealed"
        sealed = seal_object(data_key, key, jpeg)
        try:
            await self._core.objects.put_new(key, sealed)
        except ObjectExists:  # told again after a crash: what lies there is this very picture
            sealed = await self._core.objects.get(key)
        except ObjectStoreAway:
            log.warning("an evidence picture could not be stored; the incident is told without it")
            return None
        return Evidence(at=change.at, object_key=key, sha256=sha256(sealed).hexdigest(), raw_score=change.raw_score)

    async def _session(self, tenant: str, session: str) -> Session:
        stream = str(Stream(tenant, "session", session))
        _, state = await self._core.handler.load(session_rules.DECIDER, stream, fresh=True)
        return state

    async def _act(self, tenant: str, cause: str, use_case: UseCase) -> None:
        try:
            await self._core.act(tenant, ACTOR, cause, use_case)
        except Refused as refusal:
            log.warning("the ledger refused %s: %s", cause, refusal.rule)


async def _report_coverage(core: Core, worker: Worker) -> None:
    """Once a session is over: how much each of its detectors could see, also when that was nothing."""
    async with core.reading() as conn:
        await until_there(conn)
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        try:
            async with core.reading() as conn:
                ended = await over(conn)
        except psycopg.OperationalError:
            log.warning("the read models are away; coverage waits")
            continue
        if [one for one in ended if not await _reported(core, worker, one)]:
            await asyncio.sleep(REST_S)


async def _reported(core: Core, worker: Worker, one: Over) -> bool:
    """Reports on one session, if it can be. One that fails holds up no other."""
    try:
        await _report(core, worker, one.tenant, one.session)
    except Exception:
        log.exception("the coverage of session %s could not be reported; it is tried again", one.session)
        return False
    return True


async def _report(core: Core, worker: Worker, tenant: str, session: str) -> None:
    stream = str(Stream(tenant, "session", session))
    _, state = await core.handler.load(session_rules.DECIDER, stream, fresh=True)
    _, seen = await core.handler.load(incidents.DECIDER, str(Stream(tenant, "incidents", session)), fresh=True)
    if state.started_at is None:
        return
    missing = [detector.kind for detector in state.policy.detectors if detector.kind not in seen.covered]
    tape = await _tape(core, tenant, session)
    if not missing or tape.live:  # what was recorded tells how much could have been seen
        return
    counted = worker.coverage(tenant, session)
    for kind in missing:
        counts = counted.get(kind, Counts())
        unseen = max(0, pictures_due(tape, state) - counts.due)
        order = incidents.ReportCoverage(
            detector=kind, due=counts.due + unseen, taken=counts.taken, cannot_tell=counts.cannot_tell + unseen,
            overloaded=counts.overloaded, muted=counts.muted,
        )  # fmt: skip
        use_case = partial(flags.report_coverage, session=session, order=order)
        await core.act(tenant, ACTOR, f"coverage {session} {kind}", use_case)
    worker.forget(tenant, session)


def pictures_due(tape: Recording, state: Session) -> int:
    """How many pictures of the camera there must have been at least while the session was under observation.

    Who counted fewer was not there, or not told: that is not observed, whoever's fault it was.
    """
    recorded_s = sum((segment.ended_at - segment.started_at).total_seconds() for segment in tape.segments)
    return max(0, int((recorded_s - state.stopped_s) / KEY_FRAME_S) - 1)


async def _tape(core: Core, tenant: str, session: str) -> Recording:
    name = str(Stream(tenant, "recording", recording_name(session, "camera")))
    _, tape = await core.handler.load(recording.DECIDER, name, fresh=True)
    return tape
