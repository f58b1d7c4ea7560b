"""One device at a time: the newest before the start, and afterwards the one that a person has admitted."""

from __future__ import annotations

from msgspec.structs import replace

from domain import session_rules
from domain.device import (
    AdmitDevice,
    AskFor,
    DeviceAdmitted,
    DeviceAsked,
    DeviceRefused,
    JoinFrom,
    RefuseDevice,
)
from domain.identity import Identity, IdentityApproved, IdentityCaptured, IdentityDeferred, IdentityLapsed
from domain.policy import Policy
from tests.domain.given import given
from tests.domain.hall import at
from tests.domain.sitting import EXPECTED, READY, RUNNING, STARTED, SUBMITTED

DECIDER = session_rules.DECIDER
FIRST, SECOND = (DeviceAdmitted(at=at("8:55"), device=name) for name in ("a", "b"))
ASKED = DeviceAsked(at=at("9:30"), device="b")
ASK = AskFor(at=at("9:30"), device="b")
ADMIT = AdmitDevice(at=at("9:31"), device="b", by="turing")
REFUSE = RefuseDevice(at=at("9:31"), device="b", by="turing")
ADMITTED = DeviceAdmitted(at=at("9:31"), device="b", by="turing")
SAT = (*READY, FIRST, STARTED)


def join(device: str) -> JoinFrom:
    return JoinFrom(at=at("8:55"), device=device)


def test_before_the_start_the_newest_device_holds() -> None:
    given(DECIDER, *EXPECTED).when(join("a")).then(FIRST)
    given(DECIDER, *EXPECTED, FIRST).when(join("a")).then_nothing()
    given(DECIDER, *EXPECTED, FIRST).when(join("b")).then(SECOND)
    state = given(DECIDER, *EXPECTED, FIRST, SECOND).state
    assert state.devices.take("b")
    assert not state.devices.take("a")
    given(DECIDER, *READY, FIRST).when(ASK).refused("before the start nobody has to be asked")


def test_who_opens_it_elsewhere_before_the_start_shows_again_who_they_are() -> None:
    photo = IdentityCaptured(at=at("8:56"), picture="photo", object_key="p", sha256="5f")
    approved = IdentityApproved(at=at("8:58"), by="turing", route="in_person")
    lapsed = IdentityLapsed(at=at("8:55"))
    for shown in (photo, approved):
        given(DECIDER, *READY, FIRST, shown).when(join("a")).then_nothing()
        given(DECIDER, *READY, FIRST, shown).when(join("b")).then(SECOND, lapsed)
    state = given(DECIDER, *READY, FIRST, photo, approved, SECOND, lapsed).state
    assert state.identity == Identity(came_at=at("8:56"))
    given(DECIDER, *READY, photo).when(join("a")).then(FIRST)


def test_while_the_exam_runs_another_device_asks_and_a_person_admits_it() -> None:
    running = given(DECIDER, *SAT)
    running.when(join("b")).then_nothing()
    assert not running.state.devices.take("b")
    running.when(replace(ASK, device="a")).then_nothing()
    running.when(ADMIT).refused("does not ask", field="device")
    running.when(ASK).then(ASKED)
    asking = given(DECIDER, *SAT, ASKED)
    asking.when(ASK).then_nothing()
    assert asking.state.devices.take("a")
    asking.when(ADMIT).then(ADMITTED)
    moved = given(DECIDER, *SAT, ASKED, ADMITTED)
    assert moved.state.devices.take("b")
    assert not moved.state.devices.take("a")
    moved.when(ADMIT).then_nothing()
    moved.when(REFUSE).refused("admitted already", field="device")
    moved.when(join("a")).then_nothing()


def test_a_device_that_was_refused_may_ask_again() -> None:
    refused = DeviceRefused(at=at("9:31"), device="b", by="turing")
    given(DECIDER, *SAT, ASKED).when(REFUSE).then(refused)
    turned_away = given(DECIDER, *SAT, ASKED, refused)
    assert turned_away.state.devices.refused == {"b"}
    turned_away.when(REFUSE).then_nothing()
    turned_away.when(ADMIT).refused("does not ask", field="device")
    turned_away.when(ASK).then(ASKED)


def test_with_the_device_the_identity_is_asked_for_again_where_the_policy_does() -> None:
    asks = (*READY, FIRST, replace(STARTED, policy=Policy(identity=True)), ASKED)
    again = IdentityDeferred(at=at("9:31"), by="turing", retake=True)
    given(DECIDER, *asks).when(ADMIT).then(ADMITTED, again)


def test_whoever_sat_before_devices_were_told_apart_is_let_go_on() -> None:
    assert given(DECIDER, *RUNNING).state.devices.take("")
    given(DECIDER, *RUNNING).when(join("a")).then(FIRST)


def test_a_session_that_is_over_moves_nowhere() -> None:
    over = given(DECIDER, *SUBMITTED)
    over.when(join("b")).then_nothing()
    over.when(ASK).refused("goes on on no device")
