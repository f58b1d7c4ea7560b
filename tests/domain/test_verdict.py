"""What verdicts come to: of one reviewer, or of two where the policy asks for a second one."""

from __future__ import annotations

import pytest

from domain.event import Refused
from domain.incidents import DECIDER, Incidents, Verdict, VerdictGiven
from domain.verdict import Judged, Standing, judged, must_be_independent, standing
from tests.domain.given import given
from tests.domain.hall import private
from tests.domain.test_incidents import JUDGE, OPENED, RAISED

Said = tuple[str, Verdict]


def says(*said: Said) -> list[VerdictGiven]:
    return [VerdictGiven(incident="n1", verdict=verdict, reason=private("Seen."), by=by) for by, verdict in said]


@pytest.mark.parametrize(
    ("said", "one", "two"),
    [
        ((), "unjudged", "unjudged"),
        ((("curie", "dismissed"),), "dismissed", "dismissed"),
        ((("curie", "confirmed"),), "confirmed", "awaits_second"),
        ((("curie", "unsure"),), "unsure", "awaits_second"),
        ((("curie", "confirmed"), ("noether", "confirmed")), "confirmed", "confirmed"),
        ((("curie", "confirmed"), ("noether", "dismissed")), "dismissed", "differs"),
        ((("curie", "dismissed"), ("noether", "confirmed")), "confirmed", "differs"),
        ((("curie", "confirmed"), ("noether", "dismissed"), ("curie", "dismissed")), "dismissed", "dismissed"),
        ((("curie", "confirmed"), ("noether", "dismissed"), ("gauss", "confirmed")), "confirmed", "confirmed"),
        ((("curie", "confirmed"), ("noether", "dismissed"), ("gauss", "unsure")), "unsure", "differs"),
        ((("curie", "confirmed"), ("curie", "confirmed")), "confirmed", "awaits_second"),
        ((("curie", "confirmed"), ("curie", "dismissed")), "dismissed", "dismissed"),
    ],
)  # fmt: skip
def test_one_reviewer_says_it_and_two_have_to_agree(said: tuple[Said, ...], one: Standing, two: Standing) -> None:
    assert standing(says(*said), second=False) == one
    assert standing(says(*said), second=True) == two


def test_every_incident_of_a_session_is_told_with_who_judged_it() -> None:
    seen: Incidents = given(DECIDER, OPENED, RAISED, *says(("noether", "unsure"), ("curie", "unsure"))).state
    assert judged(seen, second=True) == (
        Judged(incident="n1", kind="several_people", severity="high", standing="unsure", by=("curie", "noether")),
        Judged(incident="p1", kind="raised_by_person", severity="warn", standing="unjudged"),
    )


def test_who_said_it_before_another_may_say_it_again_after_them() -> None:
    mine, other = says(("curie", "dismissed"), ("noether", "confirmed"))
    again = VerdictGiven(incident="n1", verdict=JUDGE.verdict, reason=JUDGE.reason, by=JUDGE.by)
    given(DECIDER, OPENED, mine, other).when(JUDGE).then(again)
    given(DECIDER, OPENED, mine, other, again).when(JUDGE).then_nothing()


def test_who_watched_does_not_judge_where_the_review_is_independent() -> None:
    must_be_independent("curie", frozenset({"lee"}))
    with pytest.raises(Refused, match="people who did not watch it"):
        must_be_independent("lee", frozenset({"lee"}))
