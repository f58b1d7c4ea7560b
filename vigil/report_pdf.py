"""The report as a PDF, from the same HTML: for whoever reads on paper or files it."""

from __future__ import annotations

import io
import re

import pymupdf

_STYLE = "body { font-size: 9pt } td, th { font-size: 8pt } code { font-size: 7pt } img { width: 220px }"
_MARGIN, _FOOT = 40, 24  # points
_PIECE = re.compile(".{1,8}")
_CODE = re.compile("(<code>)([^<]*)(</code>)")
_BREAK_HERE = "\u200b"  # zero width space: a hash may go on in the next line


def pdf(html: str, title: str) -> bytes:
    """A4 pages with an outline of the headings and numbered pages. The same HTML always gives the same bytes.

    Letters of every script are shown: the library brings its fonts.
    """
    page = pymupdf.paper_rect("a4")
    inside = pymupdf.Rect(_MARGIN, _MARGIN, page.width - _MARGIN, page.height - _MARGIN - _FOOT)
    story = pymupdf.Story(_CODE.sub(_breakable, html), user_css=_STYLE)
    made, outline, number, more = io.BytesIO(), list[list[object]](), 0, 1
    writer = pymupdf.DocumentWriter(made)

    def note(element: pymupdf.mupdf.FzStoryElementPosition) -> None:
        if element.heading and element.open_close & 1:
            outline.append([element.heading, element.text or "", number, element.rect[1]])

    while more:
        number += 1
        canvas = writer.begin_page(page)
        more, _ = story.place(inside)
        story.element_positions(note)
        story.draw(canvas)
        writer.end_page()
    writer.close()
    with pymupdf.open("pdf", made.getvalue()) as document:
        for at, sheet in enumerate(document, 1):
            foot = f"{title}, page {at} of {number}"
            sheet.insert_text((_MARGIN, page.height - _MARGIN), foot, fontsize=7)
        document.set_toc(_rising(outline))
        document.set_metadata({"title": title, "producer": "Vigil"})
        document.set_language("en")
        document.subset_fonts()
        written: bytes = document.tobytes(no_new_id=True, garbage=3, deflate=True)
        return written


def _breakable(code: re.Match[str]) -> str:
    return f"{code[1]}{_BREAK_HERE.join(_PIECE.findall(code[2]))}{code[3]}"


def _rising(outline: list[list[object]]) -> list[list[object]]:
    """No heading may stand more than one level below the one before it."""
    before, rising = 0, []
    for level, text, page, top in outline:
        before = min(int(str(level)), before + 1)
        rising.append([before, text, page, top])
    return rising
