"""The tree against a direct reading of RFC 9162: every root and proof of small trees, and forgeries refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.leaf import leaf, leaf_bytes
from commands.merkle import (
    EMPTY_ROOT,
    Frontier,
    Span,
    consistency_proof,
    consistency_spans,
    consistent,
    cover,
    included,
    inclusion_proof,
    inclusion_spans,
    leaf_hash,
    node_hash,
    root,
    span_root,
)
from domain.recorded import Stored

MOST = 300
LEAVES = [leaf_hash(str(n).encode()) for n in range(MOST)]


def by_the_book(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162, section 2.1.1, word by word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(by_the_book(leaves[:k]), by_the_book(leaves[k:]))


def stored_levels(leaves: list[bytes]) -> dict[tuple[int, int], bytes]:
    """What the notary's tables hold after these leaves."""
    nodes = {(0, n): leaf for n, leaf in enumerate(leaves)}
    edge = Frontier()
    for leaf_ in leaves:
        nodes |= {(level, index): hash_ for level, index, hash_ in edge.append(leaf_)}
    return nodes


NODES = stored_levels(LEAVES)
ROOTS = [by_the_book(LEAVES[:size]) for size in range(MOST + 1)]


def node(level: int, index: int) -> bytes:
    return NODES[level, index]


sizes = st.integers(1, MOST)


@st.composite
def leaf_and_size(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(sizes)
    return draw(st.integers(0, size - 1)), size


@st.composite
def two_sizes(draw: st.DrawFn) -> tuple[int, int]:
    new = draw(sizes)
    return draw(st.integers(1, new)), new


def test_the_root_of_every_size_is_the_one_the_rfc_defines() -> None:
    edge = Frontier()
    for size in range(MOST):
        assert edge.root() == root(LEAVES[:size]) == span_root(Span(0, size), node) == ROOTS[size]
        edge.append(LEAVES[size])


def test_an_empty_tree_has_the_hash_of_nothing() -> None:
    assert root([]) == EMPTY_ROOT == sha256(b"").digest()


def test_known_roots_of_certificate_transparency_hold() -> None:
    """The reference inputs of the Certificate Transparency project, and what its own tests expect of them."""
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    leaves = [leaf_hash(bytes.fromhex(i)) for i in inputs]
    assert root(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert root(leaves[:2]).hex() == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
    assert root(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_every_leaf_is_proven_in_every_tree_that_holds_it() -> None:
    for size in range(1, 70):
        for index in range(size):
            assert included(LEAVES[index], index, size, inclusion_proof(index, size, node), ROOTS[size])


def test_every_tree_is_proven_to_begin_with_every_smaller_one() -> None:
    for new in range(1, 70):
        for old in range(new + 1):
            assert consistent(old, new, ROOTS[old], ROOTS[new], consistency_proof(old, new, node))


@given(leaf_and_size())
def test_a_frontier_taken_from_stored_nodes_goes_on_as_if_it_had_never_stopped(case: tuple[int, int]) -> None:
    start, size = case
    edge = Frontier(start, [node(*place) for place in cover(Span(0, start))])
    for leaf_ in LEAVES[start:size]:
        edge.append(leaf_)
    assert edge.root() == ROOTS[size]


@given(leaf_and_size(), st.integers(0, 12), st.binary(min_size=32, max_size=32))
def test_an_inclusion_proof_with_anything_changed_is_refused(case: tuple[int, int], where: int, fake: bytes) -> None:
    index, size = case
    leaf_, proof = LEAVES[index], inclusion_proof(index, size, node)
    assert included(leaf_, index, size, proof, ROOTS[size])
    forged = [
        (fake, index, size, proof, ROOTS[size]),
        (leaf_, index, size, proof, fake),
        (leaf_, index, size, [*proof, fake], ROOTS[size]),
        (leaf_, size, size, proof, ROOTS[size]),
        (leaf_, -1, size, proof, ROOTS[size]),
        (leaf_, index, 0, proof, ROOTS[size]),
        *((leaf_, other, size, proof, ROOTS[size]) for other in {*range(40)} - {index}),
    ]
    if proof:
        at = where % len(proof)
        forged += [
            (leaf_, index, size, proof[:-1], ROOTS[size]),
            (leaf_, index, size, [*proof[:at], fake, *proof[at + 1 :]], ROOTS[size]),
            (leaf_, index, size, [*proof[:at], *proof[at + 1 :]], ROOTS[size]),
        ]
    assert not any(included(*forgery) for forgery in forged)


@given(two_sizes(), st.integers(0, 12), st.binary(min_size=32, max_size=32))
def test_a_consistency_proof_with_anything_changed_is_refused(case: tuple[int, int], where: int, fake: bytes) -> None:
    old, new = case
    proof = consistency_proof(old, new, node)
    assert consistent(old, new, ROOTS[old], ROOTS[new], proof)
    forged = [
        (old, new, fake, ROOTS[new], proof),
        (old, new, ROOTS[old], fake, proof),
        (old, new, ROOTS[old], ROOTS[new], [*proof, fake]),
        (new + 1, new, ROOTS[old], ROOTS[new], proof),
        (0, new, ROOTS[old], ROOTS[new], proof),
    ]
    if proof:
        at = where % len(proof)
        forged += [
            (old, new, ROOTS[old], ROOTS[new], proof[:-1]),
            (old, new, ROOTS[old], ROOTS[new], [*proof[:at], fake, *proof[at + 1 :]]),
        ]
    assert not any(consistent(*forgery) for forgery in forged)


@given(leaf_and_size(), two_sizes())
def test_a_proof_reads_few_nodes(case: tuple[int, int], pair: tuple[int, int]) -> None:
    spans = [*inclusion_spans(*case), *consistency_spans(*pair)]
    assert sum(len(cover(span)) for span in spans) <= 4 * MOST.bit_length()


@pytest.mark.parametrize(("index", "size"), [(-1, 4), (4, 4), (0, 0)])
def test_a_leaf_that_is_not_there_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_spans(index, size)


def test_a_tree_does_not_begin_with_a_larger_one() -> None:
    with pytest.raises(ValueError, match="does not begin"):
        consistency_spans(5, 4)


def test_a_frontier_needs_exactly_its_peaks() -> None:
    with pytest.raises(ValueError, match="2 peaks"):
        Frontier(3, LEAVES[:1])


ROW = Stored(7, "t/session/s", 3, "session.started", datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC), b'{"a":1}')


def test_the_leaf_of_a_row_is_what_the_format_says() -> None:
    assert leaf_bytes(ROW) == (
        b"vigil/event/1"
        b"\x00\x00\x00\x0bt/session/s"
        b"\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x03"
        b"\x00\x00\x00\x0fsession.started"
        b"\x00\x00\x00\x08" + int(ROW.recorded_at.timestamp() * 1_000_000).to_bytes(8, "big", signed=True) +
        b'\x00\x00\x00\x07{"a":1}'
    )  # fmt: skip
    assert leaf(ROW) == sha256(b"\x00" + leaf_bytes(ROW)).digest()


def test_changing_any_part_of_a_row_changes_its_leaf() -> None:
    rows = [
        ROW,
        ROW._replace(stream="t/session/sx"),
        ROW._replace(version=4),
        ROW._replace(tag="session.starte"),
        ROW._replace(recorded_at=ROW.recorded_at + timedelta(microseconds=1)),
        ROW._replace(state=b'{"a":2}'),
        ROW._replace(stream="t/session/", tag="ssession.started"),
    ]
    assert len({leaf(row) for row in rows}) == len(rows)
