"""The page of an export that people read."""

from __future__ import annotations

from base64 import b64decode, b64encode
from pathlib import Path
from unicodedata import normalize

import cv2
import numpy as np
import pymupdf

from tests.vigil.export.sitting import LETTER, SCRIPT, SIGNER
from tests.vigil.export.spoiling import lines
from vigil.report_pdf import pdf


def test_the_report_says_what_happened_in_plain_words(made: Path) -> None:
    page = (made / "report.html").read_text()
    for part in (
        "Ola Nordmann", "4711", "Anatomy II", "several people (high), confirmed", "0:00:19 after the start",
        "Two faces.", "escalated by user/kim at 2026-06-01 09:00:25: Please look.", "Please sit alone.",
        "connection lost", "never held against the candidate", "2026-06-01 09:00:12",
        "No outside witness", SIGNER.fingerprint, "looked at recording", 'src="media/screen.webm"',
        b64encode(b"\xff\xd8first picture").decode(),
    ):  # fmt: skip
        assert part in page, part


def test_the_report_says_what_came_late_and_where_stills_stand_in_for_video(made: Path) -> None:
    page = (made / "report.html").read_text()
    assert "Nobody saw this live" in page
    late = "<td>camera</td><td>2026-06-01 09:00:13</td><td>2026-06-01 09:00:19</td><td>2026-06-01 09:00:40</td>"
    assert late + "<td>-1.0 s</td>" in page
    assert "Stills in place of video" in page
    assert (made / "media" / "camera" / "still-0123456789abcdef.jpg").read_bytes() == b"\xff\xd8a still"


def test_the_report_counts_nothing_twice_of_a_session_that_was_reopened(made: Path) -> None:
    page = (made / "report.html").read_text()
    assert "140 of 180" in page
    assert "100 of 120" not in page


def test_the_report_says_on_which_samples_an_incident_rests_and_what_each_picture_is_kept_for(made: Path) -> None:
    page = (made / "report.html").read_text()
    assert (
        "1 of 2 samples<br>2026-06-01 09:00:17: score 0.12, does not show it<br>2026-06-01 09:00:19: score 0.81" in page
    )
    assert "<figcaption>The first picture that shows it, 2026-06-01 09:00:20, score 81%</figcaption>" in page
    assert 'alt="The clearest picture, 2026-06-01 09:00:20, score 81%"' in page


def test_the_report_tells_of_appeals_and_their_answers_and_what_was_sent_with_them(made: Path) -> None:
    page = (made / "report.html").read_text()
    for part in (
        "appealed against what happened before any decision, about i1: It was my brother.",
        "sent attachment 1, text/plain", "rejected: It shows two people.",
        "answered by nobody who watched",
    ):  # fmt: skip
        assert part in page, part
    assert (made / "media" / "attachments" / "a1-1.txt").read_bytes() == LETTER


def test_the_report_says_why_the_rest_was_not_seen_and_what_was_not_observed_at_all(made: Path) -> None:
    page = (made / "report.html").read_text()
    assert "<td>could not tell in 22% of the time: no picture 12%, too dark 10%</td>" in page
    row = "<td>out of view</td><td>not observed: nothing was told of it</td>" + "<td>not observed</td>" * 6
    assert row in page, "no number stands where nothing was told"
    assert "That nothing was flagged says nothing of what was not observed" in page


def test_the_report_on_paper_says_the_same_and_can_be_found_one_s_way_in(made: Path) -> None:
    with pymupdf.open(made / "report.pdf") as document:
        text = _letters("".join(page.get_text() for page in document))
        assert document.metadata["title"] == "Record of session s1"
        headings = [heading for _, heading, _ in document.get_toc()]
        assert text.count(_letters(f"page {len(document)} of {len(document)}")) == 1
    for part in ("Ola Nordmann", "several people (high), confirmed", "Two faces.", SIGNER.fingerprint, SCRIPT):
        assert _letters(part) in text, part
    assert headings[:2] == ["Record of session s1", "What this rests on"]
    assert "Flags that nobody has confirmed" in headings


def _letters(text: str) -> str:
    """Without ligatures, and without the places where lines may break."""
    return "".join(normalize("NFKC", text).replace("\u200b", "").split())


def test_the_report_on_paper_has_letters_of_every_script_and_its_pictures() -> None:
    names = ("王小明", "Σωκράτης", "Иван", "Łukasz", "ひらがな")
    encoded, jpeg = cv2.imencode(".jpg", np.full((60, 80, 3), 200, np.uint8))
    assert encoded
    picture = f'<img alt="a face" src="data:image/jpeg;base64,{b64encode(jpeg.tobytes()).decode()}">'
    html = f"<h1>One</h1><h3>Two</h3>{''.join(f'<p>{name}</p>' for name in names)}<p>{picture}</p>"
    made = pdf(html, "One")
    assert made == pdf(html, "One")
    with pymupdf.open("pdf", made) as document:
        shown = document[0].get_text()
        assert all(name in shown for name in names)
        assert len(document[0].get_images()) == 1


def test_the_report_escapes_what_people_wrote_and_shows_nobody_else(made: Path) -> None:
    page = (made / "report.html").read_text()
    assert SCRIPT not in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    whole = "".join(path.read_bytes().decode("latin-1") for path in made.rglob("*") if path.is_file())
    for hidden in ("ola@example.org", "Somebody Else", "cxyz"):
        assert hidden not in whole
    states = b"".join(b64decode(row["state"]) for row in lines(made, "events.jsonl"))
    assert b"cxyz" not in states
    assert "email" not in {row.get("field") for row in lines(made, "keys.jsonl")}
