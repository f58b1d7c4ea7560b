"""The story: what happens from scheduling to the verified export, each step an HTTP call that any client could make."""

from __future__ import annotations

import asyncio
import io
import sys
import tempfile
import zipfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx

from vigil.demo.cast import Account, Candidates, Person
from vigil.demo.orders import API
from vigil.demo.rows import gaps, in_pixels, in_words, mentions, of, paused, segments, tracks_up
from vigil.demo.sse import Event, follow
from vigil.demo.steps import StepFailed, Steps, expect

T = TypeVar("T")


class Story:
    """One exam. `candidates` sit it; the first is seen with a second person, the second loses the connection."""

    def __init__(self, base: str, staff: dict[str, Account], candidates: Candidates, count: int, steps: Steps) -> None:
        self._base = base
        self._people = {role: Person(base, account) for role, account in staff.items()}
        self._candidates = candidates
        self._count = count
        self._step = steps.step
        self._heard: list[Event] = []
        self.schedule = ""
        self.sessions: list[str] = []
        self._links: list[str] = []

    async def play(self) -> None:
        """Plays all of it. Raises at the first step that does not hold."""
        await self._prepare()
        listening = asyncio.create_task(self._listen())
        try:
            await self._sit()
            await self._watch()
            await self._talk_and_pause()
            await self._lose_and_return()
            await self._hand_in()
        finally:
            listening.cancel()
        await self._look_back()
        await self._prove()

    async def _prepare(self) -> None:
        planner = self._people["planner"]
        with self._step("the staff sign in") as seen:
            for person in self._people.values():
                await person.sign_in()
            seen.append(", ".join(self._people))
        with self._step("the planner schedules an exam") as seen:
            now = datetime.now(UTC)
            window = {
                "opens_at": now.isoformat(), "last_entry_at": (now + timedelta(hours=1)).isoformat(),
                "closes_at": (now + timedelta(hours=3)).isoformat(), "time_zone": "Europe/Vienna",
            }  # fmt: skip
            made = await planner.post("/schedules", {"title": "Anatomy II", "window": window, "duration_s": 3600})
            self.schedule = made["schedule"]
            seen.append(f"Anatomy II, 60 minutes, schedule {self.schedule}")
        path = f"/schedules/{self.schedule}"
        with self._step("switches live proctoring on and assigns an invigilator"):
            await planner.post(f"{path}/live-proctoring", {"enabled": True})
            await planner.post(f"{path}/invigilators", {"user": self._people["invigilator"].account.user})
        with self._step("the invigilator comes on duty"):
            await self._people["invigilator"].post(f"{path}/duty/on")
        with self._step(f"the planner enrols {self._count} candidates and opens the exam") as seen:
            people = [{"name": f"Candidate {n + 1}", "number": f"2026-{n + 1:03}"} for n in range(self._count)]
            rows = (await planner.post(f"{path}/candidates", people))["rows"]
            self._links = [row["join_link"] for row in rows]
            await planner.post(f"{path}/activate")
            seen.append(f"{len(self._links)} join links")

    async def _sit(self) -> None:
        with self._step("the candidates open their links, acknowledge the notice, pass the system check and start"):
            await self._candidates.ready()
            self.sessions = [one.session for one in await self._candidates.all("join", self._links)]
            await self._live(
                "every session is in progress", lambda rows: all(r["phase"] == "in_progress" for r in rows)
            )
        with self._step("publish camera with sound, and screen, over WebRTC (WHIP)") as seen:
            await self._candidates.all("publish", self._count)
            await self._live("both tracks of everyone are live", lambda rows: all(tracks_up(r) for r in rows))
            seen.append(f"{2 * self._count} connections")
        with self._step("their recordings arrive in the object store, segment by segment") as seen:
            rows = await self._gradebook("a segment of each track", lambda rows: all(segments(r) >= 2 for r in rows))
            seen.append(f"{sum(segments(r) for r in rows)} sealed segments so far")

    async def _watch(self) -> None:
        invigilator, first = self._people["invigilator"], self.sessions[0]
        with self._step(
            "a second person appears in one camera: an incident with its evidence reaches the wall"
        ) as seen:
            heard, shown = len(self._heard), datetime.now(UTC)
            await self._candidates.tell("second_person", 0)
            await self._until(
                "the incident on the live stream", 40, lambda: _true(mentions(self._heard[heard:], "several_people"))
            )
            late = (datetime.now(UTC) - shown).total_seconds()
            found = (await invigilator.get(f"/sessions/{first}/incidents"))["incidents"]
            incident = next(i for i in found if i["kind"] == "several_people")
            picture = await self._bytes(invigilator, incident["evidence"][0]["picture"])
            expect(picture.startswith(b"\xff\xd8"), "the evidence is a JPEG picture")
            rule, weights = incident["provenance"]["rule_version"], incident["provenance"]["weights"]
            expect(bool(weights), "the incident says which weights it rests on")
            seen.append(f"{late:.1f} s after the camera showed it: {rule}, confidence {incident['confidence']:.0%}")
            seen.append(f"weights {', '.join(f'{name} {sha256[:12]}' for name, sha256 in weights.items())}")
            seen.append(f"evidence {in_pixels(picture)}")
        with self._step("the second person leaves; the incident closes, nobody has judged it"):
            await self._candidates.tell("alone_again", 0)
            await self._live("no open incident", lambda rows: not any(r["open"] for r in rows), 40)

    async def _talk_and_pause(self) -> None:
        invigilator, first = self._people["invigilator"], self.sessions[0]
        with self._step("the invigilator writes, and the candidate answers") as seen:
            await invigilator.post(f"/sessions/{first}/messages", {"text": "Hello! Is somebody with you?"})

            async def answered() -> str | None:
                told = (await invigilator.get(f"/sessions/{first}/messages"))["messages"]
                return next((m["text"] for m in told if m["side"] == "candidate"), None)

            seen.append(f"“{await self._until('an answer', 15, answered)}”")
        with self._step("pauses the session: the clock stops, the candidate's page confirms"):
            await invigilator.post(
                f"/sessions/{first}/interventions",
                {"kind": "pause", "reason_code": "talk", "text": "One moment, please."},
            )
            await self._live("paused, and applied on the page", lambda rows: paused(of(rows, first)))
            await asyncio.sleep(2)
            self.in_the_pause = datetime.now(UTC)
            await asyncio.sleep(1)
        with self._step("resumes it with five minutes more") as seen:
            await invigilator.post(
                f"/sessions/{first}/interventions", {"kind": "resume", "reason_code": "talk", "minutes": 5}
            )
            rows = await self._live("in progress", lambda rows: of(rows, first)["phase"] == "in_progress")
            clock = of(rows, first)["clock"]
            expect(clock["extra_s"] == 300, "five minutes were added")
            expect(clock["stopped_s"] >= 3, "the pause does not count")
            seen.append(f"stopped for {clock['stopped_s']:.1f} s, 300 s added")

    async def _lose_and_return(self) -> None:
        second = self.sessions[1]
        with self._step("another candidate's connection breaks: a fault, not conduct") as seen:
            await self._candidates.tell("cut", 1)
            rows = await self._live("the loss is shown", lambda rows: not tracks_up(of(rows, second)), 20)
            expect(not of(rows, second)["open"], "a fault is no incident")
            seen.append("camera and screen lost, no incident")
        with self._step("comes back: the same session, a gap with its cause") as seen:
            await asyncio.sleep(2)
            await self._candidates.tell("come_back", 1)
            await self._live("both tracks again", lambda rows: tracks_up(of(rows, second)), 20)
            rows = await self._gradebook("the gap", lambda rows: len(gaps(of(rows, second))) >= 2, 30)
            gap = gaps(of(rows, second))[0]
            seen.append(f"a gap in each track, cause {gap['why']}")

    async def _hand_in(self) -> None:
        with self._step("everyone submits"):
            await self._candidates.all("submit", self._count)
            await self._live("all are over", lambda rows: all(r["phase"] == "submitted" for r in rows))
        with self._step("each record is sealed at once, as far as it goes") as seen:
            rows = await self._gradebook("a seal on each record", lambda rows: all(r["seals"] for r in rows), 20)
            seen.append(f"owed at the first seal: {', '.join(rows[0]['seals'][0]['owed']) or 'nothing'}")
        with self._step("each candidate takes a receipt, so that the record cannot be rewritten unseen") as seen:
            receipts = {one.session: one.receipt for one in await self._candidates.all("receipt", self._count)}
            seen.append(f"root {receipts[self.sessions[0]][:16]}…")
        with self._step("and again when everything owed has come: recordings finished, coverage told") as seen:
            rows = await self._gradebook(
                "a complete seal on each",
                lambda rows: all(r["seals"] and r["seals"][-1]["kind"] == "complete" for r in rows),
                60,
            )
            for row in rows:
                expect(receipts[row["session"]] in {seal["root"] for seal in row["seals"]}, "a receipt names a seal")
            seen.append(f"record root {rows[0]['seals'][-1]['root'][:16]}…")

    async def _look_back(self) -> None:
        reviewer, auditor, first = self._people["reviewer"], self._people["auditor"], self.sessions[0]
        with self._step("the gradebook lists them") as seen:
            for row in await self._rows("gradebook", reviewer):
                seen.append(in_words(row))
        with self._step("the reviewer plays a recording, any part of it") as seen:
            found = (await reviewer.get(f"/sessions/{first}/recordings"))["recordings"]
            camera = next(r for r in found if r["track"] == "camera")
            path = camera["file"]["media"]
            head = await self._range(reviewer, path, 0, 3)
            expect(head == b"\x1a\x45\xdf\xa3", "the recording is a WebM file")
            whole = await self._bytes(reviewer, path)
            tail = await self._range(reviewer, path, len(whole) - 100, len(whole) - 1)
            expect(tail == whole[-100:], "a part is what it is in the whole")
            seen.append(f"{camera['file']['duration_s']:.0f} s of camera with sound, {len(whole) // 1000} kB")
        with self._step("one session is replayed to a moment in the pause") as seen:
            moment = self.in_the_pause.isoformat()
            rows = list((await auditor.get(f"/schedules/{self.schedule}/live", as_of=moment))["rows"].values())
            expect(of(rows, first)["phase"] == "paused", "as of then the session is paused")
            replayed = await _run("replay", first, "--as-of", moment)
            expect("phase: paused" in replayed, "vigil replay shows a paused session")
            seen.append(f"vigil replay {first} --as-of {moment}: paused")

    async def _prove(self) -> None:
        auditor, first = self._people["auditor"], self.sessions[0]
        with self._step("an export is made, and verified offline") as seen:
            export = (await auditor.post("/exports", {"session": first}))["export"]

            async def done() -> Any:
                state = await auditor.get(f"/exports/{export}")
                expect(state["state"] != "failed", f"the export did not fail: {state}")
                return state["state"] == "done" and state

            state = await self._until("the export", 60, done)
            packed = await self._bytes(auditor, state["file"])
            fingerprint = (await auditor.get("/checkpoints"))["key_fingerprint"]
            with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(io.BytesIO(packed)) as archive:
                archive.extractall(folder)
                root = archive.namelist()[0].partition("/")[0]
                said = await _run("verify", f"{folder}/{root}", "--key", fingerprint)
            seen += [f"{len(packed) // 1000} kB", *said.strip().splitlines()[-3:]]

    async def _listen(self) -> None:
        path = f"{API}/schedules/{self.schedule}/live/stream"
        async for event in follow(self._people["invigilator"].http, path):
            self._heard.append(event)

    async def _live(self, what: str, held: Callable[[list[Any]], bool], within_s: float = 20) -> list[Any]:
        return await self._shown("live", what, held, within_s)

    async def _gradebook(self, what: str, held: Callable[[list[Any]], bool], within_s: float = 30) -> list[Any]:
        return await self._shown("gradebook", what, held, within_s)

    async def _shown(self, model: str, what: str, held: Callable[[list[Any]], bool], within_s: float) -> list[Any]:
        person = self._people["invigilator" if model == "live" else "reviewer"]

        async def look() -> list[Any] | None:
            rows = await self._rows(model, person)
            return rows if len(rows) == self._count and held(rows) else None

        return await self._until(what, within_s, look)

    async def _rows(self, model: str, person: Person) -> list[Any]:
        found = await person.get(f"/schedules/{self.schedule}/{model}")
        return list(found["records"] if model == "gradebook" else found["rows"].values())

    async def _until(self, what: str, within_s: float, look: Callable[[], Awaitable[T | None]]) -> T:
        """Looks again and again; the first true answer is returned."""
        loop = asyncio.get_running_loop()
        until = loop.time() + within_s
        while True:
            if found := await look():
                return found
            if loop.time() > until:
                raise StepFailed(f"{what}: not seen within {within_s:.0f} s")
            await asyncio.sleep(0.2)

    async def _bytes(self, person: Person, path: str) -> bytes:
        response = await person.http.get(path if path.startswith(API) else f"{API}{path}")
        response.raise_for_status()
        return response.content

    async def _range(self, person: Person, path: str, first: int, last: int) -> bytes:
        response = await person.http.get(path, headers={"Range": f"bytes={first}-{last}"})
        expect(response.status_code == httpx.codes.PARTIAL_CONTENT, "a range is answered with 206")
        return response.content


async def _run(*arguments: str) -> str:
    """Runs a command of Vigil's own and returns what it printed. Raises `StepFailed` with it when it failed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "vigil", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await asyncio.wait_for(process.communicate(), 120)
    expect(process.returncode == 0, f"vigil {arguments[0]} succeeds:\n{said.decode()}")
    return said.decode()


async def _true(value: bool) -> bool:
    return value
