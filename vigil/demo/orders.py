"""What the story and the candidates' process say to each other."""

from __future__ import annotations

from typing import Literal

import msgspec

API = "/api/v1"


Deed = Literal[
    "join", "publish", "second_person", "alone_again", "blank_screen", "screen_again", "stop_share", "share_again",
    "cut", "come_back", "submit", "receipt",
]  # fmt: skip


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the story wants of one candidate. `link` comes with `join`."""

    do: Deed
    candidate: int
    link: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`ok` with what was seen, or the error in words."""

    do: str
    candidate: int
    ok: bool
    session: str = ""
    receipt: str = ""  # the root of the seal that the candidate was given
    error: str = ""
