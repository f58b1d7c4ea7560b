"""STUN and TURN servers are told to who may use them, before they connect and in the answer to an offer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pytest

from api.app import create_app
from domain.ice import LIFETIME, credentials
from tests.api.fake_media import FakeMedia
from tests.api.hall import Exam, Hall, an_exam, refused, sit
from tests.api.test_whep import whep
from tests.api.test_whip import HEAD, OFFER, whip
from tests.serving import serving

SERVERS = ("stun:stun.example.org", "turn:turn.example.org?transport=udp", "turns:turn.example.org:443")


@pytest.fixture(scope="module")
async def exam(hall: Hall) -> Exam:
    exam = await an_exam(hall, candidates=3)
    for number in range(3):
        await sit(exam, number)
    return exam


@pytest.fixture(scope="module")
async def url(hall: Hall) -> AsyncIterator[str]:
    """Where the same installation is served with a TURN server."""
    services = replace(hall.services, ice_servers=SERVERS, turn_secret="north")
    async with serving(create_app(services)) as url:
        yield url


def told(exam: Exam, number: int = 0) -> str:
    return f"/api/v1/sessions/{exam.sessions[number]}/ice-servers"


async def test_without_any_the_list_is_empty_and_answers_are_as_they_were(exam: Exam) -> None:
    me, hall = exam.candidates[0], exam.hall
    assert (await me.get(told(exam))).json() == {"ice_servers": [], "expires_at": None}
    async with FakeMedia(hall.services.nats, "w1"):
        while not hall.services.workers.alive():
            await asyncio.sleep(0.02)
        assert "link" not in (await me.post(whip(exam), content=OFFER, headers=HEAD)).headers
    assert "link" not in (await me.options(whip(exam))).headers


async def test_whoever_may_see_the_session_gets_credentials_of_their_own(exam: Exam, url: str) -> None:
    hall = exam.hall
    answers = []
    callers = ((exam.candidates[0], exam.sessions[0]), (exam.invigilator, hall.user("invigilator@example.org")))
    for caller, name in callers:
        answer = await caller.get(url + told(exam))
        assert answer.headers["cache-control"] == "private, no-store"
        stun, turn = answer.json()["ice_servers"]
        assert stun == {"urls": [SERVERS[0]], "username": "", "credential": ""}
        assert turn["urls"] == list(SERVERS[1:])
        expires_at = datetime.fromisoformat(answer.json()["expires_at"])
        assert abs(expires_at - hall.clock() - LIFETIME) < timedelta(minutes=1)
        own = credentials("north", name, expires_at - LIFETIME)
        assert (turn["username"], turn["credential"]) == (own.username, own.password)
        answers.append(turn["credential"])
    assert len(set(answers)) == 2
    assert (await exam.candidates[1].get(url + told(exam))).status_code == 404
    assert (await hall.http.get(url + told(exam))).status_code == 401


async def test_when_the_session_is_over_nobody_gets_a_relay(exam: Exam, url: str) -> None:
    me = exam.candidates[2]
    assert (await me.post(f"/api/v1/sessions/{exam.sessions[2]}/submit")).is_success
    before = await exam.hall.position()
    await refused(exam.hall, await me.get(url + told(exam, 2)), before, 409, "", "this session is over")
    assert "link" not in (await me.options(url + whip(exam, number=2))).headers


async def test_the_answer_to_an_offer_names_them_as_whip_says(exam: Exam, url: str) -> None:
    me, services = exam.candidates[0], exam.hall.services
    async with FakeMedia(services.nats, "w1"):
        while not services.workers.alive():
            await asyncio.sleep(0.02)
        answer = await me.post(url + whip(exam), content=OFFER, headers=HEAD)
    assert answer.status_code == 201, answer.text
    expect(answer, exam.sessions[0])


async def test_whoever_must_know_them_before_asks_by_options(exam: Exam, url: str) -> None:
    """RFC 9725 section 4.6; a browser's preflight carries no token, and is told no more than what may be posted."""
    answer = await exam.candidates[0].options(url + whip(exam))
    expect(answer, exam.sessions[0])
    stranger = {"Authorization": "Bearer nonsense"}
    http = exam.hall.http
    others = [
        await http.options(url + whip(exam)), await http.options(url + whip(exam), headers=stranger),
        await exam.candidates[1].options(url + whip(exam)), await exam.invigilator.options(url + whip(exam)),
    ]  # fmt: skip
    for one in (answer, *others):
        assert (one.status_code, one.content) == (200, b"")
        assert one.headers["allow"] == "OPTIONS, POST"
        assert one.headers["accept-post"] == "application/sdp"
    assert [one for one in others if "link" in one.headers] == []


async def test_whoever_may_watch_asks_the_same_of_whep(exam: Exam, url: str) -> None:
    own = await exam.invigilator.options(url + whep(exam))
    expect(own, exam.hall.user("invigilator@example.org"))
    http = exam.hall.http
    others = [await http.options(url + whep(exam)), await exam.candidates[0].options(url + whep(exam))]
    for one in (own, *others):
        assert (one.status_code, one.content) == (200, b"")
        assert one.headers["allow"] == "OPTIONS, POST"
        assert one.headers["accept-post"] == "application/sdp"
    assert [one for one in others if "link" in one.headers] == []


def expect(answer: httpx.Response, name: str) -> None:
    """One header for each server, with credentials of this name."""
    stun, *turn = answer.headers.get_list("link")
    assert stun == f'<{SERVERS[0]}>; rel="ice-server"'
    assert len(turn) == 2
    for uri, link in zip(SERVERS[1:], turn, strict=True):
        target, rel, username, credential, kind = link.split("; ")
        assert (target, rel, kind) == (f"<{uri}>", 'rel="ice-server"', 'credential-type="password"')
        expires, _, whose = username.removeprefix('username="').rstrip('"').partition(":")
        assert whose == name
        own = credentials("north", name, datetime.fromtimestamp(int(expires)).astimezone() - LIFETIME)
        assert credential == f'credential="{own.password}"'
