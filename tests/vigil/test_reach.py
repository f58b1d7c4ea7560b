"""`vigil doctor` asks STUN and TURN servers for real, and says what keeps media from coming in."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from msgspec.structs import replace

from domain import ice
from media.port import open_socket
from media.relay import relay
from media.worker import MediaSettings, MediaWorker
from tests.turn import SECRET, coturn
from tests.vigil.test_doctor import looked
from vigil import reach
from vigil.settings import Settings, load

LOOPBACK = "sees this machine as 127.0.0.1, where browsers send to"


@pytest.fixture(scope="module")
def turn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a TURN server without TLS."""
    with coturn(tmp_path_factory.mktemp("turn"), "--no-tls", "--no-dtls") as port:
        yield port


def using(uri: str, **more: str) -> Settings:
    return load({"VIGIL_ICE_SERVERS": uri, "VIGIL_TURN_SECRET": SECRET, **more})


async def asked(uri: str, **more: str) -> tuple[bool, str]:
    return await reach.ice_server(using(uri, **more), ice.server(uri).uri)


async def test_a_stun_server_says_where_it_sees_us(turn: int) -> None:
    uri = f"stun:localhost:{turn}"
    assert await asked(uri) == (True, LOOPBACK)
    held, found = await asked(uri, VIGIL_MEDIA_IP="192.0.2.7")
    assert held, "candidates may be in this network"
    assert "127.0.0.1, but browsers send to 192.0.2.7" in found
    assert found.endswith("set VIGIL_MEDIA_IP=127.0.0.1")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_turn_server_relays_to_our_media_port(turn: int, transport: str) -> None:
    assert await asked(f"turn:127.0.0.1:{turn}?transport={transport}") == (
        True,
        f"relays from 127.0.0.1; {LOOPBACK}; what it sends reaches the media port",
    )


async def test_where_the_relay_does_not_reach_the_media_port_it_says_what_to_open(turn: int) -> None:
    held, found = await asked(f"turn:127.0.0.1:{turn}", VIGIL_MEDIA_IP="127.0.0.2", VIGIL_MEDIA_BIND="127.0.0.1")
    assert not held
    assert "does not arrive: let it through the firewall from 127.0.0.1, and have it forwarded to 127.0.0.1" in found


async def test_while_a_media_process_holds_the_port_the_rest_is_told(turn: int) -> None:
    with open_socket("127.0.0.1", 0) as held_by_it:
        held, found = await asked(f"turn:127.0.0.1:{turn}", VIGIL_MEDIA_PORT=str(held_by_it.getsockname()[1]))
    assert held
    assert found.endswith("whether it reaches the media port can be seen while no media process runs")


async def test_another_secret_is_found(turn: int) -> None:
    held, found = await asked(f"turn:127.0.0.1:{turn}", VIGIL_TURN_SECRET="south")
    assert not held
    assert "refuses our credentials: VIGIL_TURN_SECRET must be its own" in found
    assert "south" not in found


async def test_credentials_that_are_over_open_no_relay(turn: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ice, "LIFETIME", timedelta(seconds=-1))
    held, found = await asked(f"turn:127.0.0.1:{turn}")
    assert not held
    assert "and its clock right" in found


async def test_a_relay_that_is_kept_to_the_media_address_works_and_refuses_every_other(tmp_path: Path) -> None:
    """As docs/decisions/0020 tells operators to."""
    others = "0.0.0.0-255.255.255.255", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    kept = *(f"--denied-peer-ip={one}" for one in others), "--allowed-peer-ip=127.0.0.1"
    with coturn(tmp_path, "--no-tls", "--no-dtls", *kept) as port:
        held, found = await asked(f"turn:127.0.0.1:{port}")
        assert held
        assert found.endswith("what it sends reaches the media port")
        held, found = await asked(f"turn:127.0.0.1:{port}", VIGIL_MEDIA_IP="127.0.0.2")
    assert not held
    assert "but it refuses to send to 127.0.0.2 (403 " in found
    assert found.endswith("allow it there")


async def test_a_server_without_relays_to_give_says_so(tmp_path: Path) -> None:
    with coturn(tmp_path, "--no-tls", "--no-dtls", "--total-quota=1") as port:
        uri = f"turn:127.0.0.1:{port}"
        async with relay(ice.server(uri), ice.credentials(SECRET, "somebody", datetime.now(UTC))):
            held, found = await asked(uri)
        assert not held
        assert found.startswith("has no relay left to give (486 ")
        async with asyncio.timeout(10):  # what was borrowed was given back; coturn counts again in its own time
            while not (await asked(uri))[0]:
                await asyncio.sleep(0.2)


@pytest.mark.parametrize("uri", ["stun:127.0.0.1", "turn:127.0.0.1"])
async def test_a_server_that_says_nothing_is_not_waited_for(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "PATIENCE_S", 0.5)
    with open_socket("127.0.0.1", 0) as silent:
        port = silent.getsockname()[1]
        held, found = await asked(f"{uri}:{port}")
    assert not held
    assert found.startswith("no answer in 0 s")
    assert f"let UDP {port} through" in found


async def test_a_server_that_is_not_there_or_has_no_name_is_told(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        held, found = await asked(f"turn:127.0.0.1:{nobody.getsockname()[1]}?transport=tcp")
    assert not held
    assert found.startswith("cannot be reached: Connect")
    held, found = await asked("stun:nosuch.invalid")
    assert not held
    assert found.startswith("cannot be reached: ")


async def test_over_tls_the_certificate_counts_as_it_does_in_a_browser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate(tmp_path)
    files = f"--cert={tmp_path / 'cert.pem'}", f"--pkey={tmp_path / 'key.pem'}"
    with coturn(tmp_path, *files) as port:  # which takes TLS at its plain port, too
        held, found = await asked(f"turns:127.0.0.1:{port}")
        assert not held
        assert found.startswith("its certificate is not trusted, and browsers will refuse it too: self")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        assert (await asked(f"turns:127.0.0.1:{port}"))[1].endswith("what it sends reaches the media port")


async def test_the_media_port_is_told_with_where_browsers_send_to() -> None:
    assert await reach.media_port(load({})) == (
        True,
        "browsers send to 127.0.0.1; any free UDP port of 127.0.0.1",
    )
    held, found = await reach.media_port(load({"VIGIL_PUBLIC_URL": "https://exams.example.org"}))
    assert not held
    assert "this machine alone: set VIGIL_MEDIA_IP" in found
    held, found = await reach.media_port(load({"VIGIL_MEDIA_IP": "192.0.2.7"}))
    assert held
    assert "a firewall needs to know the port: set VIGIL_MEDIA_PORT" in found
    held, found = await reach.media_port(load({"VIGIL_MEDIA_BIND": "192.0.2.7", "VIGIL_MEDIA_PORT": "40000-40001"}))
    assert not held
    assert found.startswith("UDP ports 40000 to 40001 of 192.0.2.7: ")


async def test_a_port_that_another_program_holds_is_found() -> None:
    with open_socket("127.0.0.1", 0) as there:
        port = there.getsockname()[1]
        held, found = await reach.media_port(load({"VIGIL_MEDIA_PORT": str(port)}))
        assert not held
        assert found.startswith(f"UDP port {port} of 127.0.0.1: Address already in use: stop what is there, or change")
        some = await reach.media_port(load({"VIGIL_MEDIA_PORT": f"{port}-{port + 1}"}))
        assert some[0]
        assert f"UDP ports {port} to {port + 1} of 127.0.0.1, 1 of them free" in some[1]


async def test_a_port_that_our_own_media_process_holds_is_as_it_should_be(settings: Settings, tmp_path: Path) -> None:
    async def no_key(*_: str) -> bytes:
        return bytes(32)

    with open_socket("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    worker = f"{socket.gethostname()}-4711"
    mine = MediaSettings(worker=worker, nats_url=settings.nats_url, spool=tmp_path / "spool", bind_ports=(port, port))
    async with MediaWorker(mine, no_key):
        assert await reach.media_port(replace(settings, media_port=(port, port))) == (
            True,
            f"browsers send to 127.0.0.1; UDP port {port} of 127.0.0.1, held by {worker}",
        )


async def test_the_doctor_has_a_line_for_the_port_and_for_each_server(settings: Settings, turn: int) -> None:
    assert "no UDP through cannot send media" in (await looked(settings))[1]["ice"][1]
    uris = (f"stun:127.0.0.1:{turn}", f"turn:127.0.0.1:{turn}?transport=tcp")
    code, found = await looked(replace(settings, ice_servers=uris, turn_secret=SECRET))
    assert code == 0
    assert found["media"][0] == "ok"
    assert [found[uri][0] for uri in uris] == ["ok", "ok"]
    code, found = await looked(replace(settings, ice_servers=uris, turn_secret="south"))
    assert (code, found[uris[1]][0]) == (1, "!!")


def certificate(folder: Path) -> None:
    """One for 127.0.0.1 that vouches for itself, in cert.pem and key.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "turn")]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
