"""A worker whose public address is one of IPv6 takes media there, and tells browsers so."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from aiortc import RTCIceGatherer

from media import publisher
from media.clips import Clip
from media.hooks import gather_only
from media.port import CannotListen, open_socket
from tests.media.hall import Eventually, new_settings, open_hall


def has_ipv6() -> bool:
    try:
        open_socket("::1", 0).close()
    except CannotListen:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_media_comes_in_over_ipv6(
    nats_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    session: str,
    card: Clip,
    tone: Clip,
    eventually: Eventually,
) -> None:
    def over_ipv6(gatherer: RTCIceGatherer, _: list[str]) -> None:
        gather_only(gatherer, ["::1"])

    monkeypatch.setattr(publisher, "gather_only", over_ipv6)
    settings = replace(new_settings(nats_url, tmp_path), bind_ip="::", advertised_ip="::1")
    async with open_hall(settings) as hall:
        async with hall.publisher(session, "camera", card, tone) as camera:
            await camera.connected()
            await asyncio.sleep(1.5)
        assert " ::1 " in camera.answer
        await eventually((hall.folder(session, "camera") / "ended.json").exists, 20)
        assert hall.segments(session, "camera")
