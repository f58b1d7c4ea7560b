"""From a real publisher's microphone to the ledger: media worker, NATS, detectors, incident, coverage."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import nats

from commands.keys import KeyName
from detectors import voice
from domain import incidents
from domain.coverage import CoverageReported
from domain.policy import DetectorSetting, Policy
from media.clips import Clip, card_clip
from media.worker import MediaWorker
from tests.detectors import speech
from tests.media import hall as studio
from tests.vigil.hall import Hall, running, until
from vigil.detection import detect

POLICY = Policy(detectors=(DetectorSetting(kind="voice"),), reasons={"voice": "It is taken alone, in silence."})


def sound(wave: speech.Wave) -> Clip:
    """As a browser sends it that was asked for packets of 60 ms."""
    return Clip("audio", tuple(speech.opus(wave, packet_ms=60)), 48_000, 2880)


async def test_who_speaks_is_an_incident_in_the_ledger_and_who_does_not_is_heard_all_the_same(
    hall: Hall, tmp_path: Path
) -> None:
    talks, quiet = await hall.sitting(policy=POLICY), await hall.sitting(policy=POLICY)
    subjects = {name: (await hall.state(name)).subject for name in (talks, quiet)}

    async def media_key(tenant: str, subject: str, session: str) -> bytes:
        return await hall.core.keys.data_key(KeyName(subjects[session], session, "media"))

    async def opened() -> list[incidents.Opened]:
        return [one for one in await hall.events(talks, incidents.Opened) if isinstance(one, incidents.Opened)]

    async def covered(name: str) -> CoverageReported | None:
        reports = [one for one in await hall.events(name, CoverageReported) if isinstance(one, CoverageReported)]
        return next((one for one in reports if one.detector == "voice"), None)

    settings = studio.new_settings(hall.core.settings.nats_url, tmp_path)
    front = await nats.connect(settings.nats_url)
    card, speaks, hums = card_clip(), sound(speech.speech(9)), sound(speech.hum(9))
    async with MediaWorker(settings, media_key) as media, running(detect(hall.core)):
        door = studio.Hall(media, front)
        door.tenant, door.listen = "main", True
        async with (
            door.publisher(talks, "camera", card, speaks) as one,
            door.publisher(quiet, "camera", card, hums) as other,
        ):
            await asyncio.gather(one.connected(), other.connected())
            (found, *_) = await until(opened, 60)
        for name in (talks, quiet):
            await hall.submit(name)
        told = {name: await until(partial(covered, name), 30) for name in (talks, quiet)}
    await front.close()
    assert (found.kind, found.severity, found.evidence) == ("voice", "info", None)
    assert found.provenance.weights == {"silero_vad_16k_sequence": voice.SHA256}
    assert found.confidence > 0.5
    assert not await hall.events(quiet, incidents.Opened)
    for coverage in told.values():
        assert coverage.taken >= 2
        assert coverage.overloaded == coverage.muted == 0
