"""Candidates to enrol, as JSON or as the CSV file that a spreadsheet saves; a bad row of a file spoils no other."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import msgspec

from api.bodies import explain
from api.table import CSV, table

NEEDED = frozenset({"number", "name"})
COLUMNS = ("number", "name", "email")


class NewCandidate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`number` is the institution's own for this person; it decides who is the same person."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    number: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    email: Annotated[str, msgspec.Meta(min_length=3, max_length=254)] | None = None


class Line(NamedTuple):
    """A row of a file, counted as a spreadsheet does: the header is row 1. `candidate` is None when it is no good."""

    row: int
    number: str
    candidate: NewCandidate | None
    field: str = ""
    rule: str = ""


def lines(raw: bytes) -> list[Line]:
    """The rows of a CSV file. Raises `Denied` for what spoils all of them: no header, no CSV, too many."""
    columns, rows = table(raw, NEEDED, COLUMNS)
    return [_line(row, columns, values) for row, values in rows]


def _line(row: int, columns: list[str], values: list[str]) -> Line:
    given: dict[str, Any] = dict.fromkeys(columns, "") | dict(zip(columns, values, strict=False))
    number = given["number"]
    if len(values) > len(columns):
        return Line(row, number, None, "row", "there are more fields than columns")
    given["email"] = given.get("email") or None
    try:
        candidate = msgspec.convert(given, NewCandidate)
    except msgspec.ValidationError as error:
        return Line(row, number, None, *explain(str(error)))
    if candidate.email and "@" not in candidate.email:
        return Line(row, number, None, "email", "an e-mail address is expected")
    return Line(row, number, candidate)


READS = {"application/json": NewCandidate | tuple[NewCandidate, ...], CSV: str}
