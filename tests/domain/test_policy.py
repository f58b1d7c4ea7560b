"""A policy: what a candidate is told before anything starts."""

from __future__ import annotations

from typing import get_args

import pytest
from msgspec.structs import replace

from domain.browser import BrowserKind, BrowserSetting
from domain.event import Refused
from domain.notice import notice
from domain.notice_words import WORDS
from domain.policy import STANDARD, DetectorKind, DetectorSetting, Language, LegalBasis, Policy, must_hold
from domain.purpose import Purpose, asked, does

DETECTORS = "A program points out to an invigilator when nobody can be seen or more than one person can be seen."
DECIDED = "Decisions are taken by people: the dean of studies."

HEARS = Policy(detectors=(DetectorSetting(kind="voice"),), reasons={"voice": "It is taken alone, in silence."})


def test_the_notice_says_everything_that_is_captured_and_who_decides() -> None:
    assert notice(Policy(decided_by="the dean of studies")).splitlines() == [
        "While you sit this exam we record your camera, your microphone and your whole screen.",
        f"{DETECTORS} It decides nothing.",
        "Invigilators of this exam see it live. Reviewers may look at the recording afterwards.",
        "A lost connection or a broken device is noted as a fault and is never held against you.",
        "Recordings are deleted after 180 days.",
        "Your record is deleted after 730 days.",
        f"{DECIDED} You can see your record and appeal until 28 days after the decision.",
        "The legal basis is a task in the public interest (GDPR art. 6(1)(e)).",
    ]


def test_the_notice_is_told_in_the_language_of_the_policy() -> None:
    told = notice(Policy(language="de", bases={"ai_flags": "consent"})).splitlines()
    assert len(told) == len(notice(Policy(bases={"ai_flags": "consent"})).splitlines())
    assert told[0].endswith("zeichnen wir Ihre Kamera, Ihr Mikrofon und Ihren ganzen Bildschirm auf.")
    assert "wenn niemand zu sehen ist oder mehr als eine Person zu sehen ist. Es entscheidet nichts." in told[1]
    assert told[6].startswith("Entscheidungen treffen Menschen: die Prüfungskommission.")
    assert told[9].startswith("Damit ein Programm auf etwas hinweist: Rechtsgrundlage ist Ihre Einwilligung")
    assert "die Dekanin" in notice(Policy(language="de", decided_by="die Dekanin"))


@pytest.mark.parametrize("language", get_args(Language))
def test_every_language_has_words_for_all_that_a_policy_may_ask(language: Language) -> None:
    t = WORDS[language]
    assert set(t.seen) == set(get_args(DetectorKind))
    assert set(t.told) == set(get_args(BrowserKind))
    assert set(t.what) == set(get_args(Purpose))
    assert set(t.bases) == set(get_args(LegalBasis))
    everything = Policy(
        language=language, identity=True, room_scan=True, full_screen=True, alternative="{}", decided_by="{Dean}",
        detectors=tuple(DetectorSetting(kind=kind) for kind in get_args(DetectorKind)),
        browser=tuple(BrowserSetting(kind=kind) for kind in get_args(BrowserKind)),
        bases=dict.fromkeys(get_args(Purpose), "consent"),
    )  # fmt: skip
    lines = notice(everything, "frame").splitlines()
    assert [line for line in lines if "{" in line] == [t.decided.format("{Dean}", 28), t.instead.format("{}")]


@pytest.mark.parametrize(
    ("policy", "first"),
    [
        (Policy(microphone=False, screen=False), "While you sit this exam we record your camera."),
        (Policy(microphone=False), "While you sit this exam we record your camera and your whole screen."),
        (Policy(camera=False), "While you sit this exam we record your whole screen."),
        (Policy(camera=False, screen=False), "Nothing is recorded in this exam."),
    ],
)
def test_the_notice_names_nothing_that_is_not_captured(policy: Policy, first: str) -> None:
    assert notice(policy).splitlines()[0] == first


def test_the_notice_names_just_the_detectors_that_are_on() -> None:
    one = Policy(detectors=(DetectorSetting(kind="several_people"),))
    assert "points out to an invigilator when more than one person can be seen." in notice(one)
    things = Policy(
        detectors=tuple(DetectorSetting(kind=kind) for kind in ("handheld_device", "second_screen", "book"))
    )
    seen = "a telephone or another device in a hand can be seen, another screen can be seen or a book can be seen."
    assert seen in notice(things)
    faces = Policy(detectors=tuple(DetectorSetting(kind=kind) for kind in ("face_not_visible", "looking_away")))
    assert "you can be seen but not your face or you look away from your exam for some time." in notice(faces)
    assert "A program points out" not in notice(Policy(detectors=()))


def test_the_notice_says_that_speech_is_heard_and_nothing_else_of_it() -> None:
    told = notice(HEARS).splitlines()
    assert told[1:3] == [
        "A program points out to an invigilator when somebody can be heard speaking. It decides nothing.",
        "It tells whether somebody speaks, not who it is and not what is said.",
    ]
    assert told[2] not in notice(Policy())


@pytest.mark.parametrize("without", ["camera", "microphone"])
def test_a_voice_needs_the_camera_and_its_microphone(without: str) -> None:
    must_hold(HEARS)
    for field, named in (("detectors", without), ("policy.detectors", f"policy.{without}")):
        with pytest.raises(Refused, match="voice is heard by the microphone") as caught:
            must_hold(replace(HEARS, **{without: False}), field=field)
        assert (caught.value.field, caught.value.kind) == (named, "invalid")


def test_a_voice_is_no_measure_of_a_face_and_rests_on_what_the_other_flags_rest_on() -> None:
    assert does(HEARS) == ("live_view", "recording", "ai_flags")
    assert asked(HEARS) == ()
    assert asked(replace(HEARS, bases={"ai_flags": "consent"})) == ("ai_flags",)


@pytest.mark.parametrize(
    ("basis", "article"),
    [("public_task", "(e)"), ("contract", "(b)"), ("legitimate_interests", "(f)"), ("consent", "(a)")],
)
def test_the_notice_names_the_article_of_the_legal_basis(basis: LegalBasis, article: str) -> None:
    assert f"GDPR art. 6(1){article}" in notice(Policy(legal_basis=basis))


def test_the_notice_tells_of_room_scans_only_where_they_are_allowed() -> None:
    line = "An invigilator may ask you to show your room with your camera."
    assert line in notice(Policy(room_scan=True)).splitlines()
    assert line not in notice(Policy(room_scan=True, camera=False))
    assert line not in notice(Policy())


def test_a_session_publishes_the_tracks_that_its_policy_asks_for() -> None:
    assert Policy().tracks == ("camera", "screen")
    assert Policy(camera=False).tracks == ("screen",)
    assert Policy(screen=False).tracks == ("camera",)
    assert Policy(camera=False, screen=False).tracks == ()


def test_the_notice_tells_what_the_page_points_out_and_nothing_that_it_cannot_see() -> None:
    every = Policy(full_screen=True, browser=tuple(BrowserSetting(kind=kind) for kind in get_args(BrowserKind)))
    asks, points = notice(every, "frame").splitlines()[2:4]
    assert asks == "Your exam asks for the full screen."
    assert points == (
        "The page of your exam points out to an invigilator when another window or tab is used instead of your exam,"
        " your exam leaves the full screen, something is pasted into your exam, a second display is connected, you"
        " switch your camera off or you stop sharing your screen. It decides nothing."
    )
    beside = notice(every, "tab")
    assert "full screen" not in beside
    assert "when a second display is connected, you switch your camera off or you stop sharing" in beside
    assert "The page of your exam points out" not in notice(Policy())
    blind = replace(every, camera=False, screen=False)
    assert "when a second display is connected. It decides" in notice(blind)


def test_what_cannot_be_observed_is_told_with_why() -> None:
    told = STANDARD.unobservable("tab")
    assert set(told) == {"focus_lost"}
    assert "a tab of its own" in told["focus_lost"]
    assert STANDARD.unobservable("frame") == {}
    blind = replace(STANDARD, camera=False, screen=False)
    assert set(blind.unobservable("frame")) == {"camera_muted", "screen_share_stopped"}


@pytest.mark.parametrize(
    ("kinds", "rule"),
    [(("pasted", "pasted"), "at most once"), (("fullscreen_left",), "full_screen asks for it")],
)
def test_a_policy_that_makes_no_sense_is_refused(kinds: tuple[BrowserKind, ...], rule: str) -> None:
    with pytest.raises(Refused, match=rule) as caught:
        must_hold(Policy(browser=tuple(BrowserSetting(kind=kind) for kind in kinds)), field="policy.detectors")
    assert (caught.value.field, caught.value.kind) == ("policy.browser", "invalid")
