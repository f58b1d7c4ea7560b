"""How an event lies on disk: an envelope and the event as deterministic JSON, with its private fields sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Union, cast, get_type_hints

import msgspec
from msgspec.structs import replace

from commands.keys import KeyName, open_field, seal_field
from domain.archive import Away
from domain.event import Event, KeyClass, Private
from domain.recorded import Envelope, Recorded, Stored
from domain.registry import EVENTS, SCHEMA, UPCASTERS

HeldKey = Callable[[KeyName], bytes | None]


class _SealedField(msgspec.Struct, frozen=True):
    subject: str
    session: str
    key_class: KeyClass = msgspec.field(name="class")
    sealed: str
    commitment: str


class _Unopened(Private):
    """A private field as it was read, before a key is at hand."""

    __slots__ = ("sealed",)

    def __init__(self, field: _SealedField) -> None:
        super().__init__(field.subject, None, session=field.session, key_class=field.key_class)
        self.sealed = field.sealed


class _Entry(msgspec.Struct, frozen=True):
    envelope: Envelope
    event: Union[tuple(EVENTS.values())]  # type: ignore[valid-type]  # noqa: UP007 - the union is made from the registry


def _private_fields(event: type[Event]) -> tuple[str, ...]:
    hints = get_type_hints(event)
    return tuple(f for f in event.__struct_fields__ if hints[f] in (Private, Private | None))


PRIVATE_FIELDS: dict[type[Event], tuple[str, ...]] = {event: _private_fields(event) for event in EVENTS.values()}


def _restore(kind: type, value: object) -> object:
    if kind is Private:
        return _Unopened(msgspec.convert(value, _SealedField))
    raise NotImplementedError(kind)


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(_Entry, dec_hook=_restore)


def tag_of(event: Event) -> str:
    return str(type(event).__struct_config__.tag)


def keys_of(event: Event) -> list[KeyName]:
    """The data keys that this event's private fields need."""
    fields = (getattr(event, f) for f in PRIVATE_FIELDS[type(event)])
    return [KeyName(p.subject, p.session, p.key_class) for p in fields if p is not None]


def encode(event: Event, envelope: Envelope, stream: str, version: int, held: HeldKey) -> bytes:
    """The stored bytes. Every key that `keys_of` names must be held; a missing one is a `KeyError`."""
    sealed: dict[str, _SealedField] = {}
    for field in PRIVATE_FIELDS[type(event)]:
        private: Private | None = getattr(event, field)
        if private is None:
            continue
        key = held(KeyName(private.subject, private.session, private.key_class))
        if key is None or private.text is None:
            raise KeyError(f"no key for the {private.key_class} field {field!r}")
        both = seal_field(key, stream, version, field, private.text)
        sealed[field] = _SealedField(private.subject, private.session, private.key_class, *both)
    return _encoder.encode(_Entry(envelope, replace(event, **sealed) if sealed else event))


def read(row: Stored) -> tuple[Envelope, Event]:
    """Decodes a stored row; its private fields are not opened yet. Raises `Away` where its bytes are archived."""
    if not row.state:
        raise Away(row.stream)
    entry = _decoder.decode(row.state) if not UPCASTERS else _upcast(row)
    return entry.envelope, cast("Event", entry.event)


def unseal(event: Event, stream: str, version: int, held: HeldKey) -> Event:
    """Opens the private fields whose keys are held. A field without a key stays forgotten: its text is None."""
    opened: dict[str, Private] = {}
    for field in PRIVATE_FIELDS[type(event)]:
        private = getattr(event, field)
        if isinstance(private, _Unopened):
            key = held(KeyName(private.subject, private.session, private.key_class))
            text = None if key is None else open_field(key, stream, version, field, private.sealed)
            opened[field] = Private(private.subject, text, session=private.session, key_class=private.key_class)
    return replace(event, **opened) if opened else event


def recorded(row: Stored, envelope: Envelope, event: Event) -> Recorded:
    return Recorded(row.position, row.stream, row.version, row.recorded_at, envelope, event)


def all_keys(events: Iterable[Event]) -> set[KeyName]:
    return {name for event in events for name in keys_of(event)}


def _upcast(row: Stored) -> _Entry:
    raw = msgspec.json.decode(row.state)
    for schema in range(raw["envelope"].get("schema", 1), SCHEMA):
        if lift := UPCASTERS.get((row.tag, schema)):
            raw["event"] = lift(raw["event"])
    return msgspec.convert(raw, _Entry, dec_hook=_restore)
