"""Settings: one frozen struct, read from the environment once and handed on.

Each field is the variable `VIGIL_` and its name in capitals. With `_FILE` behind it, the variable names a file to read
the value from, so that passwords need not stand in the environment.
"""

from __future__ import annotations

import ipaddress
import os
from base64 import b64decode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from commands.objects import parse_url
from domain.ice import server
from vigil.secret import SecretError, read_secret

Role = Literal["app", "project", "keys", "notary"]


class SettingsError(Exception):
    """A variable that cannot be used: its name, and what was expected. Never its value, which may be a secret."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How this installation runs. Without a database of its own the embedded servers are used: see `embedded`."""

    home: Path  # data of the embedded servers, weights, spool, keys
    database_url: str = ""  # as the owner; needed to migrate
    database_url_app: str = ""  # as each role; by default database_url with the role's name
    database_url_project: str = ""
    database_url_keys: str = ""
    database_url_notary: str = ""
    nats_url: str = ""
    objects_url: str  # s3://bucket/prefix or file:///folder; see commands/objects
    secret_file: Path  # the master secret: 32 bytes in base64 or hexadecimal
    signing_key_file: Path  # the Ed25519 seed that checkpoints and exports are signed with: 32 bytes, like the secret
    earlier_keys: tuple[bytes, ...] = ()  # public keys that signed checkpoints before the one in the file
    witness_folder: Path | None = None  # of the institution: gets a copy of checkpoints
    witness_url: str = ""  # a program of the institution: gets them by POST
    timestamp_url: str = ""  # a time-stamping authority (RFC 3161): signs their hashes with the time
    origin: str = "vigil"  # the ledger's name in its checkpoints; give each installation its own, and keep it
    source_url: str = "https://github.com/vigil-proctoring/vigil"  # linked on every page; yours, if you changed Vigil
    public_url: str  # what people type; cameras need https anywhere but on localhost
    host: str = "127.0.0.1"
    port: int = 8000
    media_ip: str = "127.0.0.1"  # the public address that candidates' browsers send media to
    media_bind: str  # where it is listened to: media_ip itself if that is this machine only, else every address
    media_port: tuple[int, int] = (0, 0)  # UDP, from and to: each media process takes the first free one; 0 any
    media_processes: int = 1  # how many `vigil run` keeps here; each takes a core when it is full
    ice_servers: tuple[str, ...] = ()  # STUN and TURN servers that browsers get media through
    turn_secret: str = ""  # what the TURN servers know too (coturn: use-auth-secret, static-auth-secret)
    detect_processes: int = 1  # how many `vigil run` keeps here, with a part of all sessions each, and a core
    detect_share: tuple[int, int] = (1, 1)  # which one this is, and of how many on all machines together
    weights: str = ""  # other YOLO weights than those of the set-up
    key_backup_days: int = 0  # for how long copies of the database are kept, for certificates; 0 if nobody has said

    @property
    def embedded(self) -> bool:
        """Whether servers have to be started first; their `environment()` then completes these settings.

        A database is named by its owner's URL, or by one for each role: the owner is needed to migrate only.
        """
        roles = (self.database_url_app, self.database_url_project, self.database_url_keys, self.database_url_notary)
        return not (self.database_url or all(roles))

    def database_url_for(self, role: Role) -> str:
        """The connection string of one database role."""
        own = {
            "app": self.database_url_app,
            "project": self.database_url_project,
            "keys": self.database_url_keys,
            "notary": self.database_url_notary,
        }
        return own[role] or as_role(self.database_url, role)

    def master_secret(self) -> bytes:
        """The 32 bytes that all keys hang on; the embedded servers make them together with their first database."""
        try:
            return read_secret(self.secret_file)
        except SecretError as error:
            raise SettingsError(f"VIGIL_SECRET_FILE: {error}") from error


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """Reads the settings. Raises `SettingsError` with the variable's name and what was expected."""
    given = {name: value for name in Settings.__struct_fields__ if (value := _text(environment, name)) is not None}
    home = _absolute(given.pop("home", "~/.vigil"))
    port = given.get("port", "8000")
    texts = {
        "objects_url": folder_of_objects(home),
        "secret_file": str(home / "secret"),
        "signing_key_file": str(home / "signing.key"),
        "public_url": f"http://localhost:{port}",
        **given,
    }
    values = {name: _value(name, text) for name, text in texts.items()}
    values.setdefault("media_bind", _listens(str(values.get("media_ip", "127.0.0.1"))))
    settings = msgspec.convert({"home": home, **values}, Settings)
    if settings.embedded == bool(settings.nats_url):
        missing, present = ("DATABASE", "NATS") if settings.nats_url else ("NATS", "DATABASE")
        raise SettingsError(f"VIGIL_{missing}_URL: expected, because VIGIL_{present}_URL is set; set both or neither")
    first, last = settings.media_port
    if first and last - first + 1 < settings.media_processes:
        enough = f"{settings.media_processes} ports or more, such as {first}-{first + settings.media_processes - 1}"
        raise SettingsError(f"VIGIL_MEDIA_PORT: expected {enough}, because of VIGIL_MEDIA_PROCESSES")
    if any(server(uri).relays for uri in settings.ice_servers) and not settings.turn_secret:
        raise SettingsError("VIGIL_TURN_SECRET: expected, because VIGIL_ICE_SERVERS names a TURN server")
    return settings


def folder_of_objects(home: Path) -> str:
    """The URL of the object store that is used when none is named."""
    return (home / "objects").as_uri()


def variables(values: Mapping[str, object]) -> dict[str, str]:
    """Settings as variables, for `load` and for other processes. They hold where a file was named before, too."""
    texts = {f"VIGIL_{name.upper()}": str(value) for name, value in values.items()}
    return texts | {f"{variable}_FILE": "" for variable in texts}


def as_role(database_url: str, role: Role) -> str:
    """The same database for another role: `vigil_` and the role's name instead of the user in the URL."""
    return make_conninfo(database_url, user=f"vigil_{role}")


def _text(environment: Mapping[str, str], name: str) -> str | None:
    """The variable's text, or its file's, or None. An empty variable counts as not set."""
    variable = f"VIGIL_{name.upper()}"
    if path := environment.get(f"{variable}_FILE"):
        if environment.get(variable):
            raise SettingsError(f"{variable}: expected only one of {variable} and {variable}_FILE")
        try:
            return Path(path).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{variable}_FILE: expected a file of text that can be read") from error
    return environment.get(variable) or None


def _value(name: str, text: str) -> object:
    parse, expected = _RULES.get(name, (str, "text"))
    try:
        return parse(text)
    except (ValueError, ProgrammingError):
        raise SettingsError(f"VIGIL_{name.upper()}: expected {expected}") from None


def _absolute(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _database(text: str) -> str:
    conninfo_to_dict(text)
    return text


def _number(low: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not low <= int(text) <= 65535:
            raise ValueError
        return int(text)

    return parse


def _address(text: str) -> str:
    return str(ipaddress.ip_address(text))


def _public(text: str) -> str:
    ip = ipaddress.ip_address(text)
    if ip.is_unspecified or ip.is_multicast:
        raise ValueError
    return str(ip)


def _count(text: str) -> int:
    if not 1 <= (number := int(text)) <= 64:
        raise ValueError
    return number


def _days(text: str) -> int:
    if not 0 <= (number := int(text)) <= 3660:
        raise ValueError
    return number


def _ports(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    if not dash:
        return (_number(0)(first),) * 2
    found = _number(1)(first), _number(1)(last)
    if found[0] > found[1]:
        raise ValueError
    return found


def _share(text: str) -> tuple[int, int]:
    number, of = (_count(part) for part in text.split("/"))
    if number > of:
        raise ValueError
    return number, of


def _listens(media_ip: str) -> str:
    """Where media for this public address is listened to. A router may translate, so it need not be ours."""
    ip = ipaddress.ip_address(media_ip)
    if ip.is_loopback:
        return media_ip
    return "0.0.0.0" if ip.version == 4 else "::"  # noqa: S104 - candidates come from everywhere


def _folder(text: str) -> Path:
    if not (path := _absolute(text)).is_dir():
        raise ValueError
    return path


def _keys(text: str) -> tuple[bytes, ...]:
    keys = tuple(b64decode(key.strip(), validate=True) for key in text.split(","))
    if any(len(key) != 32 for key in keys):
        raise ValueError
    return keys


def _servers(text: str) -> tuple[str, ...]:
    return tuple(server(uri.strip()).uri for uri in text.split(","))


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError
        return text.rstrip("/")

    return parse


def _objects(text: str) -> str:
    parse_url(text)
    return text if text.startswith("file:") else text.rstrip("/")


_DATABASE = (_database, "a PostgreSQL URL such as postgresql://owner:password@host/vigil")

_RULES: dict[str, tuple[Callable[[str], object], str]] = {
    "database_url": _DATABASE,
    "database_url_app": _DATABASE,
    "database_url_project": _DATABASE,
    "database_url_keys": _DATABASE,
    "database_url_notary": _DATABASE,
    "nats_url": (_url("nats", "tls"), "a URL such as nats://token@host:4222"),
    "objects_url": (
        _objects,
        "s3://bucket/prefix or file:///folder; an S3 URL may end in ? and endpoint=, region=, lock= and days=",
    ),
    "secret_file": (_absolute, "the path of a file"),
    "signing_key_file": (_absolute, "the path of a file"),
    "earlier_keys": (_keys, "Ed25519 public keys, 32 bytes each in base64, separated by commas"),
    "witness_folder": (_folder, "the path of a folder that is there"),
    "witness_url": (_url("http", "https"), "a URL such as https://witness.example.org/checkpoints"),
    "timestamp_url": (_url("http", "https"), "the URL of a time-stamping authority such as https://tsa.example.org"),
    "public_url": (_url("http", "https"), "a URL such as https://exams.example.org"),
    "source_url": (_url("http", "https"), "a URL such as https://git.example.org/vigil"),
    "port": (_number(1), "a port from 1 to 65535"),
    "ice_servers": (
        _servers,
        "stun:host:port, turn:host:port?transport=udp (or tcp) and turns:host:port (over TLS), separated by commas",
    ),
    "media_ip": (_public, "an IP address that browsers can send to"),
    "media_bind": (_address, "an IP address"),
    "media_processes": (_count, "a number from 1 to 64"),
    "detect_processes": (_count, "a number from 1 to 64"),
    "detect_share": (_share, "one of how many, such as 2/4"),
    "key_backup_days": (_days, "a number of days, from 0 to 3660"),
    "media_port": (_ports, "a port from 0 to 65535, or from one to another such as 40000-40007"),
}
