"""The copy of their data that a person is given on a granted request for access, and what of it is withheld.

Notes and reasons about a person are that person's own data, whoever wrote them, and are never withheld as words of
staff. What is told of others is their names and ids (`staff`), and pictures and words of incidents (`others`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from domain.event import Command, Event, Refused
from domain.grounds import Ground

What = Literal["screen", "staff", "others"]


class Withheld(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`screen` are its recordings and stills, `staff` the ids of staff in the report.

    `others` are pictures, film and words of the `incidents` in which other people are seen.
    """

    what: What
    ground: Ground
    incidents: tuple[str, ...] = ()


class Released(Event, frozen=True, kw_only=True, tag="request.released"):
    """The officer has this copy made for the person, of the records of these sessions, and hands it over."""

    at: datetime
    by: str
    export: str
    sessions: tuple[str, ...]
    withheld: tuple[Withheld, ...] = ()


class Release(Command, frozen=True, kw_only=True):
    at: datetime
    by: str
    export: str
    sessions: tuple[str, ...]
    withheld: tuple[Withheld, ...] = ()


def must_fit(withheld: tuple[Withheld, ...]) -> None:
    """Raises `Refused` for what is withheld twice, and where it is not said which incidents, or said of another."""
    kinds = [one.what for one in withheld]
    if len(set(kinds)) < len(kinds):
        raise Refused("name each thing that is withheld once, with one ground", field="withhold", kind="invalid")
    for one in withheld:
        if (one.what == "others") != bool(one.incidents):
            raise Refused("name the incidents in which others are seen", field="withhold", kind="invalid")


def released(command: Release) -> Released:
    return Released(
        at=command.at, by=command.by, export=command.export, sessions=command.sessions, withheld=command.withheld
    )
