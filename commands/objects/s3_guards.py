"""What stands between the objects of a bucket and everybody else: no public access, and Object Lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from botocore.exceptions import ClientError
from botocore.handlers import disable_signing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_REFUSED = {401, 403}
_LOCKLESS = {"ObjectLockConfigurationNotFoundError", "NotImplemented"}  # the latter where the server knows no lock


def as_stranger(client: S3Client) -> S3Client:
    """The same client, which from now on shows no credentials."""
    client.meta.events.register("choose-signer.s3.*", disable_signing)
    return client


def private(stranger: S3Client, bucket: str, name: str) -> bool:
    """Whether a stranger can neither list the bucket nor read this object. Raises `ClientError` for other answers."""
    return not _lists(stranger, bucket) and not _reads(stranger, bucket, name)


def lock_of(client: S3Client, bucket: str) -> tuple[Literal["on", "off", "unknown"], str]:
    """Whether a bucket has Object Lock, or whether we may not ask, and the retention that it gives by default."""
    try:
        found = client.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    except ClientError as error:
        return ("off" if error.response["Error"]["Code"] in _LOCKLESS else "unknown"), ""
    default = found.get("Rule", {}).get("DefaultRetention", {})
    days, years = default.get("Days"), default.get("Years")
    if not days and not years:
        return "on", ""
    return "on", f"{default['Mode'].lower()}, {f'{days} days' if days else f'{years} years'}"


def _lists(stranger: S3Client, bucket: str) -> bool:
    try:
        stranger.list_objects_v2(Bucket=bucket, MaxKeys=1)
    except ClientError as error:
        return _unless_refused(error)
    return True


def _reads(stranger: S3Client, bucket: str, name: str) -> bool:
    try:
        stranger.get_object(Bucket=bucket, Key=name)["Body"].read()
    except ClientError as error:
        return _unless_refused(error)
    return True


def _unless_refused(error: ClientError) -> bool:
    if error.response["ResponseMetadata"]["HTTPStatusCode"] not in _REFUSED:
        raise error
    return False
