"""A Merkle tree over leaf hashes: roots, inclusion proofs and consistency proofs (RFC 9162, section 2.1).

Nodes are named by (level, index): node (k, i) is the root over the leaves from i * 2**k up to (i + 1) * 2**k. Only such
complete nodes are stored, so they never change, and every root and proof of any size is built from O(log n) of them.
A hash is 32 bytes of SHA-256. Pure: nodes come in through a function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

Node = tuple[int, int, bytes]  # level, index, hash
NodeAt = Callable[[int, int], bytes]
EMPTY_ROOT = sha256(b"").digest()


class Span(NamedTuple):
    """The leaves from `start` up to but not including `stop`."""

    start: int
    stop: int


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes that are all at hand."""
    edge = Frontier()
    for leaf in leaves:
        edge.append(leaf)
    return edge.root()


class Frontier:
    """The right edge of a tree, which is all that appending needs: the complete nodes that cover it, widest first."""

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if len(peaks) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} peaks, not {len(peaks)}")
        self.size = size
        self.peaks = list(peaks)

    def append(self, leaf: bytes) -> list[Node]:
        """Adds a leaf hash; gives the nodes above it (level 1 and up) that are complete from now on."""
        made: list[Node] = []
        hash_, index, level = leaf, self.size, 0
        while index & 1:
            hash_ = node_hash(self.peaks.pop(), hash_)
            index >>= 1
            level += 1
            made.append((level, index, hash_))
        self.peaks.append(hash_)
        self.size += 1
        return made

    def root(self) -> bytes:
        return _fold(self.peaks)


def cover(span: Span) -> list[tuple[int, int]]:
    """(level, index) of the complete nodes that make up a span, from left to right, widest first.

    The span is one that RFC 9162 hashes: it begins at a multiple of a power of two that is not below its length.
    """
    nodes = []
    start, stop = span
    while start < stop:
        level = (stop - start).bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
    return nodes


def span_root(span: Span, node: NodeAt) -> bytes:
    """MTH(D[start:stop]) from stored nodes."""
    return _fold([node(level, index) for level, index in cover(span)])


def inclusion_spans(index: int, size: int) -> list[Span]:
    """The spans whose roots prove that leaf `index` is in the tree of `size` leaves, from the bottom up."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    spans = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            spans.append(Span(middle, stop))
            stop = middle
        else:
            spans.append(Span(start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """The spans whose roots prove that the tree of `new` leaves begins with that of `old`, in the order of the RFC."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves does not begin with one of {old}")
    if old in (0, new):
        return []
    spans = []
    start, stop = 0, new
    while old < stop:
        middle = start + _split(stop - start)
        if old <= middle:
            spans.append(Span(middle, stop))
            stop = middle
        else:
            spans.append(Span(start, middle))
            start = middle
    if start:  # otherwise the old root itself is where the proof begins, and its holder knows it
        spans.append(Span(start, stop))
    return spans[::-1]


def inclusion_proof(index: int, size: int, node: NodeAt) -> list[bytes]:
    return [span_root(span, node) for span in inclusion_spans(index, size)]


def consistency_proof(old: int, new: int, node: NodeAt) -> list[bytes]:
    return [span_root(span, node) for span in consistency_spans(old, new)]


def included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], tree_root: bytes) -> bool:
    """Whether the proof shows that the leaf hash stands at `index` under the root (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    hash_, place, last = leaf, index, size - 1
    for sibling in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            hash_ = node_hash(sibling, hash_)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            hash_ = node_hash(hash_, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and hash_ == tree_root


def consistent(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the new tree begins with the old one (RFC 9162, section 2.1.4.2)."""
    if old == 0:
        return new >= 0 and not proof and old_root == EMPTY_ROOT
    if old == new:
        return not proof and old_root == new_root
    path = [old_root, *proof] if old.bit_count() == 1 else list(proof)
    if not 0 < old < new or not path:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


def _split(length: int) -> int:
    """The largest power of two below `length`."""
    return 1 << ((length - 1).bit_length() - 1)


def _fold(peaks: Sequence[bytes]) -> bytes:
    if not peaks:
        return EMPTY_ROOT
    *rest, hash_ = peaks
    for peak in reversed(rest):
        hash_ = node_hash(peak, hash_)
    return hash_
