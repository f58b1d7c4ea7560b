"""A schedule's window and policy: what is captured and enforced. A session keeps the version it started under."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal, TypeGuard, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from domain.assessment import OpensIn
from domain.browser import STANDARD as STANDARD_BROWSER
from domain.browser import TOLD, BrowserKind, BrowserSetting, why_not
from domain.event import Refused
from domain.purpose import WHAT, Purpose, asked, basis_of, does, must_rest
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
    than `legal_basis`; `alternative` tells who declines the notice what they can do instead.
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


def notice(policy: Policy, opens_in: OpensIn = "tab") -> str:
    """What a candidate is told before anything starts; its version and hash go into the acknowledgement.

    One plain sentence a line. The legal basis is named with the article of the GDPR (Regulation (EU) 2016/679, art. 6).
    """
    captured = [
        name
        for name, on in (
            ("your camera", policy.camera),
            ("your microphone", policy.camera and policy.microphone),
            ("your whole screen", policy.screen),
        )
        if on
    ]
    lines = [
        f"While you sit this exam we record {_and(captured)}." if captured else "Nothing is recorded in this exam."
    ]
    if policy.identity:
        lines.append(
            "Before you start you take a picture of yourself and one of your identity document. An invigilator looks at"
            " them to see that it is you; no program compares them."
        )
    if policy.camera and policy.room_scan:
        lines.append("An invigilator may ask you to show your room with your camera.")
    if policy.detectors:
        seen = [_SEEN[d.kind] for d in policy.detectors]
        lines.append(f"A program points out to an invigilator when {_or(seen)}. It decides nothing.")
    if "voice" in policy.kinds:
        lines.append("It tells whether somebody speaks, not who it is and not what is said.")
    cannot = policy.unobservable(opens_in)
    if policy.full_screen and opens_in == "frame":
        lines.append("Your exam asks for the full screen.")
    if told := [TOLD[one.kind] for one in policy.browser if one.kind not in cannot]:
        lines.append(f"The page of your exam points out to an invigilator when {_or(told)}. It decides nothing.")
    lines += [
        "Invigilators of this exam see it live. Reviewers may look at the recording afterwards.",
        "A lost connection or a broken device is noted as a fault and is never held against you.",
        f"Recordings are deleted after {policy.media_kept_days} days.",
        f"Your record is deleted after {policy.record_kept_days} days.",
        _decided(policy),
        *_bases(policy),
    ]
    if policy.alternative:
        lines.append(f"If you do not want this: {policy.alternative}")
    return "\n".join(lines)


def _decided(policy: Policy) -> str:
    until = f"until {policy.appeal_days} days after the decision"
    return f"Decisions are taken by people: {policy.decided_by}. You can see your record and appeal {until}."


def _bases(policy: Policy) -> list[str]:
    """One sentence where one basis carries everything, else one for each purpose."""
    if not policy.bases and not asked(policy):
        return [f"The legal basis is {_BASIS[policy.legal_basis]}."]
    lines = [f"{WHAT[one].capitalize()}, the legal basis is {_BASIS[basis_of(policy, one)]}." for one in does(policy)]
    lines.append(f"For everything else the legal basis is {_BASIS[policy.legal_basis]}.")
    if asked(policy):
        lines.append("We ask you for your consent apart from this notice. You sit the exam all the same if you say no.")
    return lines


_SEEN: dict[DetectorKind, str] = {
    "out_of_view": "nobody can be seen",
    "several_people": "more than one person can be seen",
    "handheld_device": "a telephone or another device in a hand can be seen",
    "second_screen": "another screen can be seen",
    "book": "a book can be seen",
    "face_not_visible": "you can be seen but not your face",
    "looking_away": "you look away from your exam for some time",
    "voice": "somebody can be heard speaking",
}


def pointed_out(kind: IncidentKind) -> str:
    """What is pointed out, in the words in which candidates are told."""
    return next(words for one, words in (*_SEEN.items(), *TOLD.items()) if one == kind)


_BASIS = {
    "public_task": "a task in the public interest (GDPR art. 6(1)(e))",
    "contract": "the contract with you (GDPR art. 6(1)(b))",
    "legitimate_interests": "our legitimate interest in a fair exam (GDPR art. 6(1)(f))",
    "consent": "your consent, which you can withdraw (GDPR art. 6(1)(a))",
}


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _or(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
