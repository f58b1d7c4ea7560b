"""The command `vigil`."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TypeVar

import click
import psycopg
import uvloop

from commands.ledger import LedgerAway
from vigil.cli_accounts import token, user
from vigil.cli_archive import archive
from vigil.embedded import HomeInUse, ServerFailed
from vigil.migrate import MigrationRefused
from vigil.settings import Settings, SettingsError, load
from vigil.wiring import NotRunning, attached


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vigil")
@click.pass_context
def cli(context: click.Context) -> None:
    """Live exam proctoring that an institution runs itself and can prove afterwards."""
    context.obj = load()


@cli.command()
@click.option("--once", is_flag=True, help="End after the story; exit code 0 only if every step held.")
@click.option("--candidates", default=3, show_default=True, type=click.IntRange(2, 50), help="How many sit the exam.")
@click.option(
    "--clips", type=click.Path(path_type=Path, exists=True, file_okay=False), help="A folder of webcam clips."
)
@click.pass_obj
def demo(settings: Settings, once: bool, candidates: int, clips: Path | None) -> None:
    """Play an exam from scheduling to the verified export, on real servers."""
    from vigil.demo import play

    sys.exit(play(settings, once=once, candidates=candidates, clips=clips))


@cli.command()
@click.argument("roles", nargs=-1)
@click.pass_obj
def run(settings: Settings, roles: tuple[str, ...]) -> None:
    """Run everything; or, with ROLES named, just these in this process (serve, media, upload, frames, detect, ...)."""
    from vigil.roles import run_all, run_here

    if roles:
        _run(lambda: run_here(settings, roles))
    else:
        sys.exit(run_all(settings))


@cli.command()
@click.pass_obj
def migrate(settings: Settings) -> None:
    """Bring the database to this version's schema."""
    from vigil.migrate import migrate as apply

    for name in _run(lambda: apply(attached(settings).database_url)):
        click.echo(f"applied {name}")


@cli.command()
@click.argument("model")
@click.pass_obj
def rebuild(settings: Settings, model: str) -> None:
    """Build a read model (or `all`) afresh beside the live one, and switch.

    Everybody works on meanwhile. A rebuild that is stopped leaves what people read as it was; call it again.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    from vigil.mending import rebuild as build

    shown = ("{task.description}", BarColumn(), MofNCompleteColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*shown, transient=True) as bar:
        task = bar.add_task("position", total=None)
        _answer(_run(lambda: build(settings, model, lambda at, head: bar.update(task, completed=at, total=head))))


@cli.group()
def poison() -> None:
    """Rows of the read models that could not take an event, and wait for a fix."""


@poison.command("list")
@click.pass_obj
def poison_list(settings: Settings) -> None:
    """List the rows that wait: since which event, and why."""
    from vigil.mending import list_poison

    _answer(_run(lambda: list_poison(settings)))


@poison.command("retry")
@click.argument("model", default="all")
@click.pass_obj
def poison_retry(settings: Settings, model: str) -> None:
    """Fold the rows that wait again, after a fix; of MODEL, or all. The exit code is 1 while some still wait."""
    from vigil.mending import retry_poison

    _answer(_run(lambda: retry_poison(settings, model)))


@cli.command()
@click.argument("session")
@click.option("--as-of", help="A time (2026-06-01T09:42:07+02:00) or a position of the ledger.")
@click.option("--speed", type=float, help="Play in time, so many times as fast as it happened.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--tenant", default="main", show_default=True)
@click.pass_obj
def replay(
    settings: Settings, session: str, as_of: str | None, speed: float | None, as_json: bool, tenant: str
) -> None:
    """Replay a session from its stream: every event in order, and the state that they lead to."""
    from vigil.replay import replay as play

    _run(lambda: play(settings, session, tenant=tenant, as_of=as_of, speed=speed, as_json=as_json, write=click.echo))


@cli.command()
@click.argument("session")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--tenant", default="main", show_default=True)
@click.pass_obj
def export(settings: Settings, session: str, folder: Path, tenant: str) -> None:
    """Write a session's record, with its proofs and media, to a new FOLDER. It is noted on the record."""
    from vigil.exports import write

    click.echo(_run(lambda: write(settings, tenant, session, folder)))


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--key", help="The fingerprint of the signing key that you were given by somebody you trust.")
@click.option(
    "--outside", multiple=True, type=click.Path(exists=True, dir_okay=False),
    help="A checkpoint or receipt that somebody keeps, or a consistency proof. Several times.",
)  # fmt: skip
def verify(folder: Path, key: str | None, outside: tuple[str, ...]) -> None:
    """Check an export offline: every event, proof, segment and seal."""
    from vigil.verify import main as check

    held = [part for path in outside for part in ("--outside", path)]
    sys.exit(check([str(folder), *([] if key is None else ["--key", key]), *held]))


@cli.command()
@click.option("--until", help="A date, such as 2027-01-31; else as of now.")
@click.option("--tenant", default="main", show_default=True)
@click.pass_obj
def retention(settings: Settings, until: str | None, tenant: str) -> None:
    """Tell what will have gone by a day because its time is over, and what a hold keeps. Nothing is changed."""
    from vigil.retention import day, preview

    at = None if until is None else day(until)
    for line in _run(lambda: preview(settings, at, tenant)):
        click.echo(line)


@cli.group()
def notary() -> None:
    """The tree over all events, and its signed checkpoints."""


@notary.command("check")
@click.argument("held", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.pass_obj
def notary_check(settings: Settings, held: tuple[Path, ...]) -> None:
    """Compare the whole ledger with its checkpoints, and name the first difference.

    HELD are checkpoints or receipts that somebody keeps outside, as files or folders of them.
    """
    from rich.progress import Progress

    from vigil.witnessing import check_ledger

    with Progress(transient=True) as bar:
        task = bar.add_task("events", total=None)
        found = _run(
            lambda: check_ledger(settings, held, lambda done, all_: bar.update(task, completed=done, total=all_))
        )
    click.echo(found)


@cli.command()
@click.option("--tenant", default="main", show_default=True)
@click.pass_obj
def detectors(settings: Settings, tenant: str) -> None:
    """List what can be pointed out, what runs, what is off, and how often people confirm it, by rule and weights."""
    from vigil.registered import table

    click.echo(_run(lambda: table(settings, tenant=tenant)))


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--tenant", default="main", show_default=True)
@click.pass_obj
def compliance(settings: Settings, folder: Path, tenant: str) -> None:
    """Write to FOLDER what a data-protection officer asks of this installation, as it is set up now."""
    from vigil.compliance import write

    click.echo(_run(lambda: write(settings, tenant, folder)))


@cli.command()
@click.pass_obj
def doctor(settings: Settings) -> None:
    """Say what this installation has, and what it lacks."""
    from vigil.doctor import report

    sys.exit(_run(lambda: report(settings, click.echo)))


cli.add_command(user)
cli.add_command(token)
cli.add_command(archive)


def main() -> None:
    """Runs the command line. What an operator can put right is said in words, not with a stack trace."""
    logging.basicConfig(
        level=os.environ.get("VIGIL_LOG", "INFO").upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for chatty in ("aioice", "aiortc", "uvicorn", "botocore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        cli()
    except (SettingsError, NotRunning, HomeInUse, ServerFailed, MigrationRefused, LedgerAway) as error:
        raise SystemExit(f"vigil: {error}") from error
    except psycopg.OperationalError as error:
        said = str(error).splitlines() or [type(error).__name__]
        raise SystemExit(f"vigil: the database: {said[0]}") from error


def _answer(answer: tuple[list[str], bool]) -> None:
    lines, well = answer
    for line in lines:
        click.echo(line)
    if not well:
        sys.exit(1)


T = TypeVar("T")


def _run(work: Callable[[], Coroutine[object, object, T]]) -> T:
    return uvloop.run(work())
