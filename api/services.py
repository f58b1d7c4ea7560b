"""Everything that the front door is handed by the wiring. It opens and closes nothing of this itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import msgspec
from nats.aio.client import Client as Nats
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from api.detector_workers import DetectorWorkers
from api.export_jobs import Exports
from api.limits import RATES, Kind, Rate
from api.media_workers import MediaWorkers
from api.passwords import Passwords
from api.tokens import Tokens
from commands.handler import Handler
from commands.ids import Pseudonyms
from domain.detector import Described
from domain.identity import Stored
from domain.incidents import Evidence
from domain.late import StillStored, Stretch
from domain.phase import Track
from domain.segment import Segment
from projections.reader import Standing
from projections.schedules import Sitting

Pool = AsyncConnectionPool[AsyncConnection]


class Playable(Protocol):
    """A finalised recording, decrypted as it is read."""

    @property
    def size(self) -> int: ...
    @property
    def media_type(self) -> str: ...
    def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        """Bytes `start` up to `stop`, the last not included."""
        ...


class Clip(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a player takes."""

    data: bytes
    media_type: str


class IdentityPictures(Protocol):
    """Pictures for the identity check, sealed before they leave the process."""

    async def keep(self, tenant: str, session: str, what: str, jpeg: bytes) -> Stored:
        """The same picture is stored once. Raises `Refused` when its key was destroyed, and `ObjectStoreAway`."""
        ...

    async def open(self, tenant: str, session: str, stored: Stored) -> bytes | None:
        """The JPEG, or None when it or its key is gone."""
        ...


class Attachments(Protocol):
    """What goes with an appeal, sealed before it leaves the process. Raises `ObjectStoreAway`."""

    async def keep(self, tenant: str, session: str, data: bytes) -> Stored:
        """The same bytes are stored once. Raises `Refused` when their key was destroyed."""
        ...

    async def open(self, tenant: str, session: str, object_key: str) -> bytes | None:
        """The bytes, or None when they or their key are gone."""
        ...


class StoredStill(msgspec.Struct, frozen=True, kw_only=True):
    """A JPEG of `width` x `height` in the object store; `sha256` is of the stored bytes."""

    object_key: str
    sha256: str
    width: int
    height: int


class LateMedia(Protocol):
    """What a candidate's page kept of its own, sealed before it leaves the process. Raises `ObjectStoreAway`."""

    async def cut(
        self, tenant: str, session: str, track: Track, file: bytes, *, began_at: datetime, ended_at: datetime,
        stretches: Sequence[Stretch], zero: datetime,
    ) -> tuple[Segment, ...]:  # fmt: skip
        """The parts of a WebM file that lie in `stretches`, stored. Raises `Refused` for what cannot be played."""
        ...

    async def still(self, tenant: str, session: str, track: Track, jpeg: bytes) -> StoredStill:
        """Stores a JPEG, the same one once. Raises `Refused` when its key was destroyed."""
        ...

    async def show(self, tenant: str, session: str, track: Track, jpeg: bytes, *, at: datetime) -> None:
        """Shows a JPEG to whoever watches now."""
        ...

    async def open_still(self, tenant: str, recording: str, still: StillStored) -> bytes | None:
        """The JPEG, or None when it or its key is gone."""
        ...


class TellCompliance(Protocol):
    def __call__(
        self, tenant: str, sittings: Sequence[Sitting], running: Mapping[str, str]
    ) -> tuple[dict[str, object], str]:
        """What `vigil compliance` tells, and its page. `running` are weights in use, if any detector runs. Blocks."""
        ...


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One line of /readyz."""

    name: str
    ok: bool
    found: str = ""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one process takes on. `stream_queue` is in batches: a reader that falls further behind is dropped.

    `rates` are for each caller (api/limits.py).
    """

    body_bytes: int = 1024 * 1024
    stream_queue: int = 64
    candidates_a_call: int = 2000
    rates: Mapping[Kind, Rate] = field(default_factory=lambda: RATES)


@dataclass(frozen=True, kw_only=True)
class Services:
    """`public_url` is how people reach Vigil; a cookie is `Secure` when it begins with https. `secret` signs tokens."""

    handler: Handler
    pool: Pool  # as vigil_app
    nats: Nats
    pseudonyms: Pseudonyms
    secret: bytes
    public_url: str
    key_fingerprint: str  # of the key that signs checkpoints
    signing_keys: tuple[bytes, ...]  # public keys of checkpoints, 32 bytes each: the one in use, then earlier ones
    open_recording: Callable[[str, str], Awaitable[Playable | None]]  # (tenant, recording)
    open_clip: Callable[[str, str, Sequence[Segment]], Awaitable[Clip | None]]  # (tenant, recording, what of it)
    open_picture: Callable[[str, str, Evidence], Awaitable[bytes | None]]  # (tenant, session, evidence) -> JPEG
    identity_pictures: IdentityPictures
    attachments: Attachments
    late: LateMedia
    exports: Exports
    objects_ready: Callable[[], Awaitable[Check]]
    compliance: TellCompliance
    standings: Callable[[], Awaitable[Sequence[Standing]]]  # of every tenant, which `pool` does not see
    tenant: str = "main"  # the one that people sign in to at this address
    version: str = "0"
    source_url: str = "https://github.com/"
    catalogue: tuple[Described, ...] = ()  # what there is to point out
    ice_servers: tuple[str, ...] = ()  # URIs of STUN and TURN servers
    turn_secret: str = ""  # which the latter know
    key_backup_days: int = 0  # for how long copies of the keys are kept; 0 if nobody has said
    limits: Limits = field(default_factory=Limits)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    workers: MediaWorkers = field(default_factory=MediaWorkers)
    detectors: DetectorWorkers = field(default_factory=DetectorWorkers)
    passwords: Passwords = field(default_factory=Passwords)

    @property
    def tokens(self) -> Tokens:
        return Tokens(self.secret)

    @property
    def secure(self) -> bool:
        return self.public_url.startswith("https:")
