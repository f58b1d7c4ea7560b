"""Where the exam of a schedule is taken: its address, and whether that opens in a frame of our page or in a tab."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

import msgspec

from domain.event import Command, Event, Refused

OpensIn = Literal["frame", "tab"]
LONGEST_URL = 2000  # characters

# Events of a schedule. Tags and field names are on disk for ever.


class AssessmentSet(Event, frozen=True, kw_only=True, tag="schedule.assessment_set"):
    """`url` is "" when candidates find their exam in another way."""

    url: str
    opens_in: OpensIn


# Commands.


class SetAssessment(Command, frozen=True, kw_only=True):
    """What is None stays as it is."""

    url: str | None
    opens_in: OpensIn | None


# State.


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    url: str = ""
    opens_in: OpensIn = "tab"


def placed(command: SetAssessment, state: Assessment) -> tuple[AssessmentSet, ...]:
    url = state.url if command.url is None else command.url
    opens_in = command.opens_in or state.opens_in
    if url:
        _must_lead_somewhere(url)
    elif opens_in == "frame":
        rule = "what opens in a frame needs its address"
        raise Refused(rule, field="opens_in" if command.url is None else "assessment_url", kind="invalid")
    return () if Assessment(url=url, opens_in=opens_in) == state else (AssessmentSet(url=url, opens_in=opens_in),)


def _must_lead_somewhere(url: str) -> None:
    if len(url) > LONGEST_URL:
        raise _unfit(f"an address has at most {LONGEST_URL} characters")
    if not url.isprintable() or any(c.isspace() for c in url):
        raise _unfit("an address has no spaces or line breaks")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise _unfit("this is not an address") from None
    if parts.scheme not in ("http", "https") or not host:
        raise _unfit("an address begins with https:// or http:// and names a host")
    if "@" in parts.netloc:
        raise _unfit("an address that every candidate sees holds no password")


def _unfit(rule: str) -> Refused:
    return Refused(rule, field="assessment_url", kind="invalid")
