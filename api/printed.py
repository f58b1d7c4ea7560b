"""Pages to read and to print: no script runs on one, and nothing is fetched for it. Everything typed is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from litestar import Response

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
STYLE = (
    ":root{color-scheme:light dark}body{font:15px/1.45 system-ui,sans-serif;max-width:70rem;margin:2rem auto;"
    "padding:0 1rem}table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}th,td{text-align:left;"
    "vertical-align:top;padding:.25rem .5rem;border-bottom:1px solid #8886}code{word-break:break-all}"
    "@media print{body{margin:0}tr{break-inside:avoid}}"
)


def printed(title: str, *sections: str) -> Response[str]:
    """The page; `sections` are HTML already."""
    body = f"<h1>{escape(title)}</h1>" + "".join(sections)
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>{body}</body></html>\n'
    )
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "private, no-store"}
    return Response(text, media_type="text/html; charset=utf-8", headers=headers)


def section(title: str, head: Sequence[str], rows: Iterable[Sequence[object]], said: str = "") -> str:
    """A heading, a sentence and a table."""
    lines = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    top = f"<thead><tr>{names}</tr></thead>" if head else ""
    table = f"<table>{top}<tbody>{lines}</tbody></table>" if lines else "<p>None.</p>"
    return f"<h2>{escape(title)}</h2>{paragraph(said)}{table}"


def paragraph(said: str) -> str:
    return f"<p>{escape(said)}</p>" if said else ""
