"""The camera shows too little of a candidate to see them well: a fault of their device, never counted as conduct."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Reason = Literal["too_dark", "no_detail", "too_far", "no_baseline"]
FAULT = "cannot_see_well"

WHY: Mapping[Reason, str] = {  # for who watches
    "too_dark": "it is too dark",
    "no_detail": "the camera shows one colour and nothing else",
    "too_far": "the candidate is too far from the camera",
    "no_baseline": "their face is hardly ever seen from the front",
}
_ADVICE: Mapping[Reason, str] = {
    "too_dark": "it is too dark. More light on your face helps.",
    "no_detail": "your camera shows one colour and nothing else. See whether something covers it.",
    "too_far": "you are too far from your camera. Move closer to it.",
    "no_baseline": "your face is hardly ever seen from the front. Turn your camera so that it shows it.",
}


def guidance(why: str) -> str:
    """What a candidate is told while the fault lasts, for what it says; "" where there is none."""
    if not why:
        return ""
    advice = next((_ADVICE[reason] for reason, said in WHY.items() if said == why), f"{why}.")
    return f"We cannot see you well: {advice} It is not held against you."
