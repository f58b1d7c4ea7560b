"""Stream names lead to the session that they belong to."""

from __future__ import annotations

import pytest

from domain.stream import Stream, parse


@pytest.mark.parametrize(
    ("stream", "session"),
    [
        ("tu/session/s1", "s1"),
        ("tu/recording/s1.camera", "s1"),
        ("tu/intervention/s1.i7", "s1"),
        ("tu/schedule/algebra", None),
        ("tu/user/turing", None),
    ],
)
def test_every_stream_of_a_session_is_named_by_it(stream: str, session: str | None) -> None:
    assert parse(stream).session == session
    assert str(parse(stream)) == stream


def test_a_name_may_hold_a_slash_but_a_tenant_does_not() -> None:
    assert parse("tu/user/a/b") == Stream("tu", "user", "a/b")
