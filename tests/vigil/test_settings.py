"""Settings come from the environment; a mistake names the variable and what was expected, never the value."""

from __future__ import annotations

import stat
from base64 import b64encode
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.e2e.installation import free_port
from vigil import roles
from vigil.door import services
from vigil.embedded import Servers
from vigil.exports import ExportJobs
from vigil.migrate import MigrationRefused, migrate
from vigil.roles import _environment
from vigil.secret import make_secret
from vigil.settings import Role, Settings, SettingsError, as_role, load
from vigil.wiring import core

ROLES: tuple[Role, ...] = ("app", "project", "keys", "notary")

SERVERS = {
    "VIGIL_DATABASE_URL": "postgresql://owner:hush@db.example/exams?sslmode=require",
    "VIGIL_NATS_URL": "nats://hush@mq.example:4222",
}


def test_nothing_set_means_embedded_servers_under_the_users_home() -> None:
    settings = load({})
    assert settings.embedded
    assert settings.home == Path.home() / ".vigil"
    assert settings.objects_url == (Path.home() / ".vigil" / "objects").as_uri()
    assert settings.public_url == "http://localhost:8000"


def test_everything_can_be_set(tmp_path: Path) -> None:
    settings = load({
        **SERVERS, "VIGIL_HOME": str(tmp_path), "VIGIL_OBJECTS_URL": "s3://bucket/prefix/", "VIGIL_PORT": "8443",
        "VIGIL_HOST": "0.0.0.0", "VIGIL_MEDIA_IP": "192.0.2.7", "VIGIL_MEDIA_PORT": "40000-40007",
        "VIGIL_PUBLIC_URL": "https://exams.example.org/", "VIGIL_WEIGHTS": "yolo26n.pt",
        "VIGIL_SOURCE_URL": "https://git.example.org/ours/vigil", "VIGIL_TURN_SECRET": "north",
        "VIGIL_ICE_SERVERS": "stun:stun.example.org, turns:turn.example.org:443",
        "VIGIL_WITNESS_FOLDER": str(tmp_path), "VIGIL_WITNESS_URL": "https://witness.example.org/notes",
        "VIGIL_DETECT_PROCESSES": "2", "VIGIL_DETECT_SHARE": "3/4",
        "VIGIL_TIMESTAMP_URL": "http://tsa.example.org", "VIGIL_EARLIER_KEYS": b64encode(bytes(32)).decode(),
    })  # fmt: skip
    assert (settings.detect_processes, settings.detect_share) == (2, (3, 4))
    assert (settings.witness_folder, settings.earlier_keys) == (tmp_path, (bytes(32),))
    assert settings.witness_url == "https://witness.example.org/notes"
    assert settings.timestamp_url == "http://tsa.example.org"
    assert not settings.embedded
    assert (settings.home, settings.host, settings.port) == (tmp_path, "0.0.0.0", 8443)
    assert (settings.media_ip, settings.media_port) == ("192.0.2.7", (40000, 40007))
    assert (settings.objects_url, settings.public_url) == ("s3://bucket/prefix", "https://exams.example.org")
    assert settings.ice_servers == ("stun:stun.example.org", "turns:turn.example.org:443")
    assert settings.turn_secret == "north"
    assert (settings.weights, settings.source_url) == ("yolo26n.pt", "https://git.example.org/ours/vigil")


async def test_whoever_changed_vigil_has_the_pages_name_their_own_source(settings: Settings) -> None:
    async with core(replace(settings, source_url="https://git.example.org/ours/vigil"), "serve") as here:
        assert services(here, ExportJobs(here)).source_url == "https://git.example.org/ours/vigil"


def test_the_public_url_follows_the_port() -> None:
    assert load({"VIGIL_PORT": "9000"}).public_url == "http://localhost:9000"


@pytest.mark.parametrize(
    ("public", "listens"),
    [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("192.0.2.7", "0.0.0.0"), ("2001:db8::7", "::")],
)
def test_media_is_listened_to_where_its_public_address_leads(public: str, listens: str) -> None:
    assert load({"VIGIL_MEDIA_IP": public}).media_bind == listens
    assert load({"VIGIL_MEDIA_IP": public, "VIGIL_MEDIA_BIND": "10.0.0.7"}).media_bind == "10.0.0.7"


def test_one_media_port_is_a_range_of_one() -> None:
    assert load({"VIGIL_MEDIA_PORT": "40000"}).media_port == (40000, 40000)
    assert load({}).media_port == (0, 0)


def test_each_media_process_needs_a_port() -> None:
    assert load({"VIGIL_MEDIA_PORT": "40000-40003", "VIGIL_MEDIA_PROCESSES": "4"}).media_processes == 4
    assert load({"VIGIL_MEDIA_PROCESSES": "4"}).media_port == (0, 0)
    with pytest.raises(SettingsError, match="VIGIL_MEDIA_PORT: expected 4 ports or more, such as 40000-40003, because"):
        load({"VIGIL_MEDIA_PORT": "40000", "VIGIL_MEDIA_PROCESSES": "4"})


def test_a_role_takes_its_own_url_or_the_owners_with_its_name() -> None:
    settings = load({**SERVERS, "VIGIL_DATABASE_URL_KEYS": "postgresql://k:other@db.example/exams"})
    assert conninfo_to_dict(settings.database_url_for("app")) == {
        "user": "vigil_app", "password": "hush", "host": "db.example", "dbname": "exams", "sslmode": "require",
    }  # fmt: skip
    assert settings.database_url_for("keys") == "postgresql://k:other@db.example/exams"


def test_a_secret_can_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(SERVERS["VIGIL_DATABASE_URL"] + "\n")
    given = {"VIGIL_DATABASE_URL_FILE": str(tmp_path / "url"), "VIGIL_NATS_URL": SERVERS["VIGIL_NATS_URL"]}
    assert load(given).database_url == SERVERS["VIGIL_DATABASE_URL"]
    with pytest.raises(SettingsError, match="only one of VIGIL_DATABASE_URL and VIGIL_DATABASE_URL_FILE"):
        load({**given, **SERVERS})
    with pytest.raises(SettingsError, match="VIGIL_DATABASE_URL_FILE: expected a file"):
        load({"VIGIL_DATABASE_URL_FILE": str(tmp_path / "absent")})


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("PORT", "hush", "a port from 1 to 65535"),
        ("PORT", "0", "a port from 1 to 65535"),
        ("WITNESS_FOLDER", "/nowhere/hush", "the path of a folder that is there"),
        ("WITNESS_URL", "hush", "a URL such as"),
        ("TIMESTAMP_URL", "ftp://hush", "a time-stamping authority"),
        ("EARLIER_KEYS", "hush", "Ed25519 public keys, 32 bytes each in base64"),
        ("MEDIA_PROCESSES", "0", "a number from 1 to 64"),
        ("DETECT_SHARE", "3/2", "one of how many, such as 2/4"),
        ("DETECT_SHARE", "hush", "one of how many, such as 2/4"),
        ("MEDIA_PORT", "70000", "a port from 0 to 65535"),
        ("MEDIA_PORT", "40007-40000", "from one to another such as 40000-40007"),
        ("MEDIA_PORT", "0-40000", "from one to another such as 40000-40007"),
        ("MEDIA_IP", "hush.example", "an IP address"),
        ("MEDIA_IP", "0.0.0.0", "an IP address that browsers can send to"),
        ("MEDIA_BIND", "hush", "an IP address"),
        ("ICE_SERVERS", "hush.example:3478", "turn:host:port?transport=udp"),
        ("ICE_SERVERS", "stun:stun.example.org,,turn:hush", "separated by commas"),
        ("DATABASE_URL", "mysql:hush", "a PostgreSQL URL"),
        ("DATABASE_URL_APP", "hush", "a PostgreSQL URL"),
        ("NATS_URL", "http://hush", "nats://token@host:4222"),
        ("OBJECTS_URL", "/hush", "s3://bucket/prefix or file:///folder"),
        ("OBJECTS_URL", "s3:///hush", "s3://bucket/prefix or file:///folder"),
        ("OBJECTS_URL", "s3://hush?lock=governance", "lock= and days="),
        ("OBJECTS_URL", "s3://hush?password=hush", "endpoint=, region="),
        ("OBJECTS_URL", "file://hush/objects", "s3://bucket/prefix or file:///folder"),
        ("PUBLIC_URL", "hush.example", "a URL such as https://exams.example.org"),
        ("SOURCE_URL", "javascript:hush", "a URL such as https://git.example.org/vigil"),
    ],
)
def test_a_mistake_is_named_without_its_value(variable: str, value: str, expected: str) -> None:
    with pytest.raises(SettingsError) as error:
        load({f"VIGIL_{variable}": value})
    assert str(error.value).startswith(f"VIGIL_{variable}: expected ")
    assert expected in str(error.value)
    assert "hush" not in str(error.value)


def test_a_turn_server_needs_its_secret_which_can_stand_in_a_file(tmp_path: Path) -> None:
    given = {"VIGIL_ICE_SERVERS": "stun:stun.example.org,turn:turn.example.org"}
    with pytest.raises(SettingsError, match="VIGIL_TURN_SECRET: expected, because VIGIL_ICE_SERVERS names a TURN"):
        load(given)
    (tmp_path / "turn").write_text("north\n")
    assert load({**given, "VIGIL_TURN_SECRET_FILE": str(tmp_path / "turn")}).turn_secret == "north"
    assert load({"VIGIL_ICE_SERVERS": "stun:stun.example.org"}).turn_secret == ""


@pytest.mark.parametrize(("present", "missing"), [("DATABASE", "NATS"), ("NATS", "DATABASE")])
def test_one_server_alone_is_refused(present: str, missing: str) -> None:
    name = f"VIGIL_{present}_URL"
    with pytest.raises(SettingsError, match=f"VIGIL_{missing}_URL: expected, because {name} is set"):
        load({name: SERVERS[name]})


@pytest.mark.parametrize("text", [b64encode(bytes(range(32))).decode() + "\n", bytes(range(32)).hex()])
def test_the_master_secret_is_32_bytes_in_base64_or_hexadecimal(tmp_path: Path, text: str) -> None:
    (tmp_path / "secret").write_text(text)
    assert load({"VIGIL_SECRET_FILE": str(tmp_path / "secret")}).master_secret() == bytes(range(32))


@pytest.mark.parametrize("text", ["", "hush", "zz" * 32, b64encode(bytes(31)).decode()])
def test_a_bad_secret_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    (tmp_path / "secret").write_text(text)
    with pytest.raises(SettingsError, match="VIGIL_SECRET_FILE: expected a file with 32 bytes") as error:
        load({"VIGIL_SECRET_FILE": str(tmp_path / "secret")}).master_secret()
    assert "hush" not in str(error.value)


def test_a_secret_that_is_gone_is_never_replaced_by_another(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="VIGIL_SECRET_FILE: expected a file that can be read"):
        load({"VIGIL_HOME": str(tmp_path)}).master_secret()
    assert list(tmp_path.iterdir()) == []


def test_processes_that_start_together_make_one_secret(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret"
    with ThreadPoolExecutor(8) as threads:
        for made in [threads.submit(make_secret, path) for _ in range(8)]:
            made.result()
    assert len(load({"VIGIL_SECRET_FILE": str(path)}).master_secret()) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_process_needs_the_urls_of_the_roles_only_and_not_the_owners() -> None:
    urls = {
        f"VIGIL_DATABASE_URL_{role}": f"postgresql://vigil_{role.lower()}@db/vigil"
        for role in ("APP", "PROJECT", "KEYS", "NOTARY")
    }
    settings = load({"VIGIL_HOME": "/home", "VIGIL_NATS_URL": "nats://t@host:4222", "VIGIL_DATABASE_URL": "", **urls})
    assert not settings.embedded
    assert settings.database_url == ""
    assert settings.database_url_for("keys") == "postgresql://vigil_keys@db/vigil"


def test_what_vigil_starts_is_never_given_the_owners_url(settings: Settings) -> None:
    child = load(_environment(settings))
    assert child.database_url == ""
    assert "vigil_owner" not in "".join(child.database_url_for(role) for role in ROLES)


def test_a_setting_that_was_read_from_a_file_is_not_read_again_by_what_vigil_starts(
    settings: Settings, tmp_path: Path
) -> None:
    files = {}
    for name in ("home", "nats_url", "objects_url", "database_url", "database_url_keys"):
        (tmp_path / name).write_text(str(getattr(settings, name)) or settings.database_url_for("keys"))
        files[f"VIGIL_{name.upper()}_FILE"] = str(tmp_path / name)
    ours = load(files)
    child = load({**files, **_environment(ours)})
    assert child.database_url == ""
    assert [child.database_url_for(role) for role in ROLES] == [ours.database_url_for(role) for role in ROLES]
    assert (child.home, child.nats_url, child.objects_url) == (ours.home, ours.nats_url, ours.objects_url)


def test_the_embedded_servers_hold_against_a_setting_in_a_file(servers: Servers, tmp_path: Path) -> None:
    (tmp_path / "home").write_text(str(servers.home))
    files = {"VIGIL_HOME_FILE": str(tmp_path / "home")}
    assert load({**files, **servers.environment()}).home == servers.home


async def test_without_the_owners_url_nothing_is_migrated_and_what_is_pending_is_said(
    settings: Settings, servers: Servers
) -> None:
    ran: list[Settings] = []

    async def body(running: Settings) -> int:
        ran.append(running)
        return 0

    @asynccontextmanager
    async def nobody(*_: object) -> AsyncIterator[None]:
        yield

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(roles, "running", nobody)
        patch.setenv("PGHOST", "/nowhere")  # what libpq would take by itself
        ready = replace(_roles_only(settings), port=free_port())
        assert await roles._all(ready, body) == 0
        with psycopg.connect(servers.database_url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE not_migrated")
        empty = make_conninfo(settings.database_url, dbname="not_migrated")
        with pytest.raises(
            MigrationRefused, match=r"lacks 0001_roles\.sql.* run `vigil migrate` with VIGIL_DATABASE_URL"
        ):
            await roles._all(_roles_only(replace(ready, database_url=empty)), body)
    assert len(ran) == 1


async def test_migrating_needs_the_owners_url() -> None:
    with pytest.raises(MigrationRefused, match="VIGIL_DATABASE_URL: expected"):
        await migrate("")


def _roles_only(settings: Settings) -> Settings:
    """The same, as somebody runs it who is not given the owner's URL."""
    urls = {f"database_url_{role}": as_role(settings.database_url, role) for role in ROLES}
    return replace(settings, database_url="", **urls)
