"""Writes an example of each stored event that has none yet: `python -m tests.domain.write_golden`.

A file in `golden/` is what some version of Vigil wrote to disk, and must be read for ever: nothing is ever overwritten.
An event type that has got a new field gets a second file beside the first.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import NoneType
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

import msgspec

from commands.envelope import encode
from commands.keys import KeyName
from domain.event import Event, Private
from domain.recorded import Envelope
from domain.registry import EVENTS

GOLDEN = Path(__file__).parent / "golden"
VERSION = 3
MOMENT = datetime(2026, 6, 1, 9, 10, 30, 250_000, tzinfo=UTC)
ENVELOPE = Envelope(
    actor="user/turing", command="0b5d2f6e-6b0c-5a3e-9d52-0a1f2b3c4d5e", occurred_at=MOMENT, skew_ms=-12.5,
    correlation="request 7", causation=41,
)  # fmt: skip


def stream(tag: str) -> str:
    return f"tu/{tag.partition('.')[0]}/s1"


def key(name: KeyName) -> bytes:
    """The data key of each name, as if it had been fetched."""
    return sha256("/".join(name).encode()).digest()


def files(tag: str) -> list[Path]:
    """The examples of one event type, the newest last."""
    found = [*GOLDEN.glob(f"{tag}.json"), *GOLDEN.glob(f"{tag}.[0-9]*.json")]
    return sorted(found, key=lambda path: (len(path.name), path.name))


def missing() -> dict[str, bytes]:
    """Event types that have no example with just today's fields, and what such a file would hold."""
    return {
        tag: stored
        for tag, event in EVENTS.items()
        for stored in [encode(example(event), ENVELOPE, stream(tag), VERSION, key)]
        if not files(tag) or _shape(files(tag)[-1].read_bytes()) != _shape(stored)
    }


def example(event: type[Event]) -> Event:
    """One event with every field filled; a private text says which field it is."""
    return cast("Event", _struct(event))


def _struct(kind: type[msgspec.Struct]) -> object:
    hints = get_type_hints(kind)
    return kind(**{name: _value(hints[name], name) for name in kind.__struct_fields__})


def _value(hint: Any, name: str) -> object:  # noqa: ANN401 - any annotation
    simple = {str: f"some {name}", int: 12, float: 0.5, bool: True, datetime: MOMENT}
    origin, args = get_origin(hint), [arg for arg in get_args(hint) if arg not in (NoneType, ...)]
    if hint in simple:
        return simple[hint]
    if hint is Private:
        return Private("c2ada", f"the {name}", session="s1", key_class="notes")
    if origin is Literal:
        return args[0]
    if origin is dict:
        return {_value(args[0], name): _value(args[1], name)}
    if origin is tuple:
        return tuple(_value(arg, name) for arg in args)
    return _value(args[0], name) if args else _struct(hint)


def _shape(stored: bytes) -> object:
    def names(value: object) -> object:
        match value:
            case dict():
                return {name: names(part) for name, part in value.items()}
            case list():
                return [names(part) for part in value]
            case _:
                return None

    return names(msgspec.json.decode(stored))


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for tag, stored in missing().items():
        number = len(files(tag)) + 1
        path = GOLDEN / (f"{tag}.json" if number == 1 else f"{tag}.{number}.json")
        with path.open("xb") as file:
            file.write(stored + b"\n")
        print(path.relative_to(Path.cwd()))
