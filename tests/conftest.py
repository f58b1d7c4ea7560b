"""Real servers for the tests: one PostgreSQL and one NATS for the whole run, in a home of their own."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.seaweed import Seaweed, seaweed
from vigil import embedded
from vigil.embedded.place import remove
from vigil.migrate import migrate
from vigil.settings import Settings, load

pytest_plugins = ("tests.parallel",)

hypothesis.settings.register_profile("ci", derandomize=True)  # where a chance find would stop somebody else's work
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")

for name in [name for name in os.environ if name.startswith("VIGIL_") and name != "VIGIL_HOME"]:
    del os.environ[name]  # whoever runs the tests may have an installation; of its home only the weights are used


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Servers]:
    """PostgreSQL (which does not wait for the disk) and NATS, for the whole run."""
    home = tmp_path_factory.mktemp("home")
    with embedded.servers(home, durable=False) as running:
        yield running
    remove(home)


@pytest.fixture(scope="session")
def new_database(servers: embedded.Servers) -> Callable[[], str]:
    """Makes migrated databases: the first is migrated, the others are copies of it. Returns the owner's URL of each."""
    numbers = itertools.count(1)
    template = make_conninfo(servers.database_url, dbname="template_vigil")
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE template_vigil")
    asyncio.run(migrate(template))

    def make() -> str:
        name = f"test_{next(numbers)}"
        with psycopg.connect(servers.database_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template_vigil STRATEGY FILE_COPY")  # and no WAL
        return make_conninfo(servers.database_url, dbname=name)

    return make


@pytest.fixture
def database(new_database: Callable[[], str], servers: embedded.Servers) -> Iterator[str]:
    """The owner's URL of a fresh, migrated database. For another role: `vigil.settings.as_role(database, "app")`."""
    url = new_database()
    yield url
    with psycopg.connect(servers.database_url, autocommit=True) as connection:  # a thousand of them would fill the disk
        connection.execute(f"DROP DATABASE {conninfo_to_dict(url)['dbname']} WITH (FORCE)")


@pytest.fixture(scope="session")
def nats_url(servers: embedded.Servers) -> str:
    """The URL of the NATS server that all tests share."""
    return servers.nats_url


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    """The S3 server that all tests share, which nobody kills."""
    with seaweed(tmp_path_factory.mktemp("weed")) as server:
        yield server


@pytest.fixture
def settings(servers: embedded.Servers, database: str, tmp_path: Path) -> Settings:
    """Settings of an installation with a database and a folder of objects of its own."""
    given = {"VIGIL_OBJECTS_URL": (tmp_path / "objects").as_uri(), "VIGIL_DATABASE_URL": database}
    return load({**servers.environment(), **given})
