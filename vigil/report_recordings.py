"""Of the report that people read: the recordings, what is missing of them, and what the candidate's page sent late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.gaps import GapRecorded
from domain.late import LateSegmentStored, StillStored
from domain.recorded import Recorded
from domain.stream import parse
from vigil.html import at as _at
from vigil.html import paragraph, section, table
from vigil.html import text as escape


def recordings(events: Sequence[Recorded], lines: Sequence[Mapping[str, str]]) -> str:
    """`lines` are those of the media's manifest."""
    films = [
        f'<figure><video controls preload="none" src="{f}"></video><figcaption>{f}</figcaption></figure>'
        for f in (escape(line["file"]) for line in lines if line["kind"] == "finalised" and "file" in line)
    ]
    gaps, late, stills = [], [], []
    for event in events:
        match event.body:
            case GapRecorded() as b:
                gaps.append((_track(event), _at(b.started_at), _at(b.ended_at), b.why.replace("_", " ")))
            case LateSegmentStored(segment=s) as b:
                ahead = f"{b.skew_ms / 1000:+.1f} s"
                late.append((_track(event), _at(s.started_at), _at(s.ended_at), _at(b.received_at), ahead))
            case StillStored() as b:
                stills.append((_track(event), _at(b.at), _at(b.received_at)))
    absent = [(line["object_key"], line["absent"]) for line in lines if "absent" in line]
    said = paragraph(
        "Nobody saw this live: it comes from the copy that the candidate's own page kept, and fills parts of the gaps."
    )
    return section(
        "Recordings",
        *(films or [paragraph("No finished recording.")]),
        section("Gaps", table(("Track", "From", "Until", "Why"), gaps), level=3),
        section("Sent late", said, table((*_SPAN, "Received", "Device's clock ahead"), late), level=3) if late else "",
        section("Stills in place of video", table(("Track", "At", "Received"), stills), level=3) if stills else "",
        section("Not here", table(("Object", "Why"), absent), level=3) if absent else "",
    )


_SPAN = ("Track", "From", "Until")


def _track(event: Recorded) -> str:
    return parse(event.stream).name.rpartition(".")[2]
