"""The page of an export that people read: what happened in a session, in plain words, with everything escaped.

It needs nothing but itself: evidence pictures stand in the page, and no script runs. It says what was seen, never more:
only incidents that a person has confirmed are findings, faults are never conduct, and what could not be seen is told.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple, TypeVar

from commands.checkpoint import Signer, signers
from commands.envelope import tag_of
from commands.proofs import Checkpoint
from domain import bringing_back, enrolment, fault, incidents, record, schedule, session, triage
from domain.event import Event
from domain.following import Rescheduled
from domain.outage import WORDS, OutageMarked
from domain.recorded import Recorded
from domain.release import Withheld
from vigil.export_media import Media
from vigil.export_withheld import in_words
from vigil.export_witness import TellingOf
from vigil.export_witness import in_words as witnessed
from vigil.html import Html, code, paragraph, section, table
from vigil.html import at as _at
from vigil.html import private as _text
from vigil.html import text as escape
from vigil.report_admission import admission
from vigil.report_allowed import allowed, muted
from vigil.report_chat import talked
from vigil.report_coverage import NO_FLAG, coverage
from vigil.report_evidence import evidence, rests_on
from vigil.report_help import helped
from vigil.report_page import page
from vigil.report_recordings import recordings
from vigil.report_review import reviewed
from vigil.report_stops import interventions, stopped

E = TypeVar("E", bound=Event)


class Shown(NamedTuple):
    """What the report is made from. `pictures` are the readable evidence files by object key."""

    tenant: str
    session: str
    events: Sequence[Recorded]
    checkpoint: Checkpoint
    note: str
    signer: Signer
    media: Media
    pictures: Mapping[str, Path]
    told: TellingOf = ()
    withheld: Sequence[Withheld] = ()


STYLE = """
:root { color-scheme: light dark } body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
padding: 0 1rem } h1, h2 { line-height: 1.2 } table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #8886 } code {
word-break: break-all } img, video { max-width: 20rem; margin: .3rem .3rem 0 0 } section.incident {
border-left: .3rem solid #888; padding-left: 1rem; margin: 1rem 0 }
.high { border-color: #b00 } .warn { border-color: #c80 }
"""
POLICY = "default-src 'none'; img-src data:; media-src 'self' file:; style-src 'unsafe-inline'"


def report(shown: Shown) -> str:
    """The whole page. The same export always gives the same page."""
    title = f"Record of session {shown.session}"
    parts = (
        _who, _withheld, _basis, _admission, _incidents, _coverage, _page, _faults, _interventions, _help, _chat,
        _recordings, _looks, _timeline,
    )  # fmt: skip
    body = f"<h1>{escape(title)}</h1>" + "".join(part(shown) for part in parts)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>{body}</body></html>\n'
    )


def _who(shown: Shown) -> str:
    rows: list[tuple[object, ...]] = [("Session", shown.session), ("Institution", shown.tenant)]
    titles = [b.title for _, b in _of(shown, schedule.Created)] + [b.title for _, b in _of(shown, schedule.Renamed)]
    for _, enrolled in _of(shown, enrolment.CandidateEnrolled):
        rows += [("Candidate", _text(enrolled.name)), ("Candidate number", _text(enrolled.number))]
    rows += [("Pseudonym", b.subject) for _, b in _of(shown, session.Opened)]
    rows += [("Assessment", title) for title in titles[-1:]]
    for _, begun in _of(shown, session.Started):
        rows += [("Started", _at(begun.at)), ("Policy", f"version {begun.policy.version}")]
    rows += [("Submitted", f"{_at(b.at)}, by the {b.by}") for _, b in _of(shown, session.Submitted)]
    rows += [("Terminated", f"{_at(b.at)}: {_text(b.reason)}") for _, b in _of(shown, session.Terminated)]
    rows += [("Admitted late", f"{_at(b.at)}: {_text(b.reason)}") for _, b in _of(shown, bringing_back.AdmittedLate)]
    rows += [("Reinstated", f"{_at(b.at)}: {_text(b.reason)}") for _, b in _of(shown, bringing_back.Reinstated)]
    rows += [("Reopened", f"{_at(b.at)}: {_text(b.reason)}") for _, b in _of(shown, bringing_back.Reopened)]
    rows += [("End moved to", _at(b.end_at)) for _, b in _of(shown, session.EndMoved)]
    rows += [("End moved with the schedule to", _at(b.end_at)) for _, b in _of(shown, Rescheduled)]
    rows += [("Ended", f"{_at(b.at)}: {b.why.replace('_', ' ')}") for _, b in _of(shown, session.Ended)]
    return table((), rows) + paragraph("All times are UTC, by the server's clock where nothing else is said.")


def _withheld(shown: Shown) -> str:
    return in_words(shown.withheld)


def _or_nothing(what: tuple[str, ...]) -> str:
    return ", ".join(what) or "nothing"


def _basis(shown: Shown) -> str:
    seals = [
        (
            b.number,
            b.kind,
            _at(b.at),
            _or_nothing(b.owed),
            _or_nothing(b.lost),
            f"{sum(b.streams.values())} events",
            b.clock,
        )
        for _, b in _of(shown, record.Sealed)
    ]
    witnesses = [name for name in signers(shown.note) if name != shown.signer.origin]
    others = f" Other signatures on the checkpoint: {', '.join(witnesses)}." if witnesses else ""
    rows = [
        ("Checkpoint", f"the first {shown.checkpoint.size} events of the ledger {shown.signer.origin}"),
        ("Root", code(b64encode(shown.checkpoint.root).decode())),
        ("Signed by", code(shown.signer.fingerprint)),
        ("Witness", f"{witnessed(shown.told)}{others}"),
    ]
    how = Html(
        "<p>To check everything here offline: <code>python verify.py . --key FINGERPRINT</code>, with a fingerprint"
        " that you were given by somebody you trust, and a <code>verify.py</code> from them if you can.</p>"
    )
    head = ("Seal", "Kind", "Sealed", "Owed then", "Lost", "Covers", "Clock")
    return section("What this rests on", table(head, seals, "Not sealed."), table((), rows), how)


def _admission(shown: Shown) -> str:
    return admission(shown.events)


def _incidents(shown: Shown) -> str:
    told: dict[str, list[Recorded]] = {}
    for event in shown.events:
        incident = getattr(event.body, "incident", None)
        if isinstance(event.body, incidents.IncidentEvent) and isinstance(incident, str):
            told.setdefault(incident, []).append(event)
    findings = [_incident(shown, events) for events in told.values() if _verdict(events) == "confirmed"]
    flags = [_incident(shown, events) for events in told.values() if _verdict(events) != "confirmed"]
    confirmed = (
        "Confirmed means that what was flagged is really there. It is not a finding of misconduct, which is for the"
        " institution to make."
    )
    none, no_flags = paragraph("None."), paragraph(f"None. {NO_FLAG}")
    return (
        section("Findings: incidents that a person has confirmed", paragraph(confirmed), *(findings or [none]))
        + section("Flags that nobody has confirmed", paragraph("These are not findings."), *(flags or [no_flags]))
    )  # fmt: skip


def _verdict(events: Sequence[Recorded]) -> str:
    given = [event.body.verdict for event in events if isinstance(event.body, incidents.VerdictGiven)]
    return given[-1] if given else "not judged"


def _incident(shown: Shown, events: Sequence[Recorded]) -> str:
    lines: list[tuple[object, ...]] = []
    pictures: list[incidents.Evidence] = []
    title = "Incident"
    severity: incidents.Severity = "info"
    for event in events:
        match event.body:
            case incidents.Opened() as b:
                title, severity = b.kind.replace("_", " "), b.severity
                p = b.provenance
                lines.append(("Flagged", f"{_at(b.started_at)}{_since(shown, b.started_at)}, score {b.confidence:.0%}"))
                lines.append(("By", f"{p.detector} {p.detector_version}, rule {p.rule_version}"))
                thresholds = ", ".join(f"{name} {score:g}" for name, score in sorted(p.thresholds.items()))
                lines.append(("Thresholds", thresholds))
                weights = "<br>".join(f"{escape(name)} {code(hash_)}" for name, hash_ in sorted(p.weights.items()))
                lines += [("Weights", Html(weights))] if weights else []
                lines += [("Rests on", rests_on(b.samples))] if b.samples else []
                pictures += [b.evidence] if b.evidence else []
            case incidents.RaisedByPerson() as b:
                title, severity = "raised by a person", b.severity
                lines.append(("Raised", f"{_at(b.at)}{_since(shown, b.at)} by {event.envelope.actor}: {_text(b.note)}"))
            case incidents.EvidenceAdded() as b:
                severity = incidents.graver(severity, b.severity)
                pictures += [b.evidence] if b.evidence else []
            case incidents.Closed() as b:
                severity = b.severity
                lines.append(("Until", f"{_at(b.ended_at)} ({b.why.replace('_', ' ')}), highest score {b.peak:.0%}"))
            case triage.Taken() | triage.Released() | triage.SetAside() | triage.Escalated() as b:
                noted = f": {_text(b.note)}" if isinstance(b, triage.SetAside | triage.Escalated) and b.note else ""
                what = tag_of(b).partition(".")[2].replace("_", " ")
                lines.append(("On the wall", f"{what} by {b.by} at {_at(b.at)}{noted}"))
            case incidents.VerdictGiven() as b:
                lines.append(("Verdict", f"{b.verdict}, by {b.by} at {_at(event.recorded_at)}: {_text(b.reason)}"))
    seen = evidence(pictures, shown.pictures)
    said = section(f"{title} ({severity}), {_verdict(events)}", table((), lines), seen, level=3)
    return f'<section class="incident {severity}">{said}</section>'


def _coverage(shown: Shown) -> str:
    return allowed(shown.events) + coverage(shown.events) + muted(shown.events)


def _page(shown: Shown) -> str:
    return page(shown.events)


def _faults(shown: Shown) -> str:
    rows: list[tuple[object, ...]] = []
    for event in shown.events:
        match event.body:
            case fault.ConnectionLost(at=at, track=track, why=why):
                rows.append((_at(at), f"{track}: connection lost", why))
            case fault.ConnectionRestored(at=at, track=track, away_s=away_s):
                rows.append((_at(at), f"{track}: connection restored", f"away for {away_s:.0f} s"))
            case fault.FaultOpened(what=what, why=why, cause=cause, since=since):
                rows.append((_at(since or event.recorded_at), f"{what} ({cause})", why))
            case fault.FaultClosed(what=what, since=since):
                rows.append((_at(since or event.recorded_at), what, "over"))
            case OutageMarked(began_at=began_at, ended_at=ended_at, whose=whose, cause=cause):
                rows.append((f"{_at(began_at)} to {_at(ended_at)}", "outage", f"{WORDS[whose]}: {cause}"))
    said = paragraph("Faults are never held against the candidate.")
    return section("Faults", said, table(("When", "What", "Why"), rows))


def _interventions(shown: Shown) -> str:
    return stopped(shown.events) + interventions(shown.events)


def _help(shown: Shown) -> str:
    return helped(shown.events)


def _chat(shown: Shown) -> str:
    return talked(shown.events)


def _recordings(shown: Shown) -> str:
    return recordings(shown.events, shown.media.lines)


def _looks(shown: Shown) -> str:
    looks = [(_at(b.at), b.by, f"looked at {b.what}") for _, b in _of(shown, record.Viewed)]
    looks += [(_at(b.at), b.by, f"made export {b.export}, on seal {b.seal}") for _, b in _of(shown, record.Exported)]
    return reviewed(shown.events) + section("Who looked", table(("When", "Who", "What"), sorted(looks)))


def _timeline(shown: Shown) -> str:
    rows = [
        (e.position, _at(e.recorded_at), tag_of(e.body), f"{e.stream} {e.version}", e.envelope.actor)
        for e in shown.events
    ]
    head = ("Position", "Recorded", "Event", "Stream and version", "Actor")
    return section("Every event", f"<details><summary>{len(rows)} events</summary>{table(head, rows)}</details>")


def _of(shown: Shown, kind: type[E]) -> Iterator[tuple[Recorded, E]]:
    return ((event, event.body) for event in shown.events if isinstance(event.body, kind))


def _since(shown: Shown, moment: datetime) -> str:
    """How long after the start, as on the recording's clock."""
    for _, begun in _of(shown, session.Started):
        return f" ({timedelta(seconds=int((moment - begun.at).total_seconds()))} after the start)"
    return ""
