"""Whether this machine's clock is synchronised, as the kernel knows it (Linux adjtimex(2)); noted at each seal."""

from __future__ import annotations

import asyncio
import ctypes
import ctypes.util
import sys

_STA_UNSYNC = 0x0040
_TIMEX_BYTES = 208  # sizeof(struct timex) on 64-bit Linux; the kernel writes no more
_STATUS_AT = 40  # offset of `status` in it, after modes, offset, freq, maxerror and esterror


async def synchronised() -> str:
    """`synchronised`, `not synchronised` or `unknown`."""
    return await asyncio.to_thread(_ask) if sys.platform == "linux" else "unknown"


def _ask() -> str:
    libc = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True)
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)  # modes = 0: read only
    if libc.adjtimex(timex) == -1:
        return "unknown"
    status = int.from_bytes(timex.raw[_STATUS_AT : _STATUS_AT + 4], sys.byteorder)
    return "not synchronised" if status & _STA_UNSYNC else "synchronised"
