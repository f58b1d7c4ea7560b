"""Compares the whole ledger with the tree and the signed checkpoints, and names the first difference."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

import msgspec
from psycopg import AsyncConnection, IsolationLevel

from commands.archived import Shelf, shelves
from commands.checkpoint import Head, Malformed, parse, signed_by
from commands.leaf import leaf
from commands.merkle import Frontier, Node
from commands.proofs import Checkpoint, checkpoints, latest, read_after, stored_nodes
from domain.archive import Archived, BroughtBack
from domain.recorded import Stored

BATCH = 1000

E = TypeVar("E", Archived, BroughtBack)


class Checked(NamedTuple):
    """How many events there are, how many of them are sealed, the last checkpoint, and what is wrong, if anything.

    `away` are those whose bytes lie in bundles that could not be reached; of them only the leaf was looked at.
    """

    events: int
    sealed: int
    checkpoint: Checkpoint | None
    difference: str | None
    away: int = 0


class Outside(NamedTuple):
    """What somebody holds of a checkpoint: so many events had this root. `name` is what they call it."""

    size: int
    root: bytes
    name: str


Progress = Callable[[int, int], object]  # events done, of all when it began
Fill = Callable[[Sequence[Stored]], Awaitable[Sequence[Stored]]]  # puts the bytes into rows that are archived


async def nothing_at_hand(rows: Sequence[Stored]) -> Sequence[Stored]:
    """Where no bundle can be reached."""
    return rows


class Difference(Exception):
    """The first thing that is not as it was sealed."""


async def check(
    conn: AsyncConnection, origin: str, keys: Sequence[bytes], *, outside: Sequence[Outside] = (),
    progress: Progress = lambda _done, _all: None, fill: Fill = nothing_at_hand,
) -> Checked:  # fmt: skip
    """Reads everything once, in one snapshot. `keys` are the public keys (32 bytes) that may have signed checkpoints.

    A rewritten event, leaf or node cannot hide: whoever rewrites all of them lacks the key of the checkpoints, or if
    they have it, what is held `outside`. What was recorded after the last checkpoint is only compared with its leaf.
    Of what is archived `fill` gives the bytes; it leaves them empty where it cannot.
    """
    await conn.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    try:
        async with conn.transaction():
            tree = _Tree(conn, origin, keys, outside, progress=progress, fill=fill)
            difference = None
            try:
                await tree.compare()
            except Difference as found:
                difference = str(found)
            return Checked(tree.events, tree.edge.size, await latest(conn), difference, tree.away)
    finally:
        await conn.set_isolation_level(None)


class _Tree:
    def __init__(
        self, conn: AsyncConnection, origin: str, keys: Sequence[bytes], outside: Sequence[Outside],
        *, progress: Progress, fill: Fill,
    ) -> None:  # fmt: skip
        self.conn, self.origin, self.keys, self.progress = conn, origin, keys, progress
        self.outside = sorted(outside, reverse=True)  # the next one last
        self.edge = Frontier()
        self.events = 0
        self.last: Stored | None = None
        self.fill = fill
        self.away = 0
        self.shelves: dict[str, Shelf] = {}
        self.told: dict[str, tuple[int, str, str]] = {}  # by records: stream -> version, bundle, its hash

    async def compare(self) -> None:
        """Raises `Difference` at the first one."""
        cursor = await self.conn.execute("SELECT count(*) FROM ledger.events")
        (total,) = await cursor.fetchone() or (0,)
        self.shelves = {shelf.stream: shelf for shelf in await shelves(self.conn)}
        rows: list[Stored] | None = None
        while rows is None or len(rows) == BATCH:
            rows = await read_after(self.conn, self.last.position if self.last else 0, BATCH)
            self.events += len(rows)
            await self._batch(rows)
            self.progress(self.events, total)
        await self._nothing_left()
        self._as_told()
        if self.outside:
            size, _, name = self.outside[-1]
            raise Difference(f"{name} is over {size} events, and {self.edge.size} are sealed here")

    async def _batch(self, rows: list[Stored]) -> None:
        start = self.edge.size
        leaves = await self._leaves(start, len(rows))
        marks = {mark.size: mark for mark in await checkpoints(self.conn, start, len(rows))}
        nodes: list[Node] = []
        if any(not row.state for row in rows):
            rows = list(await self.fill(rows))
        for n, row in enumerate(rows):
            self._in_order(row)
            if n < len(leaves):  # sealed by now
                nodes += self._leaf(row, *leaves[n])
                if mark := marks.get(self.edge.size):
                    self._mark(mark)
                while self.outside and self.outside[-1].size == self.edge.size:
                    self._held(self.outside.pop())
            self._told(row)
        await self._nodes(nodes)

    def _in_order(self, row: Stored) -> None:
        if self.last and row.recorded_at < self.last.recorded_at:
            raise Difference(f"{_name(row)}: recorded before position {self.last.position}, which comes before it")
        self.last = row

    def _leaf(self, row: Stored, index: int, position: int, hash_: bytes) -> list[Node]:
        if index != self.edge.size:
            raise Difference(f"leaf {self.edge.size} is missing")
        if position < row.position:
            raise Difference(f"position {position} was sealed as leaf {index}, and its event is gone")
        if position > row.position:
            raise Difference(f"{_name(row)}: was put in after later events had been sealed")
        if not row.state:
            self._away(row)
        elif hash_ != leaf(row):
            raise Difference(f"{_name(row)}: is not what was sealed as leaf {index}")
        return self.edge.append(hash_)

    def _away(self, row: Stored) -> None:
        """Its leaf has to stand for it: that is in the tree, whose root was signed while the bytes were here."""
        shelf = self.shelves.get(row.stream)
        if shelf is None or shelf.version < row.version:
            raise Difference(f"{_name(row)}: its bytes are gone, and no bundle is named that has them")
        self.away += 1

    def _told(self, row: Stored) -> None:
        """What a record says of its session's bundle. It was sealed like every event."""
        if row.tag == ARCHIVED:
            said = msgspec.json.decode(row.state, type=_Entry[Archived]).event
            at = {stream: (last, said.bundle, said.sha256) for stream, last in said.streams.items()}
            self.told |= at
        elif row.tag == BACK:
            gone = msgspec.json.decode(row.state, type=_Entry[BroughtBack]).event.bundle
            self.told = {stream: said for stream, said in self.told.items() if said[1] != gone}

    def _as_told(self) -> None:
        for stream, shelf in self.shelves.items():
            if self.told.get(stream) != (shelf.version, shelf.bundle, shelf.sha256.hex()):
                raise Difference(f"{stream} is said to lie in the bundle {shelf.bundle}, and its record says otherwise")

    def _mark(self, mark: Checkpoint) -> None:
        if mark.root != self.edge.root():
            raise Difference(f"the checkpoint over {mark.size} events has another root than their leaves")
        try:
            same = parse(mark.note) == Head(self.origin, mark.size, mark.root)
            if not same or not any(signed_by(mark.note, self.origin, key) for key in self.keys):
                raise Difference(f"the checkpoint over {mark.size} events bears no valid signature for what it says")
        except Malformed as error:
            raise Difference(f"the checkpoint over {mark.size} events is no signed note: {error}") from error

    def _held(self, held: Outside) -> None:
        if held.root != self.edge.root():
            raise Difference(f"{held.name} has another root over {held.size} events: they are not what was signed then")

    async def _nodes(self, nodes: Iterable[Node]) -> None:
        made = {(level, index): hash_ for level, index, hash_ in nodes}
        stored = await stored_nodes(self.conn, sorted(made))
        for place, hash_ in made.items():
            if stored.get(place) != hash_:
                raise Difference(f"node {place[1]} of level {place[0]} is not what the leaves below it make")

    async def _leaves(self, start: int, most: int) -> list[tuple[int, int, bytes]]:
        cursor = await self.conn.execute(
            "SELECT index, position, hash FROM ledger.leaves WHERE index >= %s ORDER BY index LIMIT %s", (start, most)
        )
        return await cursor.fetchall()

    async def _nothing_left(self) -> None:
        size = self.edge.size
        if left := await self._leaves(size, 1):
            raise Difference(f"position {left[0][1]} was sealed as leaf {left[0][0]}, and its event is gone")
        if left_mark := await checkpoints(self.conn, size, 1):
            raise Difference(
                f"a checkpoint was signed over {left_mark[0].size} events, and there are leaves for {size}"
            )
        cursor = await self.conn.execute("SELECT count(*) FROM ledger.nodes")
        nodes = await cursor.fetchone()
        if nodes != (size - size.bit_count(),):
            raise Difference("the tree holds nodes that stand over no leaves")


class _Entry(msgspec.Struct, Generic[E]):
    event: E


ARCHIVED, BACK = str(Archived.__struct_config__.tag), str(BroughtBack.__struct_config__.tag)


def _name(row: Stored) -> str:
    return f"position {row.position} ({row.stream}, version {row.version})"
