"""What a picture of the evidence is kept for, in words."""

from __future__ import annotations

from collections.abc import Mapping

from domain.incidents import Role

CAPTIONS: Mapping[Role | None, str] = {
    "first": "the first picture that shows it",
    "best": "the clearest picture",
    "last": "the last picture that shows it",
    None: "a picture of it",
}
