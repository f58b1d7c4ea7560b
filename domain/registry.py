"""Every kind of stream, and every event that can lie on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

from domain import (
    canned,
    chat,
    duty,
    incidents,
    intervention,
    policy_template,
    record,
    recording,
    request,
    schedule,
    service_token,
    session_rules,
    switches,
    user,
)
from domain.event import Decider, Event

DECIDERS: dict[str, Decider[Any, Any, Any]] = {
    d.kind: d
    for d in (
        schedule.DECIDER, session_rules.DECIDER, incidents.DECIDER, chat.DECIDER, canned.DECIDER, intervention.DECIDER,
        recording.DECIDER, policy_template.DECIDER, record.DECIDER, duty.DECIDER, user.DECIDER, service_token.DECIDER,
        request.DECIDER, switches.DECIDER,
    )
}  # fmt: skip

EVENTS: dict[str, type[Event]] = {
    str(event.__struct_config__.tag): event for decider in DECIDERS.values() for event in get_args(decider.events)
}

# A new field needs only a default. Anything else that changes gets a function here, keyed by tag and the schema version
# that it lifts from; it takes and gives the event's JSON object.
UPCASTERS: dict[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]] = {}
SCHEMA = 1
