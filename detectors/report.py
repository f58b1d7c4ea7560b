"""What leaves a worker: changes with their evidence, faults, and the coverage of each session."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from detectors.changes import Change, Closed, Peak
from detectors.coverage import Counts, Coverage
from detectors.outbox import Outbox
from detectors.pipeline import DetectorError
from detectors.sampler import Key
from detectors.settings import Settings
from domain.incidents import Provenance
from domain.policy import DetectorKind

log = logging.getLogger(__name__)

TellChange = Callable[[str, str, Change, bytes | None, Provenance], Awaitable[None]]
TellFault = Callable[[str, str, str, str], Awaitable[None]]
SayProvenance = Callable[[DetectorKind, Settings], Provenance]


class Report:
    """Counts what was seen, and hands what happened to the outbox."""

    def __init__(self, provenance: SayProvenance, tell: TellChange, tell_fault: TellFault, outbox: Outbox) -> None:
        self._provenance, self._tell, self._tell_fault, self._outbox = provenance, tell, tell_fault, outbox
        self._coverage: dict[Key, Coverage] = {}
        self._faults: dict[Key, set[str]] = {}

    def sampled(self, key: Key, settings: Settings, *, told: bool) -> None:
        self._coverage.setdefault(key, Coverage()).sampled(settings, told)

    def overloaded(self, key: Key, settings: Settings) -> None:
        self._coverage.setdefault(key, Coverage()).overloaded(settings)

    def coverage(self, key: Key) -> Mapping[DetectorKind, Counts]:
        found = self._coverage.get(key)
        return found.kinds if found is not None else {}

    def changed(self, key: Key, settings: Settings, changes: tuple[Change, ...], jpeg: bytes | None) -> None:
        """Sends each change; `jpeg` is the picture in which they were seen, evidence for all but an end."""
        for change in changes:
            evidence = None if isinstance(change, Closed) else jpeg
            send = partial(self._tell, *key, change, evidence, self._provenance(change.kind, settings))
            self._outbox.put(key, send, spare=isinstance(change, Peak))

    def failed(self, key: Key, error: Exception) -> None:
        """A fault of ours, told once for each session and detector."""
        detector, why = "pictures", type(error).__name__
        if isinstance(error, DetectorError):
            detector, why = error.detector, error.why
        told = self._faults.setdefault(key, set())
        if detector in told:
            return
        told.add(detector)
        log.error("detector %s failed on session %s", detector, key[1], exc_info=error)
        self._outbox.put(key, partial(self._tell_fault, *key, detector, why))

    def forget(self, key: Key) -> None:
        self._coverage.pop(key, None)
        self._faults.pop(key, None)

    async def close(self) -> None:
        await self._outbox.close()
