"""Nobody reads across tenants, whatever they ask: the database itself keeps them apart."""

from __future__ import annotations

import pytest
from psycopg import AsyncConnection, errors

from domain import canned, duty, fault, outage, policy_template, request, service_token, user
from domain.event import Event
from projections.live import LIVE
from projections.models import MODELS
from projections.reader import as_tenant, changes_since, find, phases, snapshot
from tests.domain.hall import NINE, POLICY
from tests.projections.hall import BEGUN, Said, about_ada, flagged, raised, registered, requested, sent
from tests.projections.ledger import Ledger, step_all

TABLES = tuple(f"read.{model.name}_v{model.version}_1" for model in MODELS)
RELATIONS = (*(f"read.{model.name}" for model in MODELS), *TABLES)
PRIVATE = (*RELATIONS, "read.live_change", "read.parked")


def at_another(said: Said) -> tuple[str, Event]:
    stream, body = said
    return "u" + stream.removeprefix("t"), body


@pytest.fixture
async def both(ledger: Ledger, project: AsyncConnection) -> None:
    """The same day at two institutions, with something unreadable at each."""
    failed = ("t/user/kim", user.SignInFailed(at=NINE))
    kept = ("t/template/home", policy_template.Created(name="At home", policy=POLICY))
    on_duty = ("t/duty/anatomy", duty.OnDuty(user="kim", at=NINE, by="kim"))
    out = outage.OutageDeclared(
        outage="o1",
        began_at=NINE,
        ended_at=NINE,
        whose="ours",
        cause="A fuse.",
        text=about_ada("Wait."),
        by="kim",
        at=NINE,
    )
    asked = request.Received(at=NINE, by="dora", kind="access", subject="ada", channel="form", due_at=NINE)
    ready = ("t/canned/sit", canned.Added(label="Sit still", text="Please sit still."))
    token = ("t/token/moodle", service_token.Issued(name="Moodle", roles=(), expires_at=NINE, sha256="50f0"))
    day = (
        *BEGUN,
        flagged(),
        raised(),
        sent(),
        requested(),
        registered(),
        failed,
        kept,
        token,
        ready,
        on_duty,
        ("t/duty/anatomy", out),
        ("t/request/q1", asked),
    )
    await ledger.append(*day, *(at_another(said) for said in day))
    broken = ("t/session/s9", fault.FaultClosed(what="x"))
    await ledger.append(broken, at_another(broken), unreadable=True)
    await step_all(project, *MODELS)


async def tenants_seen(app: AsyncConnection, relation: str) -> set[str]:
    cursor = await app.execute(f"SELECT DISTINCT tenant FROM {relation}")
    return {tenant for (tenant,) in await cursor.fetchall()}


@pytest.mark.usefixtures("both")
async def test_the_front_door_sees_its_callers_tenant_and_no_other(app: AsyncConnection) -> None:
    for relation in PRIVATE:
        assert await tenants_seen(app, relation) == set(), relation
        for tenant in ("t", "u"):
            async with as_tenant(app, tenant):
                assert await tenants_seen(app, relation) == {tenant}, relation
        assert await tenants_seen(app, relation) == set(), relation


@pytest.mark.usefixtures("both")
async def test_asking_for_another_tenants_rows_gives_none(app: AsyncConnection) -> None:
    async with as_tenant(app, "t"):
        cursor = await app.execute("SELECT count(*) FROM read.live WHERE tenant = 'u' OR key LIKE 'u/%'")
        assert await cursor.fetchone() == (0,)
    found = await find(app, LIVE, "t")
    assert (list(found.rows), found.stale) == (["t/s1"], {"t/s9"})
    assert (await find(app, LIVE, "t", {"key": "u/s1"})).rows == {}
    assert (await find(app, LIVE, "nobody")).rows == {}
    assert list((await snapshot(app, "u", "anatomy")).rows) == ["u/s1"]
    assert await phases(app, "t") == {"anatomy": {"in_progress": 1}}
    none = await changes_since(app, "nobody", "schedule/anatomy", found.mark)
    assert none
    assert none.told == []


@pytest.mark.usefixtures("both")
async def test_the_front_door_cannot_write_what_it_reads(app: AsyncConnection) -> None:
    for relation in (*PRIVATE, "read.position"):
        for statement in (f"DELETE FROM {relation}", f"UPDATE {relation} SET model = 'x'", f"TRUNCATE {relation}"):
            with pytest.raises((errors.InsufficientPrivilege, errors.UndefinedColumn, errors.WrongObjectType)):
                await app.execute(statement)
    with pytest.raises(errors.InsufficientPrivilege):
        await app.execute(f"INSERT INTO read.live_v{LIVE.version}_1 VALUES ('t/x', 't', '', '', '{{}}')")
