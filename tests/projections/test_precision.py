"""What people said of what each rule pointed out: folded by session, counted by rule and month, each incident once."""

from __future__ import annotations

from msgspec.structs import replace
from psycopg import AsyncConnection

from domain import incidents, session
from domain.precision import Counted, Rule, Tally
from projections.counting import tallies
from projections.precision import PRECISION
from projections.rebuild import rebuild
from tests.domain.hall import POLICY, TWO_HOURS, WINDOW, at
from tests.projections.hall import BEGUN, INCIDENTS, SESSION, Said, flagged, judged, raised, row_of
from tests.projections.ledger import Ledger, decode, step_all

SECOND = (
    SESSION,
    session.Started(
        at=at("9:05"), policy=replace(POLICY, second_reviewer=True), duration_s=TWO_HOURS, end_at=WINDOW.closes_at
    ),
)
BY_ONE = Rule(kind="several_people", rule_version="1", detector_version="1", weights={})


def by(version: str, name: str, stream: str = INCIDENTS, **weights: str) -> Said:
    """An incident that another version of the rule opened, in July."""
    _, opened = flagged(name)
    assert isinstance(opened, incidents.Opened)
    told = replace(opened.provenance, rule_version=version, weights=weights)
    return stream, replace(opened, provenance=told, started_at=opened.started_at.replace(month=7))


def of(tenant: str, *happened: Said) -> list[Said]:
    return [(tenant + stream.removeprefix("t"), body) for stream, body in happened]


def test_a_row_knows_the_rule_and_the_month_and_how_each_incident_stands() -> None:
    row = row_of(PRECISION, *BEGUN, flagged(), flagged("i3"), raised(), judged("confirmed"), judged("confirmed", "i2"))
    assert {name: flag.standing for name, flag in row.flagged.items()} == {"i1": "confirmed", "i3": "unjudged"}
    assert {(flag.rule.kind, flag.month) for flag in row.flagged.values()} == {("several_people", "2026-06")}
    assert row.flagged["i1"].rule == BY_ONE


def test_a_verdict_that_changes_is_counted_once_as_it_is_now() -> None:
    row = row_of(PRECISION, *BEGUN, flagged(), judged("confirmed"), judged("unsure", by="lee"), judged("dismissed"))
    assert row.flagged["i1"].standing == "dismissed"
    assert [one.by for one in row.flagged["i1"].said] == ["lee", "kim"]


def test_where_two_have_to_judge_one_is_not_enough() -> None:
    so_far = (*BEGUN[:-1], SECOND, flagged(), judged("confirmed"))
    assert row_of(PRECISION, *so_far).flagged["i1"].standing == "awaits_second"
    assert row_of(PRECISION, *so_far, judged("dismissed", by="lee")).flagged["i1"].standing == "differs"
    assert row_of(PRECISION, *so_far, judged("confirmed", by="lee")).flagged["i1"].standing == "confirmed"


async def test_incidents_are_counted_by_rule_weights_and_month_for_one_tenant(
    ledger: Ledger, project: AsyncConnection, app: AsyncConnection, conninfo: str
) -> None:
    other = "t/incidents/s2"
    await ledger.append(
        *BEGUN, flagged(), flagged("i2"), flagged("i3"), by("2", "i4", a="00"), by("2", "i5", a="11"),
        by("2", "i6", other, a="11"), judged("confirmed"), judged("dismissed", "i2"), judged("unsure", "i5"),
        (other, judged("confirmed", "i6")[1]), *of("u", *BEGUN, flagged(), judged("dismissed")),
    )  # fmt: skip
    await step_all(project, PRECISION)
    two = replace(BY_ONE, rule_version="2")
    expected = [
        Counted(BY_ONE, "2026-06", Tally(opened=3, confirmed=1, dismissed=1)),
        Counted(replace(two, weights={"a": "00"}), "2026-07", Tally(opened=1)),
        Counted(replace(two, weights={"a": "11"}), "2026-07", Tally(opened=2, confirmed=1, unsure=1)),
    ]
    assert sorted(await tallies(app, "t"), key=str) == sorted(expected, key=str)
    assert await tallies(app, "u") == [Counted(BY_ONE, "2026-06", Tally(opened=1, dismissed=1))]
    assert await tallies(app, "nobody") == []
    await rebuild(conninfo, decode, PRECISION)
    assert sorted(await tallies(app, "t"), key=str) == sorted(expected, key=str)
    await ledger.append(judged("confirmed", "i2"))
    await step_all(project, PRECISION)
    assert Counted(BY_ONE, "2026-06", Tally(opened=3, confirmed=2)) in await tallies(app, "t")
