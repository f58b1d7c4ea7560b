"""Every event ever stored can be read for ever, and is still written to the byte as it was."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from commands.envelope import PRIVATE_FIELDS, encode, read, tag_of, unseal
from domain.event import Event
from domain.recorded import Envelope, Stored
from domain.registry import EVENTS
from tests.domain import write_golden as golden

ALL = sorted(golden.GOLDEN.glob("*.json"))


def _read(path: Path) -> tuple[Envelope, Event]:
    state = path.read_bytes().removesuffix(b"\n")
    tag = msgspec.json.decode(state)["event"]["type"]
    envelope, event = read(Stored(1, golden.stream(tag), golden.VERSION, tag, golden.MOMENT, state))
    return envelope, unseal(event, golden.stream(tag), golden.VERSION, golden.key)


def test_every_event_type_has_an_example_on_disk() -> None:
    assert not golden.missing(), "write them with `python -m tests.domain.write_golden`, look at them, and commit them"


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_an_event_from_long_ago_is_read_with_nothing_lost(path: Path) -> None:
    envelope, event = _read(path)
    assert envelope == golden.ENVELOPE
    assert path.name.startswith(tag_of(event) + ".")
    for field in PRIVATE_FIELDS[type(event)]:
        assert getattr(event, field).text == f"the {field}"
    for name, value in msgspec.json.decode(path.read_bytes())["event"].items():
        if name not in ("type", *PRIVATE_FIELDS[type(event)]):
            assert _kept(value, msgspec.json.decode(msgspec.json.encode(getattr(event, name))))


@pytest.mark.parametrize("tag", sorted(EVENTS))
def test_an_event_is_written_to_the_byte_as_it_was(tag: str) -> None:
    path = golden.files(tag)[-1]
    envelope, event = _read(path)
    written = encode(event, envelope, golden.stream(tag), golden.VERSION, golden.key)
    assert _without_nonces(written) == _without_nonces(path.read_bytes().removesuffix(b"\n"))


def _kept(stored: object, now: object) -> bool:
    """Whether everything stored is still there; what was added since may stand beside it."""
    match stored, now:
        case dict(), dict():
            return all(name in now and _kept(value, now[name]) for name, value in stored.items())
        case list(), list():
            return len(stored) == len(now) and all(map(_kept, stored, now))
        case _:
            return stored == now


def _without_nonces(state: bytes) -> bytes:
    """A private field is sealed under a fresh nonce each time; its commitment and its names stay."""
    return re.sub(rb'"sealed":"[^"]+"', b'"sealed":""', state)
