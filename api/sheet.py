"""Rows as CSV that a spreadsheet opens as text: whatever stands in a cell, none becomes a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from litestar import Response

CSV = "text/csv"
_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n")  # what makes a spreadsheet calculate


def sheet(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Response[str]:
    """A file to save. The mark at its beginning tells spreadsheets that it is UTF-8."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "private, no-store"}
    return Response("\ufeff" + out.getvalue(), media_type=CSV, headers=headers)


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_BEGINS) else text
