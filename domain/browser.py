"""What the candidate's page can point out: the kinds of it, which a policy switches on one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from domain.assessment import OpensIn

BrowserKind = Literal[
    "focus_lost", "fullscreen_left", "pasted", "second_display", "camera_muted", "screen_share_stopped"
]  # fmt: skip
IN_THE_FRAME: frozenset[str] = frozenset({"focus_lost", "fullscreen_left", "pasted"})  # of a tab nothing is known


class BrowserSetting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of a policy. It opens when it lasts for `after_s` seconds; None takes the rule's own default."""

    kind: BrowserKind
    after_s: Annotated[float, msgspec.Meta(ge=0.0, le=600.0)] | None = None


STANDARD: tuple[BrowserSetting, ...] = (
    BrowserSetting(kind="focus_lost"),
    BrowserSetting(kind="second_display"),
    BrowserSetting(kind="camera_muted"),
    BrowserSetting(kind="screen_share_stopped"),
)

TOLD: Mapping[BrowserKind, str] = {
    "focus_lost": "another window or tab is used instead of your exam",
    "fullscreen_left": "your exam leaves the full screen",
    "pasted": "something is pasted into your exam",
    "second_display": "a second display is connected",
    "camera_muted": "you switch your camera off",
    "screen_share_stopped": "you stop sharing your screen",
}


def why_not(kind: BrowserKind, opens_in: OpensIn, *, camera: bool, screen: bool) -> str:
    """Why a kind cannot be observed at all, in words; "" when it can."""
    if kind in IN_THE_FRAME and opens_in == "tab":
        return "the exam opens in a tab of its own, of which our page knows nothing"
    if kind == "camera_muted" and not camera:
        return "the camera is not captured"
    if kind == "screen_share_stopped" and not screen:
        return "the screen is not captured"
    return ""
