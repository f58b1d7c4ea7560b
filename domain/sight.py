"""Camera or screen show too little, or the microphone gives no sound: the device's fault, never counted as conduct."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Reason = Literal["too_dark", "no_detail", "too_far", "no_baseline"]  # of a camera
Blank = Literal["black", "one_colour"]  # of a screen
Silent = Literal["no_sound"]  # of a microphone
FAULT, BLANK, SILENT = "cannot_see_well", "screen_shows_nothing", "microphone_silent"

WHY: Mapping[Reason | Blank | Silent, str] = {  # for who watches
    "too_dark": "it is too dark",
    "no_detail": "the camera shows one colour and nothing else",
    "too_far": "the candidate is too far from the camera",
    "no_baseline": "their face is hardly ever seen from the front",
    "black": "it is black",
    "one_colour": "it is one colour and nothing else",
    "no_sound": "it gives no sound at all",
}
_AGAIN = "reload this page and share your whole screen again"
_ADVICE: Mapping[Reason | Blank | Silent, str] = {
    "too_dark": "it is too dark. More light on your face helps.",
    "no_detail": "your camera shows one colour and nothing else. See whether something covers it.",
    "too_far": "you are too far from your camera. Move closer to it.",
    "no_baseline": "your face is hardly ever seen from the front. Turn your camera so that it shows it.",
    "black": f"it is black. If your computer is locked, unlock it; else {_AGAIN}.",
    "one_colour": f"it is one colour and nothing else. If it stays so, {_AGAIN}: the one that your exam is on.",
    "no_sound": "it gives no sound at all. See whether it is switched on, also at a headset.",
}
_MATTER: Mapping[str, str] = {
    FAULT: "We cannot see you well", BLANK: "Your shared screen shows nothing", SILENT: "Your microphone is silent",
}  # fmt: skip
FAULTS = frozenset(_MATTER)


def guidance(ill_seen: Mapping[str, str]) -> str:
    """What a candidate is told while such faults last, for what each says; "" where there is none."""
    return " ".join(_told(what, why) for what, why in sorted(ill_seen.items()))


def _told(what: str, why: str) -> str:
    advice = next((_ADVICE[reason] for reason, said in WHY.items() if said == why), f"{why}.")
    return f"{_MATTER[what]}: {advice} It is not held against you."
