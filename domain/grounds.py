"""Why something is not granted, not wholly, or withheld: articles of Regulation (EU) 2016/679, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Ground = Literal[
    "11(2)", "12(2)", "12(5)(b)", "15(4)", "16", "17(3)(b)", "17(3)(d)", "17(3)(e)", "18(1)", "21(1)",
]  # fmt: skip
GROUNDS: Mapping[Ground, str] = {
    "11(2)": "the person cannot be found in what is held",
    "12(2)": "nobody could say that it is this person who asks",
    "12(5)(b)": "the request is manifestly unfounded or excessive",
    "15(4)": "the rights and freedoms of others",
    "16": "what is held is right",
    "17(3)(b)": "a legal obligation, or a task in the public interest",
    "17(3)(d)": "archiving, research or statistics",
    "17(3)(e)": "the establishment, exercise or defence of legal claims",
    "18(1)": "none of the cases in which processing is restricted",
    "21(1)": "compelling legitimate grounds",
}
