"""The command line: it helps, and what somebody can put right is said in one line."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from tests.e2e.installation import free_port
from vigil import embedded, roles
from vigil.cli import cli
from vigil.roles import ROLES
from vigil.secret import make_secret
from vigil.settings import Settings, SettingsError
from vigil.wiring import NotRunning

NOWHERE = {"VIGIL_DATABASE_URL": "postgresql://somebody@127.0.0.1:1/x", "VIGIL_NATS_URL": "nats://127.0.0.1:1"}


def vigil(home: Path, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Exit code, output and errors of the command, in a home and at a port of its own."""
    own = {"VIGIL_HOME": str(home), "VIGIL_PORT": str(free_port())}
    made = subprocess.run(
        [sys.executable, "-m", "vigil", *arguments], env={**os.environ, **own, **environment},
        capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return made.returncode, made.stdout, made.stderr


def one_line(errors: str) -> str:
    assert "Traceback" not in errors, errors
    said = [line for line in errors.splitlines() if not line.startswith(("Usage:", "Try ")) and line]
    assert len(said) == 1, errors
    return said[0]


def commands(group: click.Group, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name, command in group.commands.items():
        found.append((*above, name))
        if isinstance(command, click.Group):
            found += commands(command, (*above, name))
    return found


@pytest.mark.parametrize("name", [(), *commands(cli)], ids=" ".join)
def test_every_command_helps(name: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, [*name, "--help"])
    assert result.exit_code == 0
    assert result.output.startswith("Usage:")


def test_the_command_runs_as_a_module_and_says_its_version(tmp_path: Path) -> None:
    code, said, _ = vigil(tmp_path, "--version")
    assert code == 0
    assert "version" in said


def test_a_role_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    code, _, errors = vigil(tmp_path, "run", "serve", "sleep")
    assert code == 2
    said = one_line(errors)
    assert "'sleep'" in said
    assert all(role in said for role in ROLES)


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["run"], {"VIGIL_PORT": "many"}, "VIGIL_PORT: expected a port"),
        (["run"], {"VIGIL_NATS_URL": "nats://127.0.0.1:1"}, "VIGIL_DATABASE_URL: expected"),
        (["replay", "s1"], {}, "no servers run here"),
        (["run", "serve"], {}, "no servers run here"),
        (["export", "s1", "somewhere"], {}, "no servers run here"),
        (["migrate"], {}, "no servers run here"),
        (["migrate"], NOWHERE, "the database:"),
        (["run"], NOWHERE, "VIGIL_SECRET_FILE: expected"),
        (["rebuild", "everything"], {}, "there is no model 'everything'"),
        (["verify", "/nowhere"], {}, "'/nowhere' does not exist"),
        (["user", "add", "a@example.org", "--name", "A", "--role", "king", "--password", "x"], {}, "the roles are"),
        (["token", "add", "Moodle", "--role", "king"], {}, "the roles are"),
        (["token", "add", "Moodle", "--role", "planner"], {}, "no servers run here"),
        (["archive", "--before", "2026-01-01", "somewhere"], {}, "no servers run here"),
        (["archive", "somewhere"], {}, "give a schedule or --before"),
        (["archive", "restore", "nothing"], {}, "no servers run here"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_in_one_line(
    tmp_path: Path, arguments: list[str], environment: Mapping[str, str], said: str
) -> None:
    code, _, errors = vigil(tmp_path, *arguments, **environment)
    assert code != 0
    assert said in one_line(errors)


def test_a_database_that_is_away_is_said_in_one_line(tmp_path: Path) -> None:
    files = {"VIGIL_SECRET_FILE": tmp_path / "master", "VIGIL_SIGNING_KEY_FILE": tmp_path / "seed"}
    for path in files.values():
        make_secret(path)
    code, _, errors = vigil(tmp_path, "run", **NOWHERE, **{name: str(path) for name, path in files.items()})
    assert code == 1
    assert "the database:" in one_line(errors)


def test_a_home_in_use_is_said_in_one_line(servers: embedded.Servers) -> None:
    code, _, errors = vigil(servers.home, "run")
    assert code == 1
    assert "another process runs the servers" in one_line(errors)


async def test_a_port_in_use_is_said_before_anything_starts(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roles, "PORT_S", 0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(NotRunning, match=f"port {port} .* or set VIGIL_PORT"):
            await roles._all(replace(settings, port=port), None)


async def test_a_secret_that_is_missing_is_said_before_anything_starts(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="VIGIL_SECRET_FILE"):
        await roles._all(replace(settings, port=free_port(), secret_file=tmp_path / "none"), None)
