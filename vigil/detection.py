"""Role `detect`: a detector worker with the ledger behind it. Pictures and sound in, incidents and coverage out."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import assert_never

import msgspec

from commands import flags, sessions
from commands.handler import UseCase
from detectors import load, screens, sight
from detectors.changes import Change, Closed, Kept, Opened, Peak, Still
from detectors.hearing import Hearing
from detectors.ready import ready
from detectors.settings import Settings, StillOpen
from detectors.share import Share
from detectors.weights import WeightsMissingError
from detectors.worker import Worker
from domain import incidents, session_rules
from domain.event import Refused
from domain.fault import Cause
from domain.incidents import Evidence, Provenance, Role
from domain.muting import mutes
from domain.policy import is_detected
from domain.session import Session
from domain.sight import BLANK, SILENT, WHY, Blank, Reason, Silent
from domain.sight import FAULT as FAULT_OF_SIGHT
from domain.stream import Stream
from vigil.catalogue import rests_on
from vigil.coverage import ACTOR, report_coverage
from vigil.evidence import Album, Shot
from vigil.watching import beat
from vigil.wiring import Core, NotRunning

log = logging.getLogger(__name__)

FAULT = "detector "  # with its name: the fault of a session on which it fails
OF_THE_DEVICE = {sight.NAME: FAULT_OF_SIGHT, sight.HEARING: SILENT, screens.NAME: BLANK}  # what is no failure of ours


async def detect(core: Core) -> None:
    """Looks at pictures and listens to sound until cancelled. Raises `NotRunning` when set-up was not run."""
    try:
        pipeline = await asyncio.to_thread(ready)
        hearing = await asyncio.to_thread(Hearing.load)
    except WeightsMissingError as missing:
        raise NotRunning(str(missing)) from missing
    findings, (number, of) = Findings(core), core.settings.detect_share
    share = Share(number - 1, of)
    worker = Worker(
        core.nats, pipeline, settings=findings.settings, changed=findings.changed, fault=findings.fault,
        hearing=hearing, share=share,
    )  # fmt: skip
    shared = screens.Screens(core.nats, told=findings.blank, fault=findings.fault, mine=share.has)
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        group.create_task(shared.run())
        group.create_task(findings.album.run())
        group.create_task(report_coverage(core, worker, share.has))
        group.create_task(beat(core.nats, worker.load, rests_on(pipeline, hearing), share))


class Findings:
    """The callbacks of those who look at cameras and screens."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.album = Album(core, self.add)

    async def settings(self, tenant: str, session: str) -> Settings | None:
        state = await self._session(tenant, session)
        if state.phase != "in_progress":
            return None
        stream = str(Stream(tenant, "incidents", session))
        _, seen = await self._core.handler.load(incidents.DECIDER, stream, fresh=True)
        still_open = tuple(
            StillOpen(
                incident=i.incident, kind=kind, started_at=i.started_at, seen_at=i.seen_at, severity=i.severity,
                peak=i.confidence,
            )
            for i in seen.open.values()
            if is_detected(kind := i.kind)
        )  # fmt: skip
        failing = frozenset(fault.removeprefix(FAULT) for fault in state.faults if fault.startswith(FAULT))
        failing |= {name for name in sight.NAMES.values() if OF_THE_DEVICE[name] in state.faults}
        return Settings(
            detectors=state.policy.detectors,
            muted=frozenset(mutes(state)),
            since=state.started_at,
            still_open=still_open,
            failing=failing,
        )

    async def blank(self, tenant: str, session: str) -> bool | None:
        """Whether it was told that the shared screen shows nothing; None when nobody is observed."""
        state = await self._session(tenant, session)
        return BLANK in state.faults if state.phase == "in_progress" else None

    async def changed(
        self, tenant: str, session: str, change: Change, jpeg: bytes | None, provenance: Provenance
    ) -> None:
        incident, shot, evidence = change.incident, None, None
        if jpeg is not None and isinstance(change, Opened | Peak):
            role: Role | None = "best" if isinstance(change, Opened) or change.better else None
            shot = Shot(tenant, session, incident, change.at, change.raw_score, jpeg, role)
            evidence = await self.album.keep(shot)
        match change:
            case Opened():
                found = incidents.OpenIncident(
                    incident=incident, kind=change.kind, started_at=change.started_at, seen_at=change.at,
                    severity=change.severity, confidence=change.confidence, provenance=provenance, evidence=evidence,
                    observed=True, samples=change.samples,
                )  # fmt: skip
                use_case: UseCase = partial(flags.open_incident, session=session, found=found)
                if not await self._act(tenant, f"open {incident}", use_case):
                    log.warning(
                        "%s in session %s was let go: it was not under observation, or one is open",
                        change.kind,
                        session,
                    )
                    return
            case Kept():
                await self._keep(tenant, session, change)
            case Peak() | Still():
                more = incidents.AddEvidence(
                    incident=incident, evidence=evidence, severity=change.severity, confidence=change.confidence,
                    seen_at=change.at,
                )  # fmt: skip
                cause = f"evidence {incident} {change.at.isoformat()} {evidence.object_key if evidence else ''}".strip()
                await self._act(tenant, cause, partial(flags.add_evidence, session=session, order=more))
            case Closed():
                end = incidents.CloseIncident(
                    incident=incident, ended_at=change.ended_at, severity=change.severity, peak=change.peak,
                    why=change.why,
                )  # fmt: skip
                await self._act(tenant, f"close {incident}", partial(flags.close_incident, session=session, order=end))
            case _:
                assert_never(change)
        if shot is not None and evidence is None:
            self.album.later(shot)

    async def _keep(self, tenant: str, session: str, kept: Kept) -> None:
        """One more picture of an incident that was told; of one that was let go none is stored."""
        stream = str(Stream(tenant, "incidents", session))
        _, seen = await self._core.handler.load(incidents.DECIDER, stream, fresh=True)
        if kept.incident not in seen.flags:
            return
        shot = Shot(tenant, session, kept.incident, kept.at, kept.raw_score, kept.jpeg, kept.role)
        evidence = await self.album.keep(shot)
        if evidence is None:
            self.album.later(shot)
        else:
            await self.add(shot, evidence)

    async def add(self, shot: Shot, evidence: Evidence) -> None:
        """A picture that could not be stored at once lies in the store now."""
        order = incidents.AddEvidence(incident=shot.incident, evidence=evidence)
        use_case = partial(flags.add_evidence, session=shot.session, order=order)
        await self._act(shot.tenant, f"picture {evidence.object_key}", use_case)

    async def fault(self, tenant: str, session: str, detector: str, why: str | None) -> None:
        """A detector fails on a session, or works again: each time a fault of its own, hence the version in the cause.

        Said again, after a lost answer, it changes nothing. The same for a camera or a screen that shows too little
        and for a microphone that gives no sound.
        """
        seen = detector in OF_THE_DEVICE
        stream, what = str(Stream(tenant, "session", session)), OF_THE_DEVICE.get(detector, f"{FAULT}{detector}")
        version, _ = await self._core.handler.load(session_rules.DECIDER, stream, fresh=True)
        if why is None:
            use_case: UseCase = partial(sessions.close_fault, name=session, what=what)
            await self._act(tenant, f"fault over {session} {what} {version}", use_case)
        else:
            cause: Cause = "device" if seen else "ours"
            use_case = partial(sessions.open_fault, name=session, what=what, why=_said(detector, why), cause=cause)
            await self._act(tenant, f"fault {session} {what} {version}", use_case)

    async def _session(self, tenant: str, session: str) -> Session:
        stream = str(Stream(tenant, "session", session))
        _, state = await self._core.handler.load(session_rules.DECIDER, stream, fresh=True)
        return state

    async def _act(self, tenant: str, cause: str, use_case: UseCase) -> bool:
        """Returns whether that changed anything."""
        try:
            receipt = await self._core.act(tenant, ACTOR, cause, use_case)
        except Refused as refusal:
            log.warning("the ledger refused %s: %s", cause, refusal.rule)
            return False
        return receipt.position is not None


def _said(detector: str, why: str) -> str:
    """What a detector says of itself, for who watches."""
    if detector in OF_THE_DEVICE:
        return WHY[msgspec.convert(why, Reason | Blank | Silent)]
    if detector in load.NAMES.values():
        return why
    return f"it cannot {'listen to the microphone' if detector == 'voice' else 'look at the camera'}: {why}"
