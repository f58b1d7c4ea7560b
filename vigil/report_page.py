"""The part of the report that says where the exam was taken, and what the candidate's page could tell of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from domain.page import PageObserved
from domain.recorded import Recorded
from domain.session import Started
from vigil.html import at, paragraph, section, table


def page(events: Sequence[Recorded]) -> str:
    """Nothing for a session that never began."""
    begun = [event.body for event in events if isinstance(event.body, Started)]
    if not begun:
        return ""
    where = "a frame of the candidate's page" if begun[-1].opens_in == "frame" else "a tab of its own"
    cannot = begun[-1].policy.unobservable(begun[-1].opens_in)
    return section(
        "What the candidate's page told",
        paragraph(f"The exam was opened in {where}. What the page did not tell of is not observed, never clean."),
        table(("Not observed", "Why"), [(kind.replace("_", " "), why) for kind, why in cannot.items()])
        if cannot
        else "",
        table(("Since", "It told of"), list(_told(events)), "It told of nothing."),
    )


def _told(events: Sequence[Recorded]) -> Iterator[tuple[str, str]]:
    for event in events:
        if isinstance(event.body, PageObserved):
            kinds = ", ".join(kind.replace("_", " ") for kind in event.body.kinds)
            yield at(event.body.at), kinds or "nothing"
