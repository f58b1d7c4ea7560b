"""`vigil rebuild` and `vigil poison`: read models built afresh while everything runs, and rows that wait for a fix."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from projections import poison
from projections.connection import connect
from projections.model import AnyModel, NotAtHand
from projections.models import MODELS
from projections.rebuild import NewerVersion, rebuild_all
from projections.switch import Tell
from vigil.settings import Settings
from vigil.shelf import decoder, unreachable
from vigil.wiring import attached, core

ALL = "all"
NOT_REBUILT = (
    "nothing is rebuilt: rows would be lost that rest on archived events, and these bundles cannot be reached;"
    " put them back where they were, or bring them back with: vigil archive restore BUNDLE"
)


class Answer(NamedTuple):
    """What to tell the operator, a line each, and whether everything is as it was asked for."""

    lines: list[str]
    well: bool


def named(name: str) -> tuple[AnyModel, ...]:
    """The model of that name, or all. Raises `SystemExit` when there is none."""
    models = {model.name: model for model in MODELS}
    if name == ALL:
        return MODELS
    if name not in models:
        raise SystemExit(f"there is no model {name!r}; the models are {', '.join(models)}, or all of them: {ALL}")
    return (models[name],)


async def rebuild(settings: Settings, name: str, tell: Tell) -> Answer:
    """Builds a model afresh, or all, beside what people read, and switches. `tell` hears how far it is."""
    models = named(name)
    settings = attached(settings)
    async with core(settings, "rebuild") as here:
        async with here.pool.connection() as conn:
            if lines := await unreachable(conn):
                return Answer([NOT_REBUILT, *lines], False)
        decode = decoder(here.keys, here.pool)
        try:
            answers = await rebuild_all(settings.database_url_for("project"), decode, models, tell)
        except NotAtHand as missing:
            return Answer([NOT_REBUILT, str(missing)], False)
    said = [_built(model, answers[model]) for model in sorted(answers)]
    return Answer(said, not any(isinstance(answer, Exception) for answer in answers.values()))


async def list_poison(settings: Settings) -> Answer:
    """The rows that wait for a fix, of every model and tenant."""
    async with await connect(attached(settings).database_url_for("project")) as conn:
        found = await poison.waiting(conn, MODELS)
    return Answer(_table(found) or ["nothing waits for a fix"], True)


async def retry_poison(settings: Settings, name: str) -> Answer:
    """Folds what waits again, with the code of this program, and says what still cannot be folded."""
    models = named(name)
    settings = attached(settings)
    async with core(settings, "poison") as here, await connect(settings.database_url_for("project")) as conn:
        try:
            mended, still = await poison.retry(conn, decoder(here.keys, here.pool), models)
        except NotAtHand as missing:
            return Answer([f"not all rows could be tried again, for want of what is archived: {missing}"], False)
    well = f"{mended} {'row is' if mended == 1 else 'rows are'} up to date again"
    said = f"{well}, {len(still)} still {'waits' if len(still) == 1 else 'wait'}"
    return Answer([said, *_table(still), *_advice(still)], not still)


def _built(name: str, answer: int | Exception) -> str:
    if isinstance(answer, NewerVersion):
        return str(answer)
    if isinstance(answer, Exception):  # its message may hold somebody's words
        return f"{name} stays as it was: {type(answer).__name__}; see the log"
    return f"{name} was built afresh, up to position {answer}"


def _table(found: Iterable[poison.Waiting]) -> list[str]:
    """A heading and a line for each, in columns."""
    rows = [
        (
            one.model,
            one.key,
            str(one.position),
            one.tag or "the row itself",
            f"{one.since:%Y-%m-%d %H:%M} UTC",
            one.error,
        )
        for one in found
    ]
    if not rows:
        return []
    table = [("model", "row", "position", "event", "since", "error"), *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in table]


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _advice(still: Collection[poison.Waiting]) -> list[str]:
    versions = {model.name: model.version for model in MODELS}
    other = sorted({one.model for one in still if one.version != versions[one.model]})
    return [f"{model} was built by another version of Vigil: vigil rebuild {model}" for model in other]
