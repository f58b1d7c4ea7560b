"""The object store: where sealed media and pictures lie. Written once, never overwritten, private.

    store = open_store("file:///var/lib/vigil/objects")
    store = open_store("s3://bucket/prefix?endpoint=https://s3.example.org&region=eu-central-1")

Credentials for S3 come from the environment or the machine's role, as boto3 finds them, never from the URL.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from commands.objects.contract import ObjectExists, ObjectMissing, ObjectStore, ObjectStoreAway
from commands.objects.folder import FolderStore
from commands.objects.probe import probe

__all__ = ["FolderStore", "ObjectExists", "ObjectMissing", "ObjectStore", "ObjectStoreAway", "open_store", "probe"]


def open_store(url: str) -> ObjectStore:
    """The store that a URL names. A folder is made; a bucket has to be there.

    Raises `ValueError` for a URL of another form. S3 is not asked anything before the first call.
    """
    parts = urlsplit(url)
    options = parse_qs(parts.query, strict_parsing=bool(parts.query))
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path.startswith("/") and not options:
        return FolderStore(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc and options.keys() <= {"endpoint", "region"}:
        from commands.objects.s3 import S3Store  # noqa: PLC0415 - a quarter of a second that a folder need not wait for

        (endpoint,), (region,) = options.get("endpoint", [""]), options.get("region", [""])
        return S3Store(parts.netloc, unquote(parts.path).strip("/"), endpoint=endpoint or None, region=region or None)
    raise ValueError("expected file:///folder or s3://bucket/prefix?endpoint=...&region=...")
