"""Failed sign-ins with addresses that have no account: some are written down, the others are only counted in memory.

An event is for ever, and anybody can make addresses up, so no more are written than the buckets `strangers` (for each
client) and `all_strangers` allow. What is only counted follows the same rules and gets the same answers, 429 with
`Retry-After` after five in a row included: whoever guesses must not see which addresses have an account. The buckets
refuse nobody: who shares a network with somebody that guesses, or has an account that is guessed at, waits no longer.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime

from api.limits import Buckets
from domain.user import SignIn, User, decide, evolve

COUNTED = 10_000  # addresses that are kept in memory, those that were tried last


class Strangers:
    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets
        self._counted: OrderedDict[tuple[str, str], User] = OrderedDict()

    def known(self, tenant: str, who: str, account: User) -> User:
        """The account, or where there is none what has been counted of the address."""
        return account if account.registered else self._counted.get((tenant, who), account)

    def written(self, tenant: str, who: str, client: str) -> bool:
        """Whether another try with this address, which has no account, is for the ledger."""
        return (
            (tenant, who) not in self._counted  # what is in memory has left the ledger behind
            and not self._buckets.take(tenant, client, "strangers")
            and not self._buckets.take(tenant, "", "all_strangers")
        )

    def count(self, tenant: str, who: str, account: User, at: datetime) -> None:
        """Counts a failed try in memory. Raises `Refused` when the address has to wait."""
        state = self.known(tenant, who, account)
        for event in decide(SignIn(at=at, matched=False), state):
            state = evolve(state, event)
        self._counted[tenant, who] = state
        self._counted.move_to_end((tenant, who))
        if len(self._counted) > COUNTED:
            self._counted.popitem(last=False)
