"""A crowd on an exam day: candidates who signal, write and obey, invigilators who act, dashboards that look on.

Twenty minutes of an exam are pressed into as many seconds as are asked for. What was acknowledged is written down, with
when it was asked, answered, and seen by each dashboard.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import msgspec

from vigil.demo.orders import API

MINUTES = 20  # of an exam
SEEN = ("several_people", "book", "handheld_device", "out_of_view", "second_screen")  # where a camera is asked for
SIGNALS, MESSAGES, INTERVENTIONS, AWAY = 60, 8, 2, 2  # of each candidate in that time
AGAIN = (httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS, httpx.codes.BAD_GATEWAY)


class Done(NamedTuple):
    """A command that was acknowledged. Times are monotonic seconds; `name` is what it made, for who looks on."""

    kind: str
    name: str
    asked: float
    answered: float


class Notes:
    """What the crowd was told."""

    def __init__(self) -> None:
        self.done: list[Done] = []
        self.refused = 0
        self.tries_again = 0

    def took(self, kind: str | None = None) -> list[float]:
        """Seconds from asking to the answer."""
        return [one.answered - one.asked for one in self.done if kind in (None, one.kind)]


class Client:
    """One caller. A command is asked again under its key until it is answered, whatever falls over meanwhile."""

    def __init__(self, base: str, token: str, notes: Notes) -> None:
        self.http = httpx.AsyncClient(
            base_url=f"{base}{API}", timeout=10, headers={"Authorization": f"Bearer {token}"} if token else {}
        )
        self._notes = notes

    async def say(self, kind: str, path: str, body: object = None, made: str = "") -> Any:  # noqa: ANN401 - JSON
        """The answer; None for a refusal. `made` names the field that holds what it made."""
        key, asked = secrets.token_urlsafe(12), time.monotonic()
        content = {"content": msgspec.json.encode(body)} if body is not None else {}
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        while True:
            try:
                answer = await self.http.post(path, headers=headers, **content)  # type: ignore[arg-type]
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code not in AGAIN:
                break
            self._notes.tries_again += 1
            await asyncio.sleep(0.2)
        if answer.status_code == httpx.codes.CONFLICT:
            self._notes.refused += 1
            return None
        if answer.is_error:
            raise RuntimeError(f"{path} answered {answer.status_code}: {answer.text[:300]}")
        told = answer.json() if answer.content else {}
        self._notes.done.append(Done(kind, told.get(made, ""), asked, time.monotonic()))
        return told

    async def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        answer = await self.http.get(path)
        answer.raise_for_status()
        return answer.json()


class Candidate(Client):
    """One candidate's page: it comes in, signals, writes, and says of each intervention how far it came."""

    def __init__(self, base: str, notes: Notes) -> None:
        super().__init__(base, "", notes)
        self.session = ""
        self.heard: set[str] = set()

    async def come(self, link: str) -> None:
        """Join, notice, checks, start."""
        joined = await self.say(
            "join", "/join", {"token": urlsplit(link).fragment, "device": sha256(link.encode()).hexdigest()}
        )
        self.session = joined["session"]
        self.http.headers["Authorization"] = f"Bearer {joined['token']}"
        mine = f"/sessions/{self.session}"
        told = (await self.get(mine))["notice"]
        await self.say("notice", f"{mine}/notice", {n: told[n] for n in ("policy_version", "sha256")})
        checks = [{"name": n, "passed": True} for n in ("browser", "camera", "microphone", "screen", "network")]
        await self.say("check", f"{mine}/system-check", {"checks": checks})
        await self.say("start", f"{mine}/start")

    async def signal(self, seconds: float) -> None:
        """Twenty minutes of batches, each telling how everything stands. Now and then the page is left for a while."""
        page, mine = secrets.token_hex(8), f"/sessions/{self.session}/signals"
        away = set(random.sample(range(3, SIGNALS - 6), AWAY))
        since, value = datetime.now(UTC), "here"
        await asyncio.sleep(seconds / SIGNALS * random.random())  # pages do not send in step
        for number in range(1, SIGNALS + 1):
            now = datetime.now(UTC)
            wanted = "away" if any(number - 4 <= begun <= number for begun in away) else "here"
            if wanted != value:
                since, value = now, wanted
            samples = [
                {"signal": "focus", "value": value, "at": since},
                {"signal": "camera", "value": "live", "at": since},
            ]
            body = {"page": page, "number": number, "sent_at": now, "skew_ms": 0, "samples": samples}
            await self.say("signals", mine, body)
            await asyncio.sleep(seconds / SIGNALS * random.uniform(0.6, 1.2))

    async def write(self, seconds: float) -> None:
        for _ in range(MESSAGES):
            await asyncio.sleep(seconds / MESSAGES * random.uniform(0.5, 1.2))
            await self.say("message", f"/sessions/{self.session}/messages", {"text": "May I use a ruler?"}, "message")

    async def obey(self) -> None:
        """Follows the stream of this session for as long as it is let."""
        mine = f"/sessions/{self.session}"
        async for _, data in follow(self.http, f"{mine}/stream"):
            for patch in data if isinstance(data, list) else [data]:
                match patch:
                    case {"kind": "intervention", "stage": "requested", "intervention": name} if name not in self.heard:
                        self.heard.add(name)
                        await self.say("progress", f"{mine}/interventions/{name}/progress", {"stage": "applied"})
                    case {"kind": "message", "side": "invigilator", "read": False, "message": name}:
                        await self.say("read", f"{mine}/messages/{name}/read")


class Invigilator(Client):
    """Intervenes with some candidates, again and again, and answers whoever writes."""

    async def act(self, sessions: list[str], seconds: float) -> None:
        await asyncio.gather(*(self._watch(session, seconds) for session in sessions))

    async def _watch(self, session: str, seconds: float) -> None:
        path, pause = f"/sessions/{session}/interventions", seconds / INTERVENTIONS
        for n in range(INTERVENTIONS):
            await asyncio.sleep(pause * random.uniform(0.2, 0.6))
            if n % 2:
                warned = {"kind": "warn", "text": "Please stay in the picture."}
                await self.say("warn", path, warned, "intervention")
            else:
                await self.say("pause", path, {"kind": "pause"}, "intervention")
                await asyncio.sleep(pause * 0.2)
                await self.say("resume", path, {"kind": "resume"}, "intervention")
            text = {"text": "Yes, you may."}
            await self.say("answer", f"/sessions/{session}/messages", text, "message")


class Dashboard:
    """The wall's own list, kept from the live stream alone. `seen` is when each name was first in it."""

    def __init__(self, http: httpx.AsyncClient, schedule: str, *, again_s: float | None = None) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.seen: dict[str, float] = {}
        self.resets = self.connections = 0
        self._http, self._path, self._again_s = http, f"/schedules/{schedule}/live/stream", again_s

    async def look(self) -> None:
        """For ever. With `again_s` the stream is dropped that often, and goes on from where it was."""
        async for name, data in follow(self._http, self._path, again_s=self._again_s, opened=self._opened):
            at = time.monotonic()
            if name == "snapshot":
                self.rows = data["rows"]
            elif name == "reset":
                self.resets += 1
            elif name == "change":
                for patch in data:
                    self.rows.setdefault(patch["key"], {}).update(patch["set"])
                    for field in ("unread", "interventions", "open"):
                        for one in patch["set"].get(field, ()):
                            self.seen.setdefault(one, at)

    def _opened(self) -> None:
        self.connections += 1


async def follow(
    http: httpx.AsyncClient, path: str, *, again_s: float | None = None, opened: Callable[[], None] = lambda: None
) -> AsyncIterator[tuple[str, Any]]:
    """Server-sent events by name and data, for ever; a stream that ends is opened again from its last id."""
    last = ""
    while True:
        headers = {"Last-Event-ID": last} if last else {}
        until = time.monotonic() + again_s if again_s else None
        try:
            async with http.stream("GET", path, headers=headers, timeout=httpx.Timeout(10, read=30)) as answer:
                answer.raise_for_status()
                opened()
                async for text in _events(answer):
                    fields = dict(line.split(": ", 1) for line in text.split("\n") if ": " in line)
                    if "data" in fields:
                        yield fields.get("event", "message"), msgspec.json.decode(fields["data"])
                        last = fields.get("id", last)
                    if until and time.monotonic() > until:
                        break
        except (httpx.TransportError, httpx.HTTPStatusError):
            await asyncio.sleep(0.3)


async def _events(answer: httpx.Response) -> AsyncIterator[str]:
    rest = ""
    async for text in answer.aiter_text():
        *whole, rest = (rest + text).split("\n\n")
        for one in whole:
            yield one


async def planned(
    planner: Client, candidates: int, invigilators: list[str], *, captured: bool = False
) -> tuple[str, list[str]]:
    """A schedule that is open, and its join links. Camera and screen only where that is asked for."""
    now = datetime.now(UTC)
    window = {
        "opens_at": now, "last_entry_at": now + timedelta(hours=1), "closes_at": now + timedelta(hours=3),
        "time_zone": "Europe/Vienna",
    }  # fmt: skip
    policy = {
        "camera": captured, "microphone": False, "screen": captured,
        "detectors": [{"kind": kind} for kind in (SEEN if captured else ())],
        "browser": [{"kind": "focus_lost", "after_s": 1}],
    }  # fmt: skip
    body = {
        "title": "Anatomy II", "window": window, "duration_s": 3600, "policy": policy, "opens_in": "frame",
        "assessment_url": "https://exam.example/anatomy",
    }  # fmt: skip
    schedule: str = (await planner.say("create", "/schedules", body))["schedule"]
    path = f"/schedules/{schedule}"
    await planner.say("live", f"{path}/live-proctoring", {"enabled": True})
    for who in invigilators:
        await planner.say("assign", f"{path}/invigilators", {"user": who})
    rows = [{"name": f"Candidate {n}", "number": f"{n}"} for n in range(candidates)]
    links = [row["join_link"] for row in (await planner.say("enrol", f"{path}/candidates", rows))["rows"]]
    await planner.say("activate", f"{path}/activate")
    return schedule, links


async def over(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
