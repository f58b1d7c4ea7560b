"""Outside witnesses as this installation names them, and `vigil notary check`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click
import httpx
import msgspec

from commands.audit import Outside, Progress, check
from commands.checkpoint import Malformed, parse, signed_by
from commands.witnesses import Folder, TimeStamp, Webhook, Witness
from vigil.settings import Settings
from vigil.shelf import Bundles
from vigil.signing import signer
from vigil.wiring import attached, core


def witnesses(settings: Settings, http: httpx.AsyncClient) -> list[Witness]:
    """Those that the settings name."""
    found: list[Witness] = []
    if settings.witness_folder:
        found.append(Folder(settings.witness_folder))
    if settings.witness_url:
        found.append(Webhook(settings.witness_url, http))
    if settings.timestamp_url:
        found.append(TimeStamp(settings.timestamp_url, http))
    return found


async def check_ledger(settings: Settings, held: Iterable[Path], progress: Progress) -> str:
    """Compares the whole ledger with its tree, its checkpoints, and notes that somebody holds outside (files, folders).

    Gives what was found to hold. Raises `ClickException` with the first difference.
    """
    own = signer(settings)
    keys = (own.public, *settings.earlier_keys)
    outside = [_outside(path, own.origin, keys) for path in _files(held)]
    async with core(attached(settings), "tool") as here, here.pool.connection() as conn:
        fill = Bundles(here.pool).fill
        found = await check(conn, own.origin, keys, outside=outside, progress=progress, fill=fill)
    if found.difference:
        raise click.ClickException(f"the first difference: {found.difference}")
    agrees = f"; {len(outside)} notes from outside agree" if outside else "; no note from outside was given"
    away = f"; the bytes of {found.away} lie in bundles that cannot be reached" if found.away else ""
    return f"{found.events} events, {found.sealed} of them sealed, as they were signed{away}{agrees}"


def _files(held: Iterable[Path]) -> Iterable[Path]:
    for path in held:
        yield from sorted(path.iterdir()) if path.is_dir() else [path]


def _outside(path: Path, origin: str, keys: tuple[bytes, ...]) -> Outside:
    """A note, or a candidate's receipt, which holds one. Raises `ClickException` for anything else."""
    try:
        text = path.read_text("utf-8")
        note = msgspec.json.decode(text, type=_Receipt).checkpoint if text.startswith("{") else text
        head = parse(note)
        ours = head.origin == origin and any(signed_by(note, origin, key) for key in keys)
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError, Malformed) as error:
        raise click.ClickException(f"{path}: is no checkpoint and no receipt ({error})") from error
    if not ours:
        raise click.ClickException(f"{path}: bears no signature of this installation; see VIGIL_EARLIER_KEYS")
    return Outside(head.size, head.root, path.name)


class _Receipt(msgspec.Struct):
    checkpoint: str
