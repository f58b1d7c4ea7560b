"""What an export says of outside witnesses: the notes that they were told of, and what they answered."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from commands.proofs import Checkpoint
from commands.witnesses import Told

MANIFEST = "witness/manifest.jsonl"
TellingOf = Sequence[tuple[Told, Checkpoint]]


def witness_files(told: TellingOf) -> dict[str, bytes]:
    """Each file's name and content; none where nobody was told."""
    files: dict[str, bytes] = {}
    rows = []
    for number, (one, checkpoint) in enumerate(told, 1):
        note, answer = f"witness/checkpoint-{one.size:012}.note", f"witness/answer-{number}.tsr"
        row = {"witness": one.witness, "size": one.size, "told_at": one.told_at, "note": note}
        files[note] = checkpoint.note.encode()
        if one.answer:
            files[answer] = one.answer
            row["answer"] = answer
        rows.append(row)
    if rows:
        files[MANIFEST] = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
    return files


def in_words(told: TellingOf) -> str:
    """For the report."""
    if not told:
        return "No outside witness: nobody but the operator holds anything of this ledger that is known here."
    return " ".join(
        f"{one.witness} was told of the first {one.size} events on {one.told_at:%d %B %Y, %H:%M:%S %Z}."
        for one, _ in told
    )
