"""Of the report that people read: the samples that an incident was opened on, and the pictures that were kept of it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path

from domain.captions import CAPTIONS
from domain.incidents import Evidence, Sampled
from vigil.html import Html, text
from vigil.html import at as _at


def rests_on(samples: Sequence[Sampled]) -> Html:
    """How many showed it, and each with its score."""
    showed = sum(one.positive for one in samples)
    each = "<br>".join(
        text(f"{_at(one.at)}: score {one.raw_score:.2f}, {'shows it' if one.positive else 'does not show it'}")
        for one in samples
    )
    return Html(f"{showed} of {len(samples)} samples<br>{each}")


def evidence(kept: Sequence[Evidence], files: Mapping[str, Path]) -> str:
    """The pictures in the order in which they were taken; `files` are those that are here, by object key."""
    return "".join(_picture(one, files.get(one.object_key)) for one in sorted(kept, key=lambda one: one.at))


def _picture(one: Evidence, file: Path | None) -> str:
    said = text(f"{CAPTIONS[one.role].capitalize()}, {_at(one.at)}, score {one.raw_score:.0%}")
    if file is None or not file.exists():
        return f"<p>{said}: it was kept and is not here.</p>"
    jpeg = b64encode(file.read_bytes()).decode()
    return f'<figure><img alt="{said}" src="data:image/jpeg;base64,{jpeg}"><figcaption>{said}</figcaption></figure>'
