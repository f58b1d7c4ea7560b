"""A schedule's window and policy: what is captured and enforced. A session keeps the version it started under."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal, TypeGuard, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from domain.assessment import OpensIn
from domain.browser import STANDARD as STANDARD_BROWSER
from domain.browser import BrowserKind, BrowserSetting, why_not
from domain.event import Refused
from domain.purpose import Purpose, must_rest
from domain.sensitive import Sensitive, must_be_reasoned

DetectorKind = Literal[
    "out_of_view", "several_people", "handheld_device", "second_screen", "book", "face_not_visible", "looking_away",
    "voice",
]  # fmt: skip
IncidentKind = Literal[DetectorKind, BrowserKind]


def is_detected(kind: IncidentKind) -> TypeGuard[DetectorKind]:
    """Whether detectors look or listen for it; the rest the candidate's page tells."""
    return kind in get_args(DetectorKind)


LegalBasis = Literal["public_task", "contract", "legitimate_interests", "consent"]
Language = Literal["en", "de"]


class Window(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a sitting can be taken. Times are absolute; `time_zone` (IANA) is the zone that people are told it in."""

    opens_at: datetime
    last_entry_at: datetime
    closes_at: datetime
    time_zone: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


def must_fit(window: Window, duration_s: int, *, at: datetime, opened: Window | None = None) -> None:
    """The rules of a window: in order, not in the past (unless it `opened` then already), long enough for the exam.

    Raises `Refused`.
    """
    times = {"opens_at": window.opens_at, "last_entry_at": window.last_entry_at, "closes_at": window.closes_at}
    for name, time in times.items():
        if time.tzinfo is None:
            raise _misfit(name, "a time needs its offset from UTC, as in 2026-06-01T09:00:00+02:00")
    try:
        ZoneInfo(window.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _misfit("time_zone", "an IANA time zone such as Europe/Vienna is expected") from None
    if window.opens_at < at - _LATE and (opened is None or window.opens_at != opened.opens_at):
        raise _misfit("opens_at", "the window must not open in the past")
    if window.last_entry_at < at and (opened is None or window.last_entry_at != opened.last_entry_at):
        raise _misfit("last_entry_at", "the last entry must not lie in the past")
    if window.closes_at > at + _AHEAD:
        raise _misfit("closes_at", "the window must close within five years")
    if window.closes_at <= window.opens_at:
        raise _misfit("closes_at", "the window must close after it opens")
    if not window.opens_at <= window.last_entry_at <= window.closes_at:
        raise _misfit("last_entry_at", "the last entry must lie between opening and closing")
    if window.closes_at <= at:
        raise _misfit("closes_at", "the window must close in the future")
    if not 0 < duration_s <= (window.closes_at - window.opens_at).total_seconds():
        rule = "the exam must last at least a second and fit into its window"
        raise Refused(rule, field="duration_s", kind="invalid")


_AHEAD = timedelta(days=5 * 366)  # no exam is planned for later, and times far ahead cannot be reckoned with
_LATE = timedelta(minutes=5)  # a planner who types slowly is not refused


def _misfit(name: str, rule: str) -> Refused:
    return Refused(rule, field=f"window.{name}", kind="invalid")


class DetectorSetting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One detector of a policy. `threshold` is a score from 0 to 1; None takes the rule's own default."""

    kind: DetectorKind
    threshold: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] | None = None


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is captured, what points, how long it is kept, and on which ground. `version` counts from 1 per schedule.

    `room_scan` lets invigilators ask a candidate to show their room. `identity` asks for pictures that a person
    compares with who was enrolled. `browser` are the kinds that the candidate's page points out: just those that
    are named. `full_screen` asks for the full screen where the exam opens in a frame. `reasons` are why the exam needs
    what reaches furthest. With `second_reviewer` nobody decides before two people have judged what the first did not
    dismiss; with `blind_review` a reviewer sees what others said after their own; with `independent_review` nobody
    judges or decides who was ever an invigilator of the schedule. `bases` are for purposes that rest on another ground
    than `legal_basis`; `alternative` tells who declines the notice what they can do instead. The notice is told in
    `language` (ISO 639-1).
    """

    version: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    camera: bool = True
    microphone: bool = True
    screen: bool = True
    room_scan: bool = False
    reasons: dict[Sensitive, Annotated[str, msgspec.Meta(max_length=500)]] = {}
    identity: bool = False
    detectors: tuple[DetectorSetting, ...] = (
        DetectorSetting(kind="out_of_view"),
        DetectorSetting(kind="several_people"),
    )
    browser: tuple[BrowserSetting, ...] = ()  # not the standard: policies from before it was there had none
    full_screen: bool = False
    legal_basis: LegalBasis = "public_task"
    bases: dict[Purpose, LegalBasis] = {}
    media_kept_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 180
    record_kept_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 730
    appeal_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 28  # after the decision, or the end while there is none
    decided_by: Annotated[str, msgspec.Meta(max_length=200)] = "the examination board"
    second_reviewer: bool = False
    blind_review: bool = False
    independent_review: bool = False
    alternative: Annotated[str, msgspec.Meta(max_length=500)] = ""
    language: Language = "en"

    @property
    def tracks(self) -> tuple[Literal["camera", "screen"], ...]:
        """The tracks that a session under this policy must publish."""
        return (*(("camera",) if self.camera else ()), *(("screen",) if self.screen else ()))

    @property
    def kinds(self) -> frozenset[IncidentKind]:
        """What is pointed out, by detectors and by the candidate's page."""
        return frozenset(d.kind for d in self.detectors) | frozenset(one.kind for one in self.browser)

    def unobservable(self, opens_in: OpensIn) -> dict[BrowserKind, str]:
        """The kinds of `browser` that cannot be observed where the exam opens, each with why."""
        reasons = {
            one.kind: why_not(one.kind, opens_in, camera=self.camera, screen=self.screen) for one in self.browser
        }
        return {kind: why for kind, why in reasons.items() if why}


STANDARD = Policy(browser=STANDARD_BROWSER)  # of a schedule that is made without one


def must_hold(policy: Policy, *, field: str = "detectors") -> None:
    """Raises `Refused` for a policy that says two things of one kind; `field` is where it names them."""
    kinds = [detector.kind for detector in policy.detectors]
    if len(set(kinds)) < len(kinds):
        raise Refused("each detector is named at most once", field=field, kind="invalid")
    told, within = [one.kind for one in policy.browser], f"{field.removesuffix('detectors')}browser"
    if len(set(told)) < len(told):
        raise Refused("each kind is named at most once", field=within, kind="invalid")
    if "fullscreen_left" in told and not policy.full_screen:
        rule = "leaving the full screen can only be pointed out where full_screen asks for it"
        raise Refused(rule, field=within, kind="invalid")
    _must_hear(policy, field)
    must_be_reasoned(policy, f"{field.removesuffix('detectors')}reasons")
    must_rest(policy, f"{field.removesuffix('detectors')}bases")


def _must_hear(policy: Policy, field: str) -> None:
    """A voice is heard in the sound of the camera, or not at all. Raises `Refused`, and names what is not captured."""
    if not any(detector.kind == "voice" for detector in policy.detectors):
        return
    for name, on in (("camera", policy.camera), ("microphone", policy.microphone)):
        if not on:
            rule = "voice is heard by the microphone, which comes with the camera: switch both on, or take voice out"
            raise Refused(rule, field=f"{field.removesuffix('detectors')}{name}", kind="invalid")
