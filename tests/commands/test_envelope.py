"""What lies on disk: whole, the same every time, and with nothing personal that can be read without a key."""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import UTC, datetime
from hashlib import sha256

import msgspec
import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given as for_all
from hypothesis import strategies as st
from msgspec.structs import replace

from commands import envelope as envelopes
from commands.envelope import PRIVATE_FIELDS, all_keys, encode, keys_of, read, recorded, tag_of, unseal
from commands.keys import KeyName, field_key
from domain.archive import Away
from domain.chat import MessageSent
from domain.enrolment import CandidateEnrolled
from domain.event import Event, Private
from domain.recorded import Envelope, Stored
from domain.registry import EVENTS
from domain.session import Paused

NOW = datetime(2026, 6, 1, 10, tzinfo=UTC)
AROUND = Envelope(actor="candidate/ada", command="c1", occurred_at=NOW, skew_ms=3.5, correlation="r1", causation=7)
STREAM, VERSION = "tu/chat/s1", 4
SECRET = "My screen went black, and my grandmother died."
SENT = MessageSent(
    message="m1", side="candidate", by="ada", at=NOW, text=Private("ada", SECRET, session="s1", key_class="chat")
)
KEY = KeyName("ada", "s1", "chat")
KEYS = {KEY: b"k" * 32}


def _stored(event: Event = SENT, stream: str = STREAM, version: int = VERSION) -> Stored:
    return Stored(9, stream, version, tag_of(event), NOW, encode(event, AROUND, stream, version, KEYS.get))


def _opened(row: Stored) -> Event:
    return unseal(read(row)[1], row.stream, row.version, KEYS.get)


# The round trip.


def test_an_event_comes_back_as_it_was_with_what_surrounds_it() -> None:
    row = _stored()
    around, event = read(row)
    opened = unseal(event, STREAM, VERSION, KEYS.get)
    assert around == AROUND
    assert opened == SENT
    assert recorded(row, around, opened) == (9, STREAM, VERSION, NOW, AROUND, SENT)


@for_all(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    sent = replace(SENT, text=Private("ada", text, session="s1", key_class="chat"))
    assert _opened(_stored(sent)) == sent


def test_an_event_without_private_fields_is_the_same_bytes_every_time() -> None:
    paused = Paused(at=NOW, intervention="i1")
    once, again = (encode(paused, AROUND, "tu/session/s1", 3, KEYS.get) for _ in range(2))
    assert once == again
    assert msgspec.json.decode(once)["event"] == {
        "type": "session.paused",
        "at": "2026-06-01T10:00:00Z",
        "intervention": "i1",
    }


def test_an_optional_private_field_may_be_empty() -> None:
    person = Private("ada", "Ada", key_class="profile")
    enrolled = CandidateEnrolled(subject="ada", session="s1", name=person, number=person)
    held = {KeyName("ada", "", "profile"): b"p" * 32}
    row = Stored(1, "tu/schedule/a", 2, tag_of(enrolled), NOW, encode(enrolled, AROUND, "tu/schedule/a", 2, held.get))
    assert unseal(read(row)[1], row.stream, row.version, held.get) == enrolled


def test_an_event_names_the_keys_that_it_needs() -> None:
    person = Private("ada", "Ada", key_class="profile")
    enrolled = CandidateEnrolled(subject="ada", session="s1", name=person, number=person)
    assert keys_of(SENT) == [KEY]
    assert all_keys([SENT, enrolled, Paused(at=NOW, intervention="i1")]) == {KEY, KeyName("ada", "", "profile")}


def test_every_private_field_of_every_event_is_known_by_its_annotation() -> None:
    for event in EVENTS.values():
        private = {name for name, hint in event.__annotations__.items() if "Private" in str(hint)}
        assert private == set(PRIVATE_FIELDS[event])


# Nothing can be read without a key.


def test_a_private_text_never_lies_on_disk() -> None:
    state = _stored().state
    sealed = b64decode(msgspec.json.decode(state)["event"]["text"]["sealed"])
    assert len(sealed) == 12 + len(SECRET) + 16  # nonce, ciphertext, tag
    assert not any(word.encode() in state + sealed for word in ("screen", "grandmother"))


def test_the_same_text_is_sealed_anew_each_time() -> None:
    once, again = (msgspec.json.decode(_stored().state)["event"]["text"] for _ in range(2))
    assert once["sealed"] != again["sealed"]
    assert once["commitment"] == again["commitment"]


def test_the_commitment_is_to_the_key_of_that_field_alone() -> None:
    text = msgspec.json.decode(_stored().state)["event"]["text"]
    key = field_key(KEYS[KEY], STREAM, VERSION, "text")
    assert b64decode(text["commitment"]) == sha256(b"vigil/commitment/1" + key).digest()
    other = msgspec.json.decode(_stored(version=5).state)["event"]["text"]
    assert other["commitment"] != text["commitment"]


@pytest.mark.parametrize(("stream", "version"), [("tu/chat/s2", VERSION), (STREAM, VERSION + 1)])
def test_a_ciphertext_moved_to_another_place_is_refused(stream: str, version: int) -> None:
    moved = read(_stored())[1]
    with pytest.raises(InvalidTag):
        unseal(moved, stream, version, KEYS.get)


def test_a_ciphertext_moved_to_another_field_is_refused() -> None:
    held = {KeyName("ada", "", "profile"): b"p" * 32}
    name, number = (Private("ada", text, key_class="profile") for text in ("Ada", "1815"))
    enrolled = CandidateEnrolled(subject="ada", session="s1", name=name, number=number)
    raw = msgspec.json.decode(encode(enrolled, AROUND, "tu/schedule/a", 2, held.get))
    raw["event"]["name"], raw["event"]["number"] = raw["event"]["number"], raw["event"]["name"]
    swapped = read(Stored(1, "tu/schedule/a", 2, tag_of(enrolled), NOW, msgspec.json.encode(raw)))[1]
    with pytest.raises(InvalidTag):
        unseal(swapped, "tu/schedule/a", 2, held.get)


def test_a_changed_ciphertext_is_refused() -> None:
    raw = msgspec.json.decode(_stored().state)
    sealed = bytearray(b64decode(raw["event"]["text"]["sealed"]))
    sealed[20] ^= 1
    raw["event"]["text"]["sealed"] = b64encode(sealed).decode()
    changed = read(_stored()._replace(state=msgspec.json.encode(raw)))[1]
    with pytest.raises(InvalidTag):
        unseal(changed, STREAM, VERSION, KEYS.get)


def test_without_its_key_a_text_is_forgotten_and_everything_else_stays() -> None:
    event = unseal(read(_stored())[1], STREAM, VERSION, lambda _: None)
    assert isinstance(event, MessageSent)
    assert event == replace(SENT, text=Private("ada", None, session="s1", key_class="chat"))
    assert event.text.text is None


def test_nothing_is_stored_without_its_key() -> None:
    with pytest.raises(KeyError, match="chat field 'text'"):
        encode(SENT, AROUND, STREAM, VERSION, lambda _: None)


def test_a_forgotten_text_is_not_stored_again() -> None:
    forgotten = replace(SENT, text=Private("ada", None, session="s1", key_class="chat"))
    with pytest.raises(KeyError):
        encode(forgotten, AROUND, STREAM, VERSION, KEYS.get)


# Nothing slips out by accident.


def test_a_private_text_cannot_be_encoded_printed_or_formatted_by_accident() -> None:
    for encoder in (msgspec.json.encode, msgspec.msgpack.encode, msgspec.to_builtins):
        with pytest.raises(TypeError):
            encoder(SENT)
    for shown in (repr(SENT), str(SENT.text), f"{SENT.text}", repr(read(_stored())[1])):
        assert SECRET not in shown
        assert "Private(chat of ada" in shown


def test_an_error_about_a_missing_key_does_not_hold_the_text() -> None:
    with pytest.raises(KeyError) as caught:
        encode(SENT, AROUND, STREAM, VERSION, lambda _: None)
    assert SECRET not in str(caught.value)


# What else may come.


def test_a_field_of_a_newer_version_is_passed_over() -> None:
    raw = msgspec.json.decode(_stored().state)
    raw["event"]["mood"] = "gloomy"
    raw["envelope"]["weather"] = "rain"
    assert _opened(_stored()._replace(state=msgspec.json.encode(raw))) == SENT


@pytest.mark.parametrize("state", [b" ", b"{}", b'{"envelope":{},"event":{"type":"chat.message_eaten"}}', b"\xff"])
def test_what_is_not_one_of_our_events_is_a_clear_error(state: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        read(_stored()._replace(state=state))


def test_an_event_whose_bytes_are_archived_says_so() -> None:
    with pytest.raises(Away):
        read(_stored()._replace(state=b""))


def test_an_old_event_is_lifted_to_what_it_is_today(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_sides(event: dict[str, object]) -> dict[str, object]:
        return {**event, "side": event.pop("from")}

    monkeypatch.setattr(envelopes, "UPCASTERS", {("chat.message_sent", 1): with_sides})
    monkeypatch.setattr(envelopes, "SCHEMA", 2)
    raw = msgspec.json.decode(_stored().state)
    raw["event"]["from"] = raw["event"].pop("side")
    assert _opened(_stored()._replace(state=msgspec.json.encode(raw))) == SENT
    raw["event"]["side"], raw["envelope"]["schema"] = raw["event"].pop("from"), 2
    assert _opened(_stored()._replace(state=msgspec.json.encode(raw))) == SENT
