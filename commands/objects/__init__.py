"""The object store: where sealed media and pictures lie. Written once, never overwritten, private.

    store = open_store("file:///var/lib/vigil/objects")
    store = open_store("s3://bucket/prefix?endpoint=https://s3.example.org&region=eu-central-1")

Credentials for S3 come from the environment or the machine's role, as boto3 finds them, never from the URL. With
`&lock=governance&days=30` (or `compliance`) a bucket that has Object Lock keeps each object for so long; without, for
as long as its own default says.
"""

from __future__ import annotations

from pathlib import Path

from commands.objects.address import parse_url
from commands.objects.contract import Guards, ObjectExists, ObjectMissing, ObjectStore, ObjectStoreAway
from commands.objects.folder import FolderStore
from commands.objects.probe import probe
from commands.objects.survey import Surveyed, survey

__all__ = [
    "FolderStore", "Guards", "ObjectExists", "ObjectMissing", "ObjectStore", "ObjectStoreAway", "Surveyed",
    "open_store", "parse_url", "probe", "survey",
]  # fmt: skip


def open_store(url: str) -> ObjectStore:
    """The store that a URL names. A folder is made; a bucket has to be there.

    Raises `ValueError` for a URL of another form. S3 is not asked anything before the first call.
    """
    address = parse_url(url)
    if isinstance(address, Path):
        return FolderStore(address)
    from commands.objects.s3 import S3Store  # noqa: PLC0415 - a quarter of a second that a folder need not wait for

    return S3Store(address)
