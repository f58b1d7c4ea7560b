"""What leaves a worker: changes with their evidence, faults, and the coverage of each session."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial

from detectors import load, sight
from detectors.changes import Change, Kept, Opened, Peak, Still
from detectors.coverage import Counts, Coverage
from detectors.kinds import unsure
from detectors.outbox import Outbox
from detectors.pipeline import DetectorError
from detectors.sampler import Key
from detectors.seen import Observation, Source
from detectors.settings import Settings
from domain.incidents import Provenance
from domain.policy import DetectorKind

log = logging.getLogger(__name__)

TellChange = Callable[[str, str, Change, bytes | None, Provenance], Awaitable[None]]
TellFault = Callable[[str, str, str, str | None], Awaitable[None]]
SayProvenance = Callable[[DetectorKind, Settings], Provenance]
RECOVERED = 5  # good looks in a row after which a detector that failed works again


class Report:
    """Counts what was seen, and hands what happened to the outbox."""

    def __init__(self, provenance: SayProvenance, tell: TellChange, tell_fault: TellFault, outbox: Outbox) -> None:
        self._provenance, self._tell, self._tell_fault, self._outbox = provenance, tell, tell_fault, outbox
        self._coverage: dict[Key, Coverage] = {}
        self._faults: dict[Key, dict[str, int]] = {}  # by detector, the good looks since it failed
        self._loads: dict[Key, dict[Source, load.Load]] = {}
        self.judged = self.lost = 0  # samples since the start

    def begins(self, key: Key, settings: Settings) -> None:
        """A session is met now, perhaps with detectors that an earlier worker saw fail."""
        told = {source: load.Load(told=True) for source, name in load.NAMES.items() if name in settings.failing}
        self._loads[key] = told
        failed = settings.failing - {*sight.NAMES.values(), *load.NAMES.values()}
        self._faults.setdefault(key, {}).update(dict.fromkeys(failed, 0))

    def sampled(self, key: Key, settings: Settings, observation: Observation) -> None:
        coverage, why = self._coverage.setdefault(key, Coverage()), unsure(observation, settings)
        coverage.sampled(settings, observation.at, why, observation.source)
        self.judged += 1
        self._weigh(key, observation.source, observation.at, lost=False)

    def overloaded(self, key: Key, settings: Settings, at: datetime, source: Source = "camera") -> None:
        self._coverage.setdefault(key, Coverage()).overloaded(settings, at, source)
        self.lost += 1
        self._weigh(key, source, at, lost=True)

    def is_overloaded(self, key: Key) -> bool:
        """Whether that was told of a session and is not over."""
        return any(one.told for one in self._loads.get(key, {}).values())

    def interrupted(self, key: Key) -> None:
        """Nobody is observed until the session goes on, and nothing is lost of it."""
        if key in self._coverage:
            self._coverage[key].interrupted()
        for source, one in self._loads.pop(key, {}).items():
            if one.told:
                self._outbox.put(key, partial(self._tell_fault, *key, load.NAMES[source], None))

    def coverage(self, key: Key) -> Mapping[DetectorKind, Counts]:
        found = self._coverage.get(key)
        return found.kinds if found is not None else {}

    def changed(self, key: Key, settings: Settings, changes: tuple[Change, ...], jpeg: bytes | None) -> None:
        """Sends each change; `jpeg` is the picture in which they were seen, evidence of a beginning and a peak."""
        for change in changes:
            evidence = jpeg if isinstance(change, Opened | Peak) else None
            send = partial(self._tell, *key, change, evidence, self._provenance(change.kind, settings))
            spare = isinstance(change, Still | Kept) or (isinstance(change, Peak) and not change.graver)
            self._outbox.put(key, send, spare=spare)

    def failed(self, key: Key, error: Exception) -> None:
        """A fault of ours, told once for each session and detector until that works again."""
        detector, why = "pictures", type(error).__name__
        if isinstance(error, DetectorError):
            detector, why = error.detector, error.why
        known = self._faults.setdefault(key, {})
        if detector not in known:
            log.error("detector %s failed on session %s", detector, key[1], exc_info=error)
            self._outbox.put(key, partial(self._tell_fault, *key, detector, why))
        known[detector] = 0

    def looked(self, key: Key, observation: Observation) -> None:
        """Who has failed before and was good in this look; after some in a row the fault is over."""
        known = self._faults.get(key, {})
        for detector in [name for name in known if _worked(name, observation)]:
            known[detector] += 1
            if known[detector] >= RECOVERED:
                del known[detector]
                log.info("detector %s works again on session %s", detector, key[1])
                self._outbox.put(key, partial(self._tell_fault, *key, detector, None))

    def seeing(self, key: Key, told: sight.Told, source: Source = "camera") -> None:
        """The camera shows too little of a session, or the microphone gives no sound; or enough again."""
        if told is not None:
            why = None if told == "well" else told
            self._outbox.put(key, partial(self._tell_fault, *key, sight.NAMES[source], why))

    def _weigh(self, key: Key, source: Source, at: datetime, *, lost: bool) -> None:
        """A fault of ours while most samples of a session are lost."""
        loads = self._loads.setdefault(key, {})
        loads[source], told = load.step(loads.get(source, load.Load()), at, lost=lost)
        if told is not None:
            log.log(logging.ERROR if told == "overloaded" else logging.INFO, "session %s: %s", key[1], told)
            why = load.WHY if told == "overloaded" else None
            self._outbox.put(key, partial(self._tell_fault, *key, load.NAMES[source], why))

    def forget(self, key: Key) -> None:
        self._coverage.pop(key, None)
        self._loads.pop(key, None)
        self._faults.pop(key, None)

    async def close(self) -> None:
        await self._outbox.close()


def _worked(detector: str, observation: Observation) -> bool:
    """Whether a detector was asked in this look, and answered: persons are not looked for in each."""
    if observation.source == "sound":
        return detector == "voice" and observation.cannot_tell is None
    if observation.cannot_tell is not None or observation.look == "none" or detector == "voice":
        return False
    return detector != "persons" or observation.look != "still"
