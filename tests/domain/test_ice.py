"""STUN and TURN servers are read from their URIs, and a TURN server checks for itself whom we let in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.ice import LIFETIME, Credentials, Server, credentials, server


@pytest.mark.parametrize(
    ("uri", "host", "port", "transport", "relays"),
    [
        ("stun:stun.example.org", "stun.example.org", 3478, "udp", False),
        ("stun:192.0.2.1:19302", "192.0.2.1", 19302, "udp", False),
        ("turn:turn.example.org", "turn.example.org", 3478, "udp", True),
        ("turn:turn.example.org:80?transport=tcp", "turn.example.org", 80, "tcp", True),
        ("turns:turn.example.org", "turn.example.org", 5349, "tls", True),
        ("turns:[2001:db8::1]:443?transport=tcp", "2001:db8::1", 443, "tls", True),
    ],
)
def test_a_server_is_read_from_its_uri(uri: str, host: str, port: int, transport: str, relays: bool) -> None:
    assert server(uri) == Server(uri=uri, host=host, port=port, transport=transport, relays=relays)  # type: ignore[arg-type]
    assert server(uri.upper()) == server(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "", "turn.example.org:3478", "http://turn.example.org", "turn://turn.example.org", "turn:user@turn.example.org",
        "turn:turn.example.org:0", "turn:turn.example.org:70000", "turn:turn.example.org?transport=tls",
        "stun:stun.example.org?transport=udp", "turns:turn.example.org?transport=udp", "stuns:stun.example.org",
        'turn:turn.example.org>; rel="evil"', "turn:turn.example.org\r\nX: y", "turn:[2001:db8::1", "turn:-",
    ],
)  # fmt: skip
def test_what_no_browser_takes_is_no_server(uri: str) -> None:
    with pytest.raises(ValueError, match=r"not|no browser"):
        server(uri)


def test_credentials_are_what_the_server_works_out_for_itself() -> None:
    """The password is what `printf 1433895918:ninefingers | openssl dgst -sha1 -hmac north -binary | base64` says."""
    at = datetime.fromtimestamp(1433895918, UTC) - LIFETIME
    assert credentials("north", "ninefingers", at.replace(microsecond=999)) == Credentials(
        username="1433895918:ninefingers", password="jy8hTxmOO7UtEKXqSkSlvakPVYA=", expires_at=at + LIFETIME
    )
