"""What the front door is handed to make exports, and how far one came."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from domain.release import Withheld


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be made, and for whom.

    `left_out` says of sessions that it does not hold why. `request` is the person's own for access, where the copy is
    for them; without what is `withheld`.
    """

    sessions: tuple[str, ...]
    by: str
    left_out: dict[str, str] = {}
    request: str = ""
    withheld: tuple[Withheld, ...] = ()


class ExportStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far an export came. `size` is in bytes, once it is done; `why` says what went wrong.

    `sessions` are those that it holds; `sessions_done` of them are written. `media_done` of `media` files are, of the
    session that is being written.
    """

    state: Literal["running", "done", "failed"]
    by: str
    size: int = 0
    sha256: str = ""
    why: str = ""
    sessions: tuple[str, ...] = ()
    request: str = ""
    sessions_done: int = 0
    media_done: int = 0
    media: int = 0
    began_at: datetime | None = None


class Exports(Protocol):
    """Makes exports in the background and keeps them until they are fetched, for a day."""

    async def begin(self, tenant: str, export: str, wanted: Wanted) -> None: ...
    async def status(self, tenant: str, export: str) -> ExportStatus | None: ...
    async def made_by(self, tenant: str, actor: str) -> Mapping[str, ExportStatus]:
        """Those that are still kept, by their ids, newest first."""
        ...

    def read(self, tenant: str, export: str) -> AsyncIterator[bytes]: ...
