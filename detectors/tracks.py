"""Follows persons and things from look to look, so that a score is the median of three and not one look's luck."""

from __future__ import annotations

from statistics import median

import msgspec
from msgspec.structs import replace

from detectors.seen import Box, overlap

_SAME = 0.3  # overlap from which on a box is the same person or thing
_SCORES = 3
_MISSES = 2  # looks without it after which it is another one


class Track(msgspec.Struct, frozen=True):
    """One person or thing: where last seen, the scores of the last looks (newest last), and looks missed since."""

    box: Box
    scores: tuple[float, ...]
    missed: int = 0


def follow(tracks: tuple[Track, ...], found: tuple[Box, ...]) -> tuple[Track, ...]:
    """The tracks after one more look: each find goes on with the track it overlaps most, or begins one."""
    pairs = sorted(
        ((overlap(track.box, box), one, other) for one, track in enumerate(tracks) for other, box in enumerate(found)),
        reverse=True,
    )
    owner: dict[int, int] = {}  # find -> track
    for common, one, other in pairs:
        if common >= _SAME and one not in owner.values() and other not in owner:
            owner[other] = one
    went_on = tuple(
        Track(box, (*(tracks[owner[other]].scores if other in owner else ()), box.score)[-_SCORES:])
        for other, box in enumerate(found)
    )
    missing = tuple(
        replace(track, missed=track.missed + 1)
        for one, track in enumerate(tracks)
        if one not in owner.values() and track.missed + 1 < _MISSES
    )
    return went_on + missing


def in_view(tracks: tuple[Track, ...]) -> tuple[Box, ...]:
    """Who or what was found in the last look, each with the median of its scores."""
    return tuple(replace(track.box, score=median(track.scores)) for track in tracks if not track.missed)
