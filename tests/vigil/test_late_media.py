"""What pages send late is taken apart a little at a time, so that everybody else is answered meanwhile."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest

from domain.late import Stretch
from tests.vigil.hall import Hall
from vigil import late_media
from vigil.late_media import CUT_AT_ONCE, LateMedia


async def test_of_many_files_that_come_at_once_a_few_are_cut_at_a_time(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, now = await hall.sitting(), hall.clock()
    cutting, most = 0, 0

    def slow(*_: object, **__: object) -> list[object]:
        nonlocal cutting, most
        cutting += 1
        most = max(most, cutting)
        time.sleep(0.02)
        cutting -= 1
        return []

    monkeypatch.setattr(late_media, "cut_out", slow)
    late, until = LateMedia(hall.core), now + timedelta(seconds=6)
    stretches = [Stretch(now, until)]
    await asyncio.gather(
        *(
            late.cut("main", session, "camera", b"", began_at=now, ended_at=until, stretches=stretches, zero=now)
            for _ in range(12)
        )
    )
    assert most == CUT_AT_ONCE
