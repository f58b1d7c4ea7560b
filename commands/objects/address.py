"""The URL of an object store: `file:///folder`, or `s3://bucket/prefix` with options behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

LockMode = Literal["governance", "compliance"]
_MODES: dict[str, LockMode] = {"governance": "governance", "compliance": "compliance"}
_OPTIONS = {"endpoint", "region", "lock", "days"}
_LONGEST_DAYS = 36500  # a hundred years


class Retention(NamedTuple):
    """For how many days from its put nobody may delete an object. Some may lift `governance`, and none `compliance`."""

    mode: LockMode
    days: int


class Bucket(NamedTuple):
    """Where in S3: the default endpoint and region are those of boto3's own configuration."""

    name: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    retention: Retention | None = None


def parse_url(url: str) -> Path | Bucket:
    """The folder or the bucket that a URL names. Raises `ValueError` for one of another form."""
    parts = urlsplit(url)
    given = parse_qs(parts.query, strict_parsing=bool(parts.query))
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path.startswith("/") and not given:
        return Path(unquote(parts.path))
    if parts.scheme == "s3" and parts.netloc and given.keys() <= _OPTIONS and all(len(v) == 1 for v in given.values()):
        options = {name: values[0] for name, values in given.items()}
        return Bucket(
            parts.netloc, unquote(parts.path).strip("/"), options.get("endpoint"), options.get("region"),
            _retention(options.get("lock"), options.get("days")),
        )  # fmt: skip
    raise ValueError("expected file:///folder or s3://bucket/prefix?endpoint=...&region=...&lock=...&days=...")


def _retention(lock: str | None, days: str | None) -> Retention | None:
    if lock is None and days is None:
        return None
    if lock not in _MODES or days is None or not (days.isascii() and days.isdecimal()):
        raise ValueError("expected lock=governance or lock=compliance together with days=...")
    if len(days) > 5 or not 1 <= int(days) <= _LONGEST_DAYS:
        raise ValueError(f"expected days= from 1 to {_LONGEST_DAYS}")
    return Retention(_MODES[lock], int(days))
