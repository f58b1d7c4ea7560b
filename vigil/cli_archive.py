"""Of the command `vigil`: streams that leave the database for bundles, and come back."""

from __future__ import annotations

import sys

import click
import uvloop

from vigil.settings import Settings


class _Archive(click.Group):
    """What is none of its own words is what to archive: `vigil archive --before 2026-01-01 FOLDER`."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "-h", "--help"}:
            args = ["sessions", *args]
        return super().parse_args(context, args)


@click.group(cls=_Archive)
def archive() -> None:
    """Take sessions that ended long ago out of the database into verified bundles, and bring them back.

    vigil archive SCHEDULE FOLDER; vigil archive --before 2026-01-01 FOLDER
    """


@archive.command("sessions")
@click.argument("what", nargs=-1, required=True, metavar="[SCHEDULE] FOLDER")
@click.option("--before", help="A date: sessions that were over before it.")
@click.option("--dry-run", is_flag=True, help="Say what would go and what stays, and change nothing.")
@click.option("--tenant", default="main", show_default=True)
@click.pass_obj
def archive_sessions(settings: Settings, what: tuple[str, ...], before: str | None, dry_run: bool, tenant: str) -> None:
    """Archive the sessions of a SCHEDULE, or all that were over before a date, in FOLDER.

    FOLDER is a folder or an object store (s3://bucket/prefix?...). Each session's bundle is read back and checked
    before anything leaves. What is under a hold, may be appealed against, or is asked for in an open request stays, and
    is told with the reason.
    """
    from vigil.archive_desk import take
    from vigil.retention import day

    *schedules, place = what
    if len(schedules) > 1 or (not schedules and before is None):
        raise click.UsageError("give a schedule or --before, and then a folder")
    until = None if before is None else day(before)
    work = take(
        settings, place, tenant=tenant, schedule=schedules[0] if schedules else "", before=until, dry_run=dry_run,
        write=click.echo,
    )  # fmt: skip
    if not uvloop.run(work):
        sys.exit(1)


@archive.command("restore")
@click.argument("bundle")
@click.pass_obj
def archive_restore(settings: Settings, bundle: str) -> None:
    """Check a BUNDLE, a file or one that `list` names, and put the very same bytes back."""
    from vigil.archive_desk import restore

    click.echo(uvloop.run(restore(settings, bundle)))


@archive.command("list")
@click.pass_obj
def archive_list(settings: Settings) -> None:
    """List the bundles that hold what is not in the database, and those that are not where they were put."""
    from vigil.archive_desk import listed

    for line in uvloop.run(listed(settings)):
        click.echo(line)
