"""What a candidate has to do next, from what is known of their session: a page that opens goes on from there."""

from __future__ import annotations

from typing import Literal

from domain.identity import LETS_IN
from domain.phase import RUNNING
from domain.policy import Policy
from domain.purpose import asked
from domain.session import Session

Step = Literal["notice", "consent", "system_check", "identity", "start", "exam", "over"]


def next_step(state: Session, policy: Policy, notice: tuple[int, str]) -> Step:
    """`notice` is the version and text hash of the one that holds now."""
    if state.over:
        return "over"
    if state.phase in RUNNING:
        return "exam"
    if state.notice != notice:
        return "notice"
    if any(purpose not in state.consents for purpose in asked(policy)):
        return "consent"
    if not state.checked:
        return "system_check"
    if policy.identity and state.identity.standing not in LETS_IN:
        return "identity"
    return "start"
