"""SeaweedFS: a real S3 server of a test's own, that can be killed in the middle and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "objects"
ACCESS = {"AWS_ACCESS_KEY_ID": "vigil", "AWS_SECRET_ACCESS_KEY": "not a secret, only a test"}
PORTS = (
    "s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port",
    "filer.port.grpc", "admin.port",
)  # fmt: skip


class Seaweed:
    """The server in `folder`. It does not stop when asked to, so it is killed, with all that it started."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self._process: subprocess.Popen[bytes] | None = None
        self.endpoint = f"http://127.0.0.1:{self._ports['s3.port']}"

    def start(self) -> None:
        """Returns once it answers, after about a second."""
        weed = shutil.which("weed", path=str(Path(sys.executable).parent)) or "weed"
        command = [
            weed, "mini", f"-dir={self._folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-webdav=false",
            "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false",
            f"-bucket={BUCKET}", f"-filer.localSocket={self._folder}/filer.sock",
            f"-s3.localSocket={self._folder}/s3.sock", *(f"-{name}={port}" for name, port in self._ports.items()),
        ]  # fmt: skip
        with (self._folder / "weed.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log, start_new_session=True)
        until = time.monotonic() + 30
        while not self._serves():
            assert time.monotonic() < until, (self._folder / "weed.log").read_text()[-3000:]
            time.sleep(0.1)

    def kill(self) -> None:
        """With SIGKILL, as a loss of power would."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def url(self, prefix: str, bucket: str = BUCKET, **options: object) -> str:
        """What VIGIL_OBJECTS_URL would be."""
        given = "".join(f"&{name}={value}" for name, value in options.items())
        return f"s3://{bucket}/{prefix}?endpoint={self.endpoint}{given}"

    @property
    def admin(self) -> S3Client:
        """Whoever sets buckets up, which Vigil never does."""
        config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1})
        return boto3.session.Session().client("s3", endpoint_url=self.endpoint, region_name="us-east-1", config=config)

    def _serves(self) -> bool:
        """A put: the server answers to reads before it can take anything."""
        with suppress(BotoCoreError, ClientError):
            self.admin.put_object(Bucket=BUCKET, Key="start/ready", Body=b"")
            return True
        return False


@contextmanager
def seaweed(folder: Path) -> Iterator[Seaweed]:
    """A server that runs. Both it and we know the credentials from the environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ACCESS.items():
            patch.setenv(name, value)
        server = Seaweed(folder)
        try:
            server.start()
            yield server
        finally:
            server.kill()


def free_ports(most: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(most)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
