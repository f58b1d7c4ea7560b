"""Pictures that people send: read as what they are, and written anew, small and without what a camera hides in them."""

from __future__ import annotations

import asyncio
from io import BytesIO

from PIL import Image, ImageOps

from api.problems import Denied

BYTES = 5 * 1024 * 1024
PIXELS = 50_000_000  # a larger one is not even opened
LEAST, MOST = 160, 1600  # pixels of an edge: what a face can be told on, and what is kept
KINDS = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG"}
READS: dict[str, object] = {"image/jpeg": bytes, "image/png": bytes}


async def upright(raw: bytes) -> bytes:
    """The picture as a JPEG of ours, upright. Raises `Denied`: 415 for another kind, 422 for what is no good."""
    kind = next((kind for magic, kind in KINDS.items() if raw.startswith(magic)), None)
    if kind is None:
        raise Denied(415, "unsupported-type", "a JPEG or PNG picture is expected", field="body")
    return await asyncio.to_thread(_anew, raw, kind)


def _anew(raw: bytes, kind: str) -> bytes:
    try:
        with Image.open(BytesIO(raw), formats=(kind,)) as picture:
            width, height = picture.size
            fits = width * height <= PIXELS
            picture.draft("RGB", (MOST, MOST))
            turned = ImageOps.exif_transpose(picture).convert("RGB") if fits else None
    except Exception:  # noqa: BLE001 - whatever strangers put into a file, it is their picture that is no good
        raise _no_good("the picture cannot be read; take it again") from None
    if turned is None:
        raise _no_good(f"at most {PIXELS // 1_000_000} million pixels are taken")
    if min(width, height) < LEAST:
        raise _no_good(f"the picture is too small to see who it is; {LEAST} pixels each way are the least")
    turned.thumbnail((MOST, MOST))
    clean = Image.new("RGB", turned.size)  # where it was taken, and by which camera, stays behind
    clean.paste(turned)
    out = BytesIO()
    clean.save(out, "JPEG", quality=88)
    return out.getvalue()


def _no_good(rule: str) -> Denied:
    return Denied(422, "invalid", rule, field="body")
