"""Canned messages: kept, changed by version, removed; and what a sent one remembers."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from domain import chat
from domain.canned import DECIDER, Add, Added, Canned, Change, Changed, Remove, Removed
from tests.domain.given import given
from tests.domain.hall import at, private

ADD = Add(label="A moment", text="One moment, please.")
ADDED = Added(label="A moment", text="One moment, please.")
CHANGED = Changed(label="A moment", text="Wait, please.")


def test_a_text_is_kept_changed_and_removed() -> None:
    given(DECIDER).when(ADD).then(ADDED)
    given(DECIDER, ADDED).when(ADD).refused("exists already")
    given(DECIDER, ADDED).when(Change(label="A moment", text="Wait, please.")).then(CHANGED)
    given(DECIDER, ADDED).when(Change(label=ADD.label, text=ADD.text)).then_nothing()
    given(DECIDER, ADDED, CHANGED).when(Remove()).then(Removed())
    given(DECIDER, ADDED, Removed()).when(Remove()).then_nothing()


def test_each_change_is_a_version() -> None:
    assert given(DECIDER, ADDED, CHANGED).state == Canned(
        phase="kept", label="A moment", text="Wait, please.", version=2
    )


@pytest.mark.parametrize("command", [Change(label="x", text="x"), Remove()])
def test_what_is_not_there_does_not_change(command: Change | Remove) -> None:
    given(DECIDER).when(command).refused("no such canned message", field="canned", kind="not_found")


def test_what_was_removed_is_gone() -> None:
    change = Change(label="x", text="x")
    given(DECIDER, ADDED, Removed()).when(change).refused("no such canned", field="canned", kind="not_found")


@pytest.mark.parametrize(
    ("field", "value"), [("label", " "), ("text", "\n"), ("label", "x" * 101), ("text", "x" * 2001)]
)
def test_it_has_a_label_and_a_text_of_bearable_length(field: str, value: str) -> None:
    for command, before in ((ADD, ()), (Change(label="x", text="x"), (ADDED,))):
        part = "at most" if value.strip() else f"needs a {field}"
        given(DECIDER, *before).when(replace(command, **{field: value})).refused(part, field=field, kind="invalid")


def test_a_message_remembers_which_text_in_which_version_it_was() -> None:
    source = chat.CannedVersion("c1", 2)
    text = private("Wait, please.", "chat")
    send = chat.Send(message="m1", side="invigilator", by="turing", at=at("10:00"), text=text, canned=source)
    sent = chat.MessageSent(message="m1", side="invigilator", by="turing", at=at("10:00"), text=text, canned=source)
    given(chat.DECIDER).when(send).then(sent)
