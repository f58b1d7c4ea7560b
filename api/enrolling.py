"""Candidates to enrol, as JSON or as the CSV file that a spreadsheet saves; a bad row of a file spoils no other."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Annotated, Any, NamedTuple

import msgspec

from api.bodies import explain
from api.problems import Denied

CSV = "text/csv"
ROWS = 5000  # of one file
BYTES = 4 * 1024 * 1024  # room for that many rows of the longest names
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
    """The rows of a CSV file in UTF-8. Raises `Denied` for what spoils all of them: no header, no CSV, too many."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Denied(400, "malformed", "the file is not in UTF-8; save it as CSV UTF-8", field="body") from None
    first = text.lstrip("\r\n").partition("\n")[0]
    rows = _rows(text, ";" if first.count(";") > first.count(",") else ",")
    header = next(rows, (1, []))[1]
    columns = [name.lower() for name in header]
    if not {"number", "name"} <= set(columns) <= set(COLUMNS) or len(set(columns)) < len(columns):
        rule = "the first row names the columns: number,name,email, where email may be left out"
        raise Denied(422, "invalid", rule, field="header")
    found: list[Line] = []
    for row, values in rows:
        if len(found) == ROWS:
            raise Denied(422, "invalid", f"at most {ROWS:,} candidates in one file", field="body")
        found.append(_line(row, columns, values))
    return found


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold anything, with their number."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    row = 0
    try:
        for row, values in enumerate(reader, 1):
            if any(value.strip() for value in values):
                yield row, [value.strip() for value in values]
    except csv.Error:
        raise Denied(400, "malformed", f"what follows row {row} cannot be read as CSV", field="body") from None


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
