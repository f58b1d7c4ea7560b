"""The pages' own checks: types against the API as it is now, what the compiler warns about, and their unit tests."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import httpx

from api.document import document
from domain.enrolment import CandidateEnrolled, CandidateWithdrawn
from domain.event import Event
from domain.registry import EVENTS
from tests.api.hall import Hall

WEB = Path(__file__).parents[2] / "web"
OF_SESSIONS = {"session", "incidents", "chat", "record", "recording", "intervention"}


def npm(*words: str) -> None:
    done = subprocess.run(["npm", "run", "--silent", *words], cwd=WEB, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


async def test_the_document_that_types_are_made_from_is_the_one_that_is_served(hall: Hall) -> None:
    async with httpx.AsyncClient(base_url=hall.url) as http:
        served = (await http.get("/schema/openapi.json")).json()
    assert httpx.Response(200, content=document(served["info"]["version"])).json() == served


def test_the_pages_fit_the_api() -> None:
    """A field that the API no longer has fails here, and so does a page that the compiler warns about."""
    (WEB / "openapi.json").write_bytes(document("test"))
    npm("types")
    npm("check")


def test_a_german_timeline_has_a_name_for_each_event_and_field() -> None:
    named = set(re.findall(r'(\w+): "', (WEB / "src" / "staff" / "audit" / "names.ts").read_text()))
    shown = {CandidateEnrolled, CandidateWithdrawn, *(e for e in EVENTS.values() if kind(e) in OF_SESSIONS)}
    words = {word for event in shown for word in (*tag(event).split("."), *event.__struct_fields__)}
    assert words - named == set()


def kind(event: type[Event]) -> str:
    return tag(event).partition(".")[0]


def tag(event: type[Event]) -> str:
    return str(event.__struct_config__.tag)


def test_the_pages_own_tests_pass() -> None:
    npm("test")
