"""schemathesis over the whole API, as its OpenAPI document describes it: on real servers, seeded data, by every role.

Each operation is called on what `SEEDS` (tests/api/seeds.py) says, by everybody who may and with whatever schemathesis
makes up, valid and not. Two or more times as much is made up with VIGIL_SCHEMA_EXAMPLES=100 (a number for each
operation; 4 without). Everything is fixed: the same run again sends the same.

Not in the document, and driven elsewhere: the wall's WebSocket (test_wall.py), pages and their files (test_pages.py),
/metrics and /schema themselves (test_health.py, test_roles.py). Of the two streams of server-sent events the first
event is read here. A media worker that only answers (fake_media.py) takes the offers.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import Mock

import httpx
import msgspec
import pytest
import requests
import schemathesis
import uvloop
from hypothesis import HealthCheck, settings
from schemathesis import Case, Response
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from api.app import create_app
from api.detector_workers import DetectorWorkers
from api.limits import RATES, Rate
from api.services import Limits
from tests.api.fake_media import FakeMedia
from tests.api.hall import a_hall
from tests.api.seeds import NOTHING, SEEDS, Aim, World, a_world, bearer
from tests.api.test_roles import ROLES, TABLE
from vigil.embedded import Servers
from vigil.settings import load

EXAMPLES = int(os.environ.get("VIGIL_SCHEMA_EXAMPLES", "4"))
FAST = dict.fromkeys(RATES, Rate(1_000_000, 0.000_001))  # who calls so often is not told to wait: test_limits.py is
PATIENCE_S = 60
FIXED = settings(
    derandomize=True, deadline=None, database=None, max_examples=EXAMPLES, suppress_health_check=list(HealthCheck)
)


@schemathesis.serializer("video/webm")
def film(_: object, value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


@schemathesis.serializer("application/sdp")
def offer(_: object, value: object) -> bytes:
    return str(value).encode(errors="replace")


class Loop:
    """An event loop in a thread of its own: schemathesis calls and waits, while the servers go on."""

    def __init__(self) -> None:
        self.loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def begin(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401
        return self.begin(work).result(5 * PATIENCE_S)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


def a_session() -> requests.Session:
    """Calls that no proxy or password file of this machine's has a part in."""
    session = requests.Session()
    session.trust_env = False
    return session


@dataclass
class Caller:
    """Calls operations on seeded data, and counts what came of it."""

    loop: Loop
    world: World
    answers: dict[str, Counter[int]] = field(default_factory=dict)
    session: requests.Session = field(default_factory=a_session)
    aims: dict[tuple[str, str], Aim] = field(default_factory=dict)

    def aim(self, label: str, role: str) -> Aim:
        if label not in SEEDS:
            pytest.fail(f"{label} is new: say in SEEDS of tests/api/seeds.py with what it is called to succeed")
        role = role if role in allowed(label) else allowed(label)[0]  # who may not is turned away from what is there
        key = label, SEEDS[label].shared_by(role)
        if key not in self.aims:
            self.aims[key] = self.loop.run(SEEDS[label].aim(self.world, role))
        return self.aims[key]

    def call(self, case: Case, role: str, *left_out: Any) -> Response:  # noqa: ANN401
        label, url = case.operation.label, self.world.hall.url
        aim = self.aim(label, role)
        own = aim.candidate or bearer(self.world.exam.candidates[0]) if role == "candidate" else self.world.token(role)
        token = aim.token or own if role != "nobody" else ""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = case.call(base_url=url, session=self.session, headers=headers, timeout=PATIENCE_S)
        self.answers.setdefault(label, Counter())[answer.status_code] += 1
        if answer.status_code < 300 and SEEDS[label].kept == "for one call":
            self.aims.pop((label, role), None)
        sent = {"base_url": url, "session": self.session, "headers": headers}
        case.validate_response(answer, headers=headers, excluded_checks=list(left_out), transport_kwargs=sent)
        return answer


@pytest.fixture(scope="module")
def caller(
    servers: Servers, new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Caller]:
    objects = tmp_path_factory.mktemp("objects").as_uri()
    environment = servers.environment() | {"VIGIL_DATABASE_URL": new_database(), "VIGIL_OBJECTS_URL": objects}
    loop, done = Loop(), asyncio.Event()
    begun: asyncio.Future[World] = loop.loop.create_future()

    async def serve() -> None:
        try:
            async with a_hall(load(environment), Limits(rates=FAST)) as hall, FakeMedia(hall.services.nats, "w1"):
                begun.set_result(await a_world(hall))
                await done.wait()
        except BaseException as error:
            if not begun.done():
                begun.set_exception(error)
            raise

    async def world() -> World:
        return await begun

    async def end() -> None:
        done.set()

    serving = loop.begin(serve())
    yield Caller(loop, loop.run(world()))
    loop.run(end())
    serving.result(PATIENCE_S)
    loop.close()


def document() -> dict[str, Any]:
    """The document of an application that serves nobody: tests are collected before servers are there."""
    nobody = Mock(version="0", limits=Limits(), detectors=DetectorWorkers())
    found = dict(msgspec.json.decode(msgspec.json.encode(create_app(nobody).openapi_schema.to_schema())))
    for path in found["paths"].values():
        for operation in (one for one in path.values() if isinstance(one, dict) and "parameters" in one):
            # schemathesis makes up ETags that do not match their own pattern; tests/api/test_etags.py sends real ones.
            operation["parameters"] = [one for one in operation["parameters"] if one["name"] != "If-Match"]
    return found


DOCUMENT = document()


def described(*phases: str) -> BaseSchema:
    """All checks are on. Two of them look at sequences of calls, which are not made here: `use_after_free` and
    `ensure_resource_availability`; what comes after a deletion is in the tests of each part.
    """
    config = {
        "max-stream-events": 1,
        "phases": {
            **{name: {"enabled": name in phases} for name in ("examples", "fuzzing", "stateful")},
            "coverage": {"enabled": "coverage" in phases, "unexpected-methods": ["options", "trace"]},
        },
        "checks": {
            # 422 is for rules that no schema can say, such as that a window closes after it opens; 400 is a defect.
            "positive_data_acceptance": {"expected-statuses": ["2xx", "401", "403", "404", "409", "412", "422", "429"]},
            # A server error is no way to refuse, and 413 is one for what is too large.
            "negative_data_rejection": {
                "expected-statuses": ["400", "401", "403", "404", "409", "412", "413", "415", "422", "429"]
            },
        },
    }
    return schemathesis.openapi.from_dict(DOCUMENT, config=SchemathesisConfig.from_dict(config))


def operations() -> list[APIOperation]:
    return [found.ok() for found in described().get_all_operations()]


def allowed(label: str) -> tuple[str, ...]:
    return ("nobody",) if "anybody" in TABLE[label] else TABLE[label]


def test_the_document_is_what_is_served(caller: Caller) -> None:
    served = httpx.get(f"{caller.world.hall.url}/schema").json()
    assert served["paths"].keys() == DOCUMENT["paths"].keys()
    assert served["components"]["schemas"] == DOCUMENT["components"]["schemas"]


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.label)
def test_whoever_may_call_an_operation_can(operation: APIOperation, caller: Caller) -> None:
    first = allowed(operation.label)[0]
    for role in allowed(operation.label):
        aim = caller.aim(operation.label, role)
        body = {} if aim.body is NOTHING else {"body": aim.body, "media_type": aim.media}
        case = operation.Case(path_parameters=dict(aim.path), query=dict(aim.query), **body)
        answer = caller.call(case, role, *(() if role == first else (ignored_auth,)))  # which calls twice more
        assert answer.status_code < 300, f"{role}: {answer.text}"


@described("examples", "coverage", "fuzzing").parametrize()
@FIXED
def test_whatever_is_sent_gets_a_documented_answer(case: Case, caller: Caller) -> None:
    sent_by(case, caller, allowed(case.operation.label)[0])


@described("fuzzing").parametrize()
@settings(FIXED, max_examples=max(1, EXAMPLES // 10))
def test_whoever_asks_gets_a_documented_answer(case: Case, caller: Caller) -> None:
    for role in (*ROLES, "nobody"):
        sent_by(case, caller, role)


def test_every_operation_succeeds_for_somebody(caller: Caller) -> None:
    """After the others: how much was sent, and the share of it that succeeded, for each operation."""
    total = sum(map(Counter.total, caller.answers.values()))
    print(f"\n{total} examples, by {len(ROLES)} roles and nobody")
    for label, found in sorted(caller.answers.items()):
        good = sum(n for status, n in found.items() if status < 300)
        print(f"{good / found.total():4.0%} of {found.total():4}  {label}  {dict(sorted(found.items()))}")
        assert good, label
    assert caller.answers.keys() == {operation.label for operation in operations()}
    assert total >= 2000


def sent_by(case: Case, caller: Caller, role: str) -> None:
    """Sends what schemathesis made up, to an object that is there."""
    path = caller.aim(case.operation.label, role).path
    if case.meta is None or not case.meta.is_negative_at(ParameterLocation.PATH):
        case.path_parameters |= {name: path[name] for name in case.path_parameters if name in path}
    case.body = whole(case.body)
    # No schema says what a picture, a table or an offer of media is.
    unsaid = () if case.media_type in {None, "application/json"} else (positive_data_acceptance,)
    caller.call(case, role, ignored_auth, *unsaid)


def whole(value: Any) -> Any:  # noqa: ANN401
    """JSON Schema calls 3.0 an integer, and nobody writes one so."""
    match value:
        case dict():
            return {key: whole(one) for key, one in value.items()}
        case list():
            return [whole(one) for one in value]
        case float() if value.is_integer():
            return int(value)
    return value
