"""The certificate of a request as a page to print, for who answers it. Times are UTC; nobody's words are on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from litestar import Response, get
from litestar.params import FromPath

from api.callers import may
from api.certificate import Certificate, Certified, certified
from api.ordering import AnyRequest
from api.printed import paragraph, printed, section
from api.requests import OFFICER
from api.schema import says
from api.subjects import WHAT
from domain.grounds import GROUNDS


@get(
    "/requests/{data_request:str}/certificate.html", guards=[may(OFFICER)], media_type="text/html", opt=says(409)
)  # fmt: skip
async def read_page(request: AnyRequest, data_request: FromPath[str]) -> Response[str]:
    """The certificate to read and to print."""
    return page(await certified(request, data_request))


def page(told: Certificate) -> Response[str]:
    parts = [_request(told), _standing(told)]
    for one in told.sessions:
        parts += _session(one)
    remains = section("What remains, of each session", ("What",), [(one,) for one in told.remains])
    return printed(f"Certificate of request {told.request.request}", *parts, remains, _copies(told))


def _request(told: Certificate) -> str:
    asked, people = told.request, told.people
    both = ", ".join(_who(people, one) for one in asked.executed_by)
    ground = f"{GROUNDS[asked.ground]} (GDPR, article {asked.ground})" if asked.ground else ""
    rows = [
        ("Kind", _words(asked.kind)), ("About", asked.subject),
        ("Received", f"{_at(asked.received_at)}, {_who(people, asked.received_by)}"),
        ("Identity checked by", _words(asked.proof or "")),
        ("Granted", f"{_at(asked.decided_at)}, {_who(people, asked.decided_by)}"), ("Not granted for the rest", ground),
        ("Executed", f"{_at(asked.executed_at)}, {both}"), ("Answered", _at(asked.answered_at)),
    ]  # fmt: skip
    return section("The request", (), [row for row in rows if row[1]])


def _standing(told: Certificate) -> str:
    said = "Nothing is held back, and all that was erased is gone." if told.final else (
        "This is not final: something is held back, or still being erased."
    )  # fmt: skip
    return paragraph(f"{said} As of {_at(told.as_of)} UTC, position {told.position} of the ledger.")


def _session(one: Certified) -> Iterator[str]:
    state = "It is restricted: only those look at it who need it for what it is held for." if one.restricted else ""
    erased = [(gone.what, _at(gone.erased_at), _at(gone.gone_at) or "still being done") for gone in one.erased]
    yield section(f"{one.title}: session {one.session}", ("Erased", "Decided", "Gone since"), erased, state)
    held = [
        (back.what, _words(hold.why), _at(hold.until) or "until it is lifted")
        for back in one.held for _, hold in sorted(back.holds.items())
    ]  # fmt: skip
    yield section("Held back", ("What", "Because of", "Until"), held)
    yield section("Kept, as nobody has asked to erase it", ("What",), [(WHAT[kept],) for kept in one.kept])
    given = [(to.name or to.by, _at(to.at), to.export, "the person" if to.request else "") for to in one.recipients]
    yield section("Who was given an export", ("Who", "When", "Export", "For"), given)
    rows = [(left.stream, _counts(left.events)) for left in one.remains]
    yield section("Events that remain", ("Stream", "Events"), rows)


def _copies(told: Certificate) -> str:
    until = _at(told.keys_in_backups_until)
    said = f"The last copy of the keys expires at {until} UTC." if until else (
        "When the last copy of the keys expires is not known: this is not final yet, or the operator has not said for"
        " how long copies are kept."
    )  # fmt: skip
    return section("Copies of the keys", (), [(said,)])


def _counts(events: Mapping[str, int]) -> str:
    return ", ".join(f"{tag} {many}" for tag, many in events.items())


def _who(people: Mapping[str, str | None], user: str) -> str:
    return people.get(user) or user


def _at(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if at else ""


def _words(name: str) -> str:
    return name.replace("_", " ")


HANDLERS = (read_page,)
