"""How much of a session could be seen, beside what was flagged: no flag without coverage counts as clean."""

from __future__ import annotations

import msgspec

from domain.coverage import amount, words
from domain.phase import OVER
from projections.gradebook import Account


class Observed(Account, frozen=True, kw_only=True):
    """An account, and for each kind that was to be looked for how much could be seen, in words."""

    observed: dict[str, str]


def observed(row: Account) -> Observed:
    over = row.phase in OVER
    told = {kind: words(row.coverage.get(kind), over=over) for kind in sorted({*row.watched, *row.coverage})}
    return Observed(**msgspec.structs.asdict(row), observed=told)


def unseen(row: Account) -> bool:
    """Whether it is over and nothing at all was seen of it, so that a count of no flags says nothing."""
    return row.phase in OVER and all(amount(told) == "nothing" for told in row.coverage.values())
