"""A few pieces of HTML. Everything is escaped unless it is `Html` already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape

from domain.event import Private


class Html(str):
    """Text that is escaped already."""

    __slots__ = ()


def text(value: object) -> Html:
    return value if isinstance(value, Html) else Html(escape(str(value)))


def code(value: object) -> Html:
    return Html(f"<code>{text(value)}</code>")


def table(head: Sequence[str], rows: Iterable[Sequence[object]], none: str = "None.") -> Html:
    """A table, or a sentence when it would have no rows."""
    lines = "".join("<tr>" + "".join(f"<td>{text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    if not lines:
        return Html(f"<p>{text(none)}</p>")
    top = "<tr>" + "".join(f"<th>{text(name)}</th>" for name in head) + "</tr>" if head else ""
    return Html(f"<table>{top}{lines}</table>")


def section(title: str, *parts: str, level: int = 2) -> Html:
    """A heading and what stands below it; `parts` are HTML already."""
    return Html(f"<h{level}>{text(title)}</h{level}>{''.join(parts)}")


def paragraph(value: object) -> Html:
    return Html(f"<p>{text(value)}</p>")


def private(words: Private | None) -> str:
    return "(erased)" if words is None or words.text is None else words.text


def at(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
