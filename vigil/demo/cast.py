"""The demo's people at the keyboard: staff who call the API, and the process in which the candidates sit."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec

from domain.user import Role
from vigil.demo.orders import API, Answer, Deed, Order
from vigil.demo.steps import StepFailed
from vigil.settings import Settings
from vigil.tools import Audit, register
from vigil.wiring import core

STAFF: dict[str, tuple[Role, ...]] = {
    "planner": ("planner",),
    "invigilator": ("invigilator",),
    "lead_invigilator": ("lead_invigilator",),
    "reviewer": ("reviewer",),
    "auditor": ("auditor",),
    "data_protection_officer": ("data_protection_officer",),
    "admin": ("admin",),
}


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in of the demo. The password is made anew for each demo."""

    role: str
    email: str
    password: str
    user: str


async def accounts(settings: Settings) -> dict[str, Account]:
    """Makes one account for each role, as an operator would by hand."""
    made = {}
    mark = secrets.token_hex(3)
    async with core(settings, "demo") as here:
        for role, roles in STAFF.items():
            title = role.replace("_", " ")
            email, password = f"{title.replace(' ', '.')}.{mark}@demo.example", secrets.token_urlsafe(12)
            audit = Audit(days=1, reason="To look at the demo") if role == "auditor" else None
            name = f"The demo's {title}"
            user = await register(
                here, tenant="main", email=email, name=name, roles=roles, password=password, audit=audit
            )
            made[role] = Account(role=title, email=email, password=password, user=user)
    return made


class Person:
    """Somebody of the staff, signed in, with a client of their own."""

    def __init__(self, base: str, account: Account) -> None:
        self.account = account
        self.http = httpx.AsyncClient(base_url=base, timeout=30)

    async def sign_in(self) -> None:
        answer = await self.post("/sign-in", {"email": self.account.email, "password": self.account.password})
        self.http.headers["Authorization"] = f"Bearer {answer['token']}"

    async def get(self, path: str, **query: Any) -> Any:
        response = await self.http.get(f"{API}{path}", params=query)
        return _checked(response).json()

    async def post(self, path: str, body: object = None) -> Any:
        return await self._send("POST", path, body)

    async def put(self, path: str, body: object) -> Any:
        return await self._send("PUT", path, body)

    async def _send(self, method: str, path: str, body: object) -> Any:
        content = {"json": body} if body is not None else {}
        response = _checked(await self.http.request(method, f"{API}{path}", **content))  # type: ignore[arg-type]
        return response.json() if response.content else None


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_error:
        asked = f"{response.request.method} {response.request.url.path}"
        raise StepFailed(f"{asked} answered {response.status_code}: {response.text[:400]}")
    return response


class Candidates:
    """The process in which the candidates sit: orders go in, answers come out."""

    def __init__(self, base: str, count: int, clips: str | None) -> None:
        self._arguments = [base, str(count), *([clips] if clips else [])]
        self._waiting: dict[tuple[str, int], asyncio.Future[Answer]] = {}

    async def __aenter__(self) -> Self:
        self._ready: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting["ready", -1] = self._ready
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "vigil.demo.candidates", *self._arguments,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 10)
        except TimeoutError:
            self._process.kill()
        self._reading.cancel()

    async def ready(self) -> None:
        """Until the pictures are made."""
        await asyncio.wait_for(asyncio.shield(self._ready), 60)

    async def tell(self, do: Deed, candidate: int, link: str = "") -> Answer:
        """Has one candidate do something. Raises `StepFailed` with what went wrong."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[do, candidate] = future
        assert self._process.stdin
        self._process.stdin.write(msgspec.json.encode(Order(do=do, candidate=candidate, link=link)) + b"\n")
        answer = await asyncio.wait_for(future, 60)
        if not answer.ok:
            raise StepFailed(f"candidate {candidate + 1} could not {do}: {answer.error}")
        return answer

    async def all(self, do: Deed, links: Sequence[str] | int) -> list[Answer]:
        """Has all of them do something at once."""
        each = list(links) if not isinstance(links, int) else [""] * links
        return list(await asyncio.gather(*(self.tell(do, n, link) for n, link in enumerate(each))))

    async def _read(self) -> None:
        assert self._process.stdout
        while line := await self._process.stdout.readline():
            answer = msgspec.json.decode(line, type=Answer)
            future = self._waiting.pop((answer.do, answer.candidate), None)
            if future and not future.done():
                future.set_result(answer)
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(StepFailed("the candidates' process ended"))
