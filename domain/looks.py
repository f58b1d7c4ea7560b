"""What a candidate shows to their camera: who they are, their room, and that they are back from a break."""

from __future__ import annotations

from typing import Literal

from domain.event import Refused
from domain.phase import RUNNING, said
from domain.session import Session


def must_show(state: Session, kind: Literal["identity_check", "room_scan"]) -> None:
    """Raises `Refused` unless the candidate sits there and their camera shows what they are asked to show."""
    what = kind.replace("_", " ")
    if state.phase not in RUNNING:
        raise Refused(f"a session that is {said(state.phase)} has nobody for a {what}")
    if state.phase == "on_break":
        raise Refused(f"the candidate is on a break; ask for the {what} when they are back")
    if not state.policy.camera:
        raise Refused("the policy of this exam records no camera", field="kind")
    if waived := state.waived.get("camera"):
        instead = waived.instead.replace("_", " ")
        raise Refused(f"the camera was waived for this session ({instead} instead)", field="kind")
    if kind == "room_scan" and not state.policy.room_scan:
        raise Refused("the policy of this exam allows no room scan", field="kind")


def due(before: Session, now: Session) -> bool:
    """Whether somebody went on just then who has been on a break, and has a camera to look into.

    Where a pause or a lock took the place of the break, it is when that is over.
    """
    back = before.been_away and before.phase != "in_progress" and now.phase == "in_progress"
    return back and now.policy.camera and "camera" not in now.waived
