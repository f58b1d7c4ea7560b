"""The demo finds a port, leaves one that was asked for to whoever starts the front door, and serves a small exam."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import httpx
import pytest
from msgspec.structs import replace

from vigil.demo import _at_free_port
from vigil.demo.exam_page import exam_page
from vigil.settings import Settings


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture(autouse=True)
def _port_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_PORT", "")  # and put back whatever the demo sets


def test_the_usual_port_is_left_to_who_answers_there(settings: Settings, taken: socket.socket) -> None:
    usual = taken.getsockname()[1]
    found = _at_free_port(replace(settings, port=usual))
    assert found.port != usual
    assert os.environ["VIGIL_PORT"] == str(found.port)


def test_a_port_that_was_asked_for_is_waited_for_and_not_changed(
    settings: Settings, taken: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = taken.getsockname()[1]
    monkeypatch.setenv("VIGIL_PORT", str(asked))
    assert _at_free_port(replace(settings, port=asked)).port == asked


def test_connections_that_have_ended_keep_no_port(settings: Settings, taken: socket.socket) -> None:
    """For a minute after they were closed on this side, the system remembers them."""
    usual = taken.getsockname()[1]
    with socket.create_connection(taken.getsockname()) as caller:
        ours, _ = taken.accept()
        ours.close()
        assert caller.recv(1) == b""
    taken.close()
    assert _at_free_port(replace(settings, port=usual)).port == usual


def test_the_exam_is_served_with_what_it_needs_and_nothing_beside_it() -> None:
    with exam_page() as address, httpx.Client(base_url=address) as http:
        assert "Physiology I" in http.get("/").text
        assert {http.get(name).status_code for name in ("/exam.js", "/exam.css")} == {200}
        assert http.get("/../exam_page.py").status_code == 404
