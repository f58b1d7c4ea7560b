"""What must hold on every day, after each command and at its end."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from fnmatch import fnmatchcase

from domain import chat, device, identity, incidents, intervention
from domain import help as asking
from domain.recorded import Recorded
from domain.stream import parse
from projections.folding import fold, touching
from projections.model import AnyModel
from projections.models import MODELS
from tests.commands.days.day import Day
from tests.commands.days.model import ENDED, RUNS
from tests.commands.days.world import Said

EXACT = timedelta(milliseconds=1)
# What goes on after the end of a session. Its media come late, its incidents are looked after and judged, what was said
# and asked is delivered, and its record is sealed and read (design, sections 4 and 10).
LATER = frozenset({"recording", "incidents", "chat", "intervention", "record"})
# Of the session itself: faults of late media; help that was asked for is answered, and who did not come or was cut off
# may ask still (`domain/help.py`); what somebody objects to is heard at any time; a reviewer finds whose identity was
# left open (decision 14); an outage that the session ran in is noted (decision 9); and what was switched off everywhere
# while it ran, of which it is told a moment later.
LATE = frozenset({
    "session.fault_opened", "session.fault_closed", "session.connection_restored", "session.help_requested",
    "session.help_taken", "session.help_released", "session.help_answered", "session.help_withdrawn",
    "session.identity_settled", "session.outage_marked", "session.objection_raised", "session.detector_muted",
})  # fmt: skip
DECISIONS = frozenset({"identity_approved", "identity_rejected", "identity_deferred", "identity_disputed"})
NEW_PICTURES = frozenset({"identity_captured", "identity_lapsed"})
BACK = frozenset({"session.reopened", "session.reinstated", "session.admitted_late"})  # people's acts that undo an end


def holds(day: Day, over: set[str], said: Said) -> None:
    """After each command: the clock is the model's, what is over stays as it is, and what is one stays one.

    `over` are the sessions that were over before.
    """
    for name in day.sittings:
        _clock(day, name)
    for stream, made in said.made.items():
        at = parse(stream)
        goes_on = any(event.__struct_config__.tag in BACK for event in made)
        for event in made:
            if at.session in over and not goes_on:
                tag = str(event.__struct_config__.tag)
                assert tag in LATE or at.kind in LATER, f"{tag} after the end"
                # Who ends it a second time is known in the record, too; of all else nothing is asked any more.
                assert not isinstance(event, intervention.Requested) or event.kind == "terminate"
            if isinstance(event, incidents.Opened):
                _observed(day, str(at.session), event)
        if at.kind == "chat":
            state = day.world.state(chat.DECIDER, at.name)
            assert state.read <= state.delivered <= state.sent.keys()


def _clock(day: Day, name: str) -> None:
    state, model = day.session(name), day.sittings[name]
    model.tick(day.at)
    assert state.phase == model.phase
    if model.started is None or model.phase in ENDED:
        return
    assert state.end_at
    if model.phase in RUNS:
        assert state.due_at
        assert state.over_at
        assert model.due
        assert abs(state.due_at - model.due) <= EXACT, f"due at {state.due_at}, by the model at {model.due}"
        assert state.due_at <= state.over_at
    else:
        assert (state.due_at, state.expires_at) == (None, None)
    if not state.on_break:
        assert abs(state.end_at - model.end) <= EXACT, f"ends at {state.end_at}, by the model at {model.end}"


def _observed(day: Day, session: str, event: incidents.Opened) -> None:
    """An incident began while the session was in progress, and nobody had switched its kind off."""
    model = day.sittings[session]
    assert model.was_observed(event.started_at), f"{event.kind} of {event.started_at} was not observed"
    for muted in (model.muted, model.switched_off):
        assert event.kind not in muted or event.started_at < muted[event.kind], f"{event.kind} is muted"


def one_at_a_time(day: Day) -> None:
    """At the end of a day, of each session: one request for help, one device, one decision on who it is."""
    for session in day.sittings:
        asked, decided, live, started = "", "", "", False
        for entry in day.world.log:
            if entry.stream != f"{day.world.tenant}/session/{session}":
                continue
            event, tag = entry.body, str(entry.body.__struct_config__.tag).removeprefix("session.")
            started = started or tag == "started"
            match event:
                case asking.HelpRequested(help=name):
                    assert not asked
                    asked = name
                case asking.HelpAnswered(help=name) | asking.HelpWithdrawn(help=name):
                    assert asked == name
                    asked = ""
                case device.DeviceAdmitted(device=name, by=by):
                    assert by or not (started and live), "another device was taken in an exam, and no person said so"
                    live = name
                case identity.IdentityDeferred(retake=True):  # on another device they are looked at again
                    decided = ""
                case _ if tag in NEW_PICTURES:
                    decided = ""
                case _ if tag in DECISIONS:
                    assert tag != decided
                    assert decided != "identity_approved" or tag == "identity_disputed", f"{tag} after {decided}"
                    decided = tag


def rebuilt(day: Day) -> None:
    """At the end of a day: every row is what a rebuild makes, of everything or of the row's own streams."""
    log = day.world.log
    streams: dict[str, list[Recorded]] = defaultdict(list)
    for entry in log:
        streams[entry.stream].append(entry)
    for model in MODELS:
        whole = fold(model, touching(model, log), {})
        assert not whole.poison
        _told_once(model, log, whole.rows)
        for key, row in whole.rows.items():
            assert _refolded(model, key, streams) == row, f"{model.name} of {key} is not what its streams make"


def _told_once(model: AnyModel, log: list[Recorded], rows: dict[str, object]) -> None:
    """As it comes, event by event."""
    grown: dict[str, object] = {}
    for entry in log:
        fold(model, touching(model, [entry]), grown)
    assert grown == rows


def _refolded(model: AnyModel, key: str, streams: dict[str, list[Recorded]]) -> object:
    wanted, found = set(model.streams(key)), list[Recorded]()
    known = set[str]()
    while new := {name for name in streams if name not in known and any(fnmatchcase(name, one) for one in wanted)}:
        known |= new
        entries = [entry for name in new for entry in streams[name]]
        wanted |= {lead for entry in entries for lead in model.leads(entry)}
        found += entries
    run = touching(model, sorted(found, key=lambda entry: entry.position))
    mine = [(entry, (key,)) for entry, keys in run if key in keys]
    return fold(model, mine, {}).rows.get(key)
