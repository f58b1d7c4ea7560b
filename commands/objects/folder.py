"""The object store in a folder: each object is a file that was whole on disk before it got its name."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import ParamSpec, TypeVar

from commands.objects.contract import (
    Guards,
    ObjectExists,
    ObjectMissing,
    ObjectStoreAway,
    check_key,
    check_prefix,
    check_range,
)

P = ParamSpec("P")
R = TypeVar("R")

_INCOMING = ".incoming"  # no key begins with a dot
_STALE_S = 24 * 3600.0


class FolderStore:
    """Keeps objects below `root`, which is made now, for its owner alone. A root that is away is not an empty one."""

    def __init__(self, root: Path) -> None:
        with suppress(OSError):  # then it is away, which each call says; a process starts all the same
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._root = root
        self._incoming = root / _INCOMING

    async def put_new(self, key: str, data: bytes) -> None:
        try:
            await self._threaded(self._put_new, self._path(key), data)
        except ObjectMissing as error:  # a folder that we put into
            raise ObjectStoreAway("the folder of objects went away") from error

    async def get(self, key: str) -> bytes:
        return await self._threaded(self._path(key).read_bytes)

    async def get_range(self, key: str, start: int, stop: int) -> bytes:
        check_range(start, stop)
        return await self._threaded(_read_range, self._path(key), start, stop)

    async def exists(self, key: str) -> bool:
        return await self._threaded(self._path(key).is_file)

    async def delete(self, key: str) -> None:
        await self._threaded(_delete, self._path(key))

    async def keeps_versions(self, key: str) -> bool:
        if not await self.exists(key):
            raise ObjectMissing(key)
        return False

    async def keeps_below(self, prefix: str) -> bool | None:
        return bool(await self.list(prefix))

    async def guards(self, key: str) -> Guards:
        mode = (await self._threaded(self._path(key).stat)).st_mode
        return Guards(private=not mode & 0o077)

    async def list(self, prefix: str = "") -> tuple[str, ...]:
        return await self._threaded(self._list, check_prefix(prefix))

    async def _threaded(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        def run() -> R:
            with self._refusals():
                return work(*args, **kwargs)

        return await asyncio.to_thread(run)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        self._is_there()
        try:
            yield
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            self._is_there()  # it may have gone in the middle, and took the object with it
            raise ObjectMissing(str(error.filename)) from error
        except OSError as error:
            raise ObjectStoreAway(f"the folder of objects: {error.strerror or error}") from error

    def _is_there(self) -> None:
        if not self._root.is_dir():
            raise ObjectStoreAway("the folder of objects is not there")

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _put_new(self, path: Path, data: bytes) -> None:
        """Write, sync, read back, then take the name: a hard link fails where a rename would overwrite."""
        if path.exists():
            _sync_folder(path.parent)  # whoever put it may have died before its name was safe
            raise ObjectExists(path.name)
        self._make_folder(self._incoming)
        self._make_folder(path.parent)
        draft = self._incoming / token_hex(16)
        try:
            _write(draft, data)
            if sha256(draft.read_bytes()).digest() != sha256(data).digest():
                raise OSError("the disk gives back other bytes than it took")
            os.link(draft, path)
        except FileExistsError as error:
            raise ObjectExists(path.name) from error
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(path.parent)
        self._clear()

    def _make_folder(self, folder: Path) -> None:
        """Makes a folder and those above it, each safe on disk before something is put in. Never makes the root: what
        is put into one that takes the place of another would be hidden when that comes back.
        """
        if folder.is_dir():
            return
        if folder == self._root:
            raise ObjectStoreAway("the folder of objects went away")
        self._make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(folder.parent)

    def _list(self, prefix: str) -> tuple[str, ...]:
        top = self._root / prefix.rpartition("/")[0]
        found = []
        for folder, names, files in os.walk(top):
            if _INCOMING in names:
                names.remove(_INCOMING)
            found += [(Path(folder) / name).relative_to(self._root).as_posix() for name in files]
        return tuple(sorted(key for key in found if key.startswith(prefix)))

    def _clear(self) -> None:
        """Drops the drafts of processes that were killed."""
        for draft in self._incoming.iterdir():
            with suppress(FileNotFoundError):  # a living process may be done with its own just now
                if time.time() - draft.stat().st_mtime > _STALE_S:
                    draft.unlink()


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _read_range(path: Path, start: int, stop: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(stop - start)


def _delete(path: Path) -> None:
    if path.exists():
        path.unlink(missing_ok=True)
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
