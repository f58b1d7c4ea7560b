"""Of the report that people read: who was let in by whom, what they agreed to, without which checks, on what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from domain import consent, device, identity
from domain.purpose import Purpose
from domain.recorded import Recorded
from domain.waiving import CheckWaived
from vigil.html import at as _at
from vigil.html import paragraph, private, section, table

Row = tuple[object, ...]
_HOW: dict[identity.Route, str] = {
    "pictures": "by the pictures", "in_person": "in person", "video_call": "in a video call",
    "known_to_staff": "as known to the staff", "other": "in another way",
}  # fmt: skip


def admission(events: Sequence[Recorded]) -> str:
    said = paragraph(
        "The pictures of the identity check are not part of this export; their hashes are. People compared them, no"
        " program."
    )
    rows = [row for event in events for row in (*_identity(event), *_device(event), *_waived(event), *_agreed(event))]
    return section("Identity, devices, checks and consent", said, table(("When", "What", "By"), rows))


def _identity(event: Recorded) -> Iterator[Row]:
    match event.body:
        case identity.IdentityCaptured(at=at, picture=picture):
            yield _at(at), f"{picture} taken", "the candidate"
        case identity.ReferenceSet():
            yield _at(event.recorded_at), "reference photo set", event.envelope.actor
        case identity.IdentityLapsed(at=at):
            yield _at(at), "the check began anew, on another device", "the candidate"
        case identity.IdentityApproved(at=at, by=by, route=route, reason=reason):
            yield _at(at), f"approved {_HOW[route]}" + (f": {private(reason)}" if reason else ""), by
        case identity.IdentityRejected(at=at, by=by, reason=reason):
            yield _at(at), f"pictures rejected: {private(reason)}", by
        case identity.IdentityDeferred(at=at, by=by, reason=why, retake=retake):
            what = "new pictures asked for while the exam goes on" if retake else "decision deferred"
            yield _at(at), what + (f": {private(why)}" if why else ""), by
        case identity.IdentityDisputed(at=at, by=by, reason=reason):
            yield _at(at), f"disputed: {private(reason)}", by
        case identity.IdentitySettled(at=at, by=by, finding=finding, reason=reason):
            yield _at(at), f"found: {finding.replace('_', ' ')}: {private(reason)}", by


def _device(event: Recorded) -> Iterator[Row]:
    match event.body:
        case device.DeviceAsked(at=at, device=name):
            yield _at(at), f"device {name} asked to go on", "the candidate"
        case device.DeviceAdmitted(at=at, device=name, by=by):
            yield _at(at), f"taken on device {name}", by or "the candidate"
        case device.DeviceRefused(at=at, device=name, by=by):
            yield _at(at), f"device {name} refused", by


def _waived(event: Recorded) -> Iterator[Row]:
    match event.body:
        case CheckWaived(at=at, check=check, by=by, reason=reason, instead=instead):
            yield _at(at), f"check of the {check} waived, instead: {instead.replace('_', ' ')}: {private(reason)}", by


def _agreed(event: Recorded) -> Iterator[Row]:
    match event.body:
        case consent.ConsentGiven(at=at, purpose=purpose):
            yield _at(at), f"agreed: {_words(purpose)}", "the candidate"
        case consent.ConsentRefused(at=at, purpose=purpose):
            yield _at(at), f"did not agree: {_words(purpose)}", "the candidate"
        case consent.ConsentWithdrawn(at=at, purpose=purpose):
            yield _at(at), f"withdrew their consent: {_words(purpose)}", "the candidate"
        case consent.ObjectionRaised(at=at, text=text):
            yield _at(at), f"objected: {private(text)}", "the candidate"


def _words(purpose: Purpose) -> str:
    return purpose.replace("_", " ")
