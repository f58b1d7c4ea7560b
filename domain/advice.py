"""What to do about a check that fails, and about a notice that somebody declines, in words for the candidate."""

from __future__ import annotations

from domain.contact import Contact
from domain.notice_words import WORDS
from domain.onboarding import CheckName
from domain.policy import Policy

ADVICE: dict[CheckName, str] = {
    "browser": "Use a current version of Chrome, Edge, Firefox or Safari on a computer, not the browser inside an app.",
    "camera": "Close other programs that use the camera, plug it in again, and allow this page to use it: the sign is"
    " beside the address of the page.",
    "microphone": "Plug the microphone in, choose it in the settings of your system, and allow this page to use it.",
    "screen": "Choose the whole screen when your browser asks, not a window or a tab. On a Mac, allow screen recording"
    " for your browser in the system settings and start the browser anew.",
    "network": "Use a cable or sit nearer to the router, and end downloads, streams and other calls.",
    "displays": "Unplug the second display, or switch it off in the settings of your system.",
}


def alternative(policy: Policy, contact: Contact) -> str:
    """What is open to a candidate who declines the notice."""
    if policy.alternative:
        return policy.alternative
    t = WORDS[policy.language]
    reached = f" {t.or_} ".join(part for part in (contact.phone, contact.email) if part)
    return t.office.format(f": {reached}" if reached else "")
