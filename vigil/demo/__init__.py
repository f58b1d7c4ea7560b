"""`vigil demo`: one exam from scheduling to the verified export, played over HTTP against real servers."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from pathlib import Path

import httpx
from rich.console import Console

from vigil.demo.cast import Account, Candidates, accounts
from vigil.demo.staying import Going, an_exam_that_goes_on
from vigil.demo.steps import StepFailed, Steps
from vigil.demo.story import Story
from vigil.roles import run_all
from vigil.settings import Settings, load
from vigil.supervise import until_stopped

READY_S = 60
TROUBLE = (StepFailed, httpx.HTTPError, TimeoutError, KeyError)  # what ends the demo before its time


def play(settings: Settings, *, once: bool, candidates: int, clips: Path | None) -> int:
    """Starts everything and plays the story. Returns the exit code: 0 only if every step held."""
    os.environ.setdefault("VIGIL_LOG", "WARNING")  # for the processes that are started from here
    logging.getLogger().setLevel(logging.WARNING)
    console = Console(soft_wrap=True)
    steps = Steps(console)

    async def story(running: Settings) -> int:
        with steps.step("PostgreSQL, NATS, object store and every role of Vigil start") as seen:
            await _ready(running)
            seen.append(running.public_url)
        staff = await accounts(running)
        async with Candidates(_base(running), candidates, str(clips) if clips else None) as people:
            try:
                await Story(_base(running), staff, people, candidates, steps).play()
            except TROUBLE as failed:
                console.print(f"\n[red]The story stopped:[/] {type(failed).__name__}: {failed}", highlight=False)
                return 1
        console.print(f"\nEvery step held, in {steps.total_s:.0f} s.")
        if not once:
            try:
                going = an_exam_that_goes_on(_base(running), staff, candidates, str(clips) if clips else None, steps)
                async with going as exam:
                    _invite(console, running, staff, exam)
                    await until_stopped()
            except TROUBLE as failed:
                console.print(
                    f"\n[red]The exam to watch stopped:[/] {type(failed).__name__}: {failed}", highlight=False
                )
                return 1
        return 0

    return run_all(_at_free_port(settings), story)


def _at_free_port(settings: Settings) -> Settings:
    """The usual port, or another one when something answers there already. One that was asked for is waited for."""
    if os.environ.get("VIGIL_PORT") or os.environ.get("VIGIL_PORT_FILE"):
        return settings
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that have ended do not count
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            probe.bind((settings.host, 0))
            os.environ["VIGIL_PORT"] = str(probe.getsockname()[1])  # for the processes that are started from here
            return load()
    return settings


def _base(settings: Settings) -> str:
    return f"http://127.0.0.1:{settings.port}"


async def _ready(settings: Settings) -> None:
    async with asyncio.timeout(READY_S), httpx.AsyncClient(base_url=_base(settings)) as client:
        while True:
            try:
                if (await client.get("/readyz")).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.2)


def _invite(console: Console, settings: Settings, staff: dict[str, Account], exam: Going) -> None:
    at = settings.public_url
    console.print(f"\nVigil stays up at {at} until Ctrl-C.", highlight=False)
    console.print(f"  the wall of the exam that goes on   {at}/schedules/{exam.schedule}/live", highlight=False)
    console.print(f"  a seat in it, for you to sit it     {exam.link}", highlight=False)
    console.print("Sign in as", highlight=False)
    for account in staff.values():
        console.print(f"  {account.role.replace('_', ' '):<24} {account.email:<40} {account.password}", highlight=False)
