"""The sentences of the notice in each language, and what is pointed out in words for candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.browser import TOLD, BrowserKind
from domain.policy import DetectorKind, IncidentKind, Language, LegalBasis
from domain.purpose import WHAT, Purpose


@dataclass(frozen=True)
class Words:
    """One language. `{}` stand for what a policy says; lists are joined by `and_` or `or_` before the last."""

    and_: str
    or_: str
    captured: tuple[str, str, str]  # camera, microphone, screen
    recorded: str
    nothing: str
    identity: str
    room: str
    program: str
    seen: Mapping[DetectorKind, str]
    voice: str
    full_screen: str
    page: str
    told: Mapping[BrowserKind, str]
    always: tuple[str, ...]
    media_kept: str
    record_kept: str
    decided: str
    board: str
    basis: str
    basis_of: str
    basis_else: str
    what: Mapping[Purpose, str]
    bases: Mapping[LegalBasis, str]
    consent: str
    instead: str
    office: str  # where a policy names nothing instead


SEEN: Mapping[DetectorKind, str] = {
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
    return next(words for one, words in (*SEEN.items(), *TOLD.items()) if one == kind)


_EN = Words(
    and_="and",
    or_="or",
    captured=("your camera", "your microphone", "your whole screen"),
    recorded="While you sit this exam we record {}.",
    nothing="Nothing is recorded in this exam.",
    identity="Before you start you take a picture of yourself and one of your identity document. An invigilator looks"
    " at them to see that it is you; no program compares them.",
    room="An invigilator may ask you to show your room with your camera.",
    program="A program points out to an invigilator when {}. It decides nothing.",
    seen=SEEN,
    voice="It tells whether somebody speaks, not who it is and not what is said.",
    full_screen="Your exam asks for the full screen.",
    page="The page of your exam points out to an invigilator when {}. It decides nothing.",
    told=TOLD,
    always=(
        "Invigilators of this exam see it live. Reviewers may look at the recording afterwards.",
        "A lost connection or a broken device is noted as a fault and is never held against you.",
    ),
    media_kept="Recordings are deleted after {} days.",
    record_kept="Your record is deleted after {} days.",
    decided="Decisions are taken by people: {}. You can see your record and appeal until {} days after the decision.",
    board="the examination board",
    basis="The legal basis is {}.",
    basis_of="{}, the legal basis is {}.",
    basis_else="For everything else the legal basis is {}.",
    what={purpose: what.capitalize() for purpose, what in WHAT.items()},
    bases={
        "public_task": "a task in the public interest (GDPR art. 6(1)(e))",
        "contract": "the contract with you (GDPR art. 6(1)(b))",
        "legitimate_interests": "our legitimate interest in a fair exam (GDPR art. 6(1)(f))",
        "consent": "your consent, which you can withdraw (GDPR art. 6(1)(a))",
    },
    consent="We ask you for your consent apart from this notice. You sit the exam all the same if you say no.",
    instead="If you do not want this: {}",
    office="Ask your examination office for another way to take this exam{}.",
)
_DE = Words(
    and_="und",
    or_="oder",
    captured=("Ihre Kamera", "Ihr Mikrofon", "Ihren ganzen Bildschirm"),
    recorded="Während Sie diese Prüfung machen, zeichnen wir {} auf.",
    nothing="In dieser Prüfung wird nichts aufgezeichnet.",
    identity="Bevor Sie beginnen, machen Sie ein Bild von sich und eines von Ihrem Ausweis. Eine Aufsicht schaut sie"
    " an, um zu sehen, dass Sie es sind; kein Programm vergleicht sie.",
    room="Eine Aufsicht kann Sie bitten, mit Ihrer Kamera Ihren Raum zu zeigen.",
    program="Ein Programm weist eine Aufsicht darauf hin, wenn {}. Es entscheidet nichts.",
    seen={
        "out_of_view": "niemand zu sehen ist",
        "several_people": "mehr als eine Person zu sehen ist",
        "handheld_device": "ein Telefon oder ein anderes Gerät in einer Hand zu sehen ist",
        "second_screen": "ein weiterer Bildschirm zu sehen ist",
        "book": "ein Buch zu sehen ist",
        "face_not_visible": "Sie zu sehen sind, aber nicht Ihr Gesicht",
        "looking_away": "Sie eine Zeit lang von Ihrer Prüfung wegschauen",
        "voice": "jemand sprechen zu hören ist",
    },
    voice="Es erkennt, ob jemand spricht, nicht wer es ist und nicht was gesagt wird.",
    full_screen="Ihre Prüfung verlangt das Vollbild.",
    page="Die Seite Ihrer Prüfung weist eine Aufsicht darauf hin, wenn {}. Sie entscheidet nichts.",
    told={
        "focus_lost": "ein anderes Fenster oder ein anderer Tab statt Ihrer Prüfung benutzt wird",
        "fullscreen_left": "Ihre Prüfung das Vollbild verlässt",
        "pasted": "in Ihre Prüfung etwas eingefügt wird",
        "second_display": "ein zweiter Bildschirm angeschlossen ist",
        "camera_muted": "Sie Ihre Kamera ausschalten",
        "screen_share_stopped": "Sie aufhören, Ihren Bildschirm zu teilen",
    },
    always=(
        "Aufsichten dieser Prüfung sehen sie live. Gutachtende dürfen die Aufnahme danach ansehen.",
        "Eine verlorene Verbindung oder ein defektes Gerät wird als Störung vermerkt und Ihnen nie angelastet.",
    ),
    media_kept="Aufnahmen werden nach {} Tagen gelöscht.",
    record_kept="Ihre Akte wird nach {} Tagen gelöscht.",
    decided="Entscheidungen treffen Menschen: {}. Sie können Ihre Akte bis {} Tage nach der Entscheidung sehen und"
    " Einspruch erheben.",
    board="die Prüfungskommission",
    basis="Rechtsgrundlage ist {}.",
    basis_of="{}: Rechtsgrundlage ist {}.",
    basis_else="Für alles andere ist die Rechtsgrundlage {}.",
    what={
        "live_view": "Damit Aufsichten Sie live sehen",
        "recording": "Um Sie aufzuzeichnen",
        "ai_flags": "Damit ein Programm auf etwas hinweist",
        "identity": "Um zu sehen, dass Sie es sind",
        "face_geometry": "Um Ihr Gesicht zu vermessen",
    },
    bases={
        "public_task": "eine Aufgabe im öffentlichen Interesse (DSGVO Art. 6 Abs. 1 lit. e)",
        "contract": "der Vertrag mit Ihnen (DSGVO Art. 6 Abs. 1 lit. b)",
        "legitimate_interests": "unser berechtigtes Interesse an einer fairen Prüfung (DSGVO Art. 6 Abs. 1 lit. f)",
        "consent": "Ihre Einwilligung, die Sie widerrufen können (DSGVO Art. 6 Abs. 1 lit. a)",
    },
    consent="Um Ihre Einwilligung bitten wir Sie getrennt von diesem Hinweis. Wenn Sie Nein sagen, machen Sie die"
    " Prüfung trotzdem.",
    instead="Wenn Sie das nicht wollen: {}",
    office="Fragen Sie Ihr Prüfungsamt, wie Sie diese Prüfung anders machen können{}.",
)
WORDS: Mapping[Language, Words] = {"en": _EN, "de": _DE}
