"""The same days on a real ledger: the same answers, nothing lost, and every model is what a rebuild would make."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import pytest
from psycopg import AsyncConnection

from api.opening import decoder
from commands.handler import Handler
from commands.ledger import read_stream
from domain.event import Event, Refused
from projections.builds import live_build, prepare
from projections.feed import Feed
from projections.kernel import Projector
from projections.models import MODELS
from projections.refold import compare
from tests.commands.conftest import Processes
from tests.commands.days.day import Day
from tests.commands.days.test_days import days

DAYS = 25


async def test_real_days_are_like_imagined_ones(one: Handler, processes: Processes, app: AsyncConnection) -> None:
    chosen = days()[:: len(days()) // DAYS]
    await asyncio.gather(*(_same_answers(one, day) for day in chosen))
    decode = decoder(one.keys)
    events: dict[str, list[Event]] = defaultdict(list)
    for day in chosen:
        for entry in day.world.log:
            events[entry.stream].append(entry.body)
    for stream, expected in events.items():
        read = await decode(await read_stream(app, stream))
        assert [entry.body for entry in read if not isinstance(entry, Exception)] == expected
    async with await AsyncConnection.connect(processes.url("project"), autocommit=True) as project:
        await prepare(project, MODELS)
        projector = Projector("", decode, MODELS)
        async with Feed(processes.url("project"), decode) as feed:
            while await projector.step(project, feed):
                pass
        for model in MODELS:
            assert (await live_build(project, model)) is not None
            assert await compare(project, decode, model) == []


async def _same_answers(handler: Handler, day: Day) -> None:
    for said in day.world.said:
        if said.refused:
            with pytest.raises(Refused) as caught:
                await handler.run(said.order, said.use_case)
            assert (caught.value.rule, caught.value.field) == (said.refused.rule, said.refused.field)
        else:
            receipt = await handler.run(said.order, said.use_case)
            assert (receipt.ids, receipt.position is not None) == (said.ids, bool(said.made))
