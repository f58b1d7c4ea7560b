"""Why somebody intervenes: a few codes for each kind, in words. An institution may use codes of its own beside them."""

from __future__ import annotations

from collections.abc import Mapping

from domain.intervention import Kind

OTHER = {"other": "another reason"}
# The first of each is meant where nobody says.
REASONS: Mapping[Kind, Mapping[str, str]] = {
    "warn": {
        "reminder": "a reminder of the rules", "camera_position": "the camera does not show the desk and the candidate",
        "noise": "noise or voices", "someone_else": "somebody else in view", "device": "a device within reach", **OTHER,
    },
    "pause": {
        "invigilator": "the invigilator needs a moment", "technical": "a technical fault",
        "emergency": "an alarm or emergency", "unwell": "the candidate is unwell", **OTHER,
    },
    "resume": {"settled": "it can go on", **OTHER},
    "lock": {
        "clarify": "something has to be cleared up first", "identity": "it is not clear who is sitting the exam",
        "someone_else": "somebody else in view", "device": "a device within reach", **OTHER,
    },
    "unlock": {"settled": "it has been cleared up", **OTHER},
    "extra_time": {
        "time_lost": "time that was lost", "technical": "a technical fault",
        "accommodation": "an accommodation", **OTHER,
    },
    "break": {"requested": "the candidate asked for it", "unwell": "the candidate is unwell", **OTHER},
    "identity_check": {"routine": "a check of everybody", "doubt": "it is not clear who is sitting the exam", **OTHER},
    "room_scan": {"routine": "a check of everybody", "doubt": "something in the room is not clear", **OTHER},
    "return_look": {"break": "the candidate is back from a break"},
    "terminate": {
        "instructed": "the institution's rules demand it", "unwell": "the candidate is unwell",
        "request": "the candidate asked for it", **OTHER,
    },
}  # fmt: skip


def default(kind: Kind) -> str:
    """What is meant where no code is given."""
    return next(iter(REASONS[kind]))


def worded(kind: Kind, code: str) -> str:
    """A code in words; an institution's own as it is."""
    return REASONS[kind].get(code) or code.replace("_", " ")
