"""Tables of people as the CSV file that a spreadsheet saves, in UTF-8, with commas or semicolons."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from typing import NamedTuple

from api.problems import Denied

CSV = "text/csv"
ROWS = 5000  # of one file
BYTES = 4 * 1024 * 1024  # room for that many rows of the longest names


class Table(NamedTuple):
    """`rows` are those that hold anything, each with its number as a spreadsheet counts: the header is row 1."""

    columns: list[str]
    rows: Iterator[tuple[int, list[str]]]


def table(raw: bytes, needed: frozenset[str], columns: tuple[str, ...]) -> Table:
    """The columns that are `needed` are there, and no other than these. Raises `Denied`, also while rows are read."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Denied(400, "malformed", "the file is not in UTF-8; save it as CSV UTF-8", field="body") from None
    first = text.lstrip("\r\n").partition("\n")[0]
    rows = _rows(text, ";" if first.count(";") > first.count(",") else ",")
    header = next(rows, (1, []))[1]
    named = [name.lower() for name in header]
    if not needed <= set(named) <= set(columns) or len(set(named)) < len(named) or not named:
        raise Denied(422, "invalid", _expected(needed, columns), field="header")
    return Table(named, _at_most(rows))


def _expected(needed: frozenset[str], columns: tuple[str, ...]) -> str:
    free = [name for name in columns if name not in needed]
    spare = f", where {' and '.join(free)} may be left out" if needed and free else ""
    return f"the first row names the columns: {','.join(columns)}{spare}"


def _at_most(rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    for n, row in enumerate(rows):
        if n == ROWS:
            raise Denied(422, "invalid", f"at most {ROWS:,} rows in one file", field="body")
        yield row


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
