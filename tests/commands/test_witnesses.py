"""Outside witnesses on a real ledger: a folder, a program, a real time-stamping authority."""

from __future__ import annotations

import asyncio
import logging
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import httpx
import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from psycopg import AsyncConnection
from rfc3161_client import VerifierBuilder, decode_timestamp_response

from commands.audit import Outside, check
from commands.checkpoint import Signer, parse
from commands.notary import seal_batch, sign
from commands.proofs import Checkpoint, latest
from commands.witnesses import Folder, TimeStamp, Webhook, WitnessAway, Witnesses, first_told_of, last_told
from tests.serving import serving
from vigil.settings import as_role

SIGNER = Signer("vigil.example/log", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
Answer = Callable[[bytes], Awaitable[tuple[int, bytes]]]


@pytest.fixture
async def owner(database: str) -> AsyncIterator[AsyncConnection]:
    async with await AsyncConnection.connect(database, autocommit=True) as conn:
        yield conn


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


async def grow(conn: AsyncConnection, events: int, stream: str = "t/session/a") -> Checkpoint:
    """So many events more in the ledger, sealed and signed."""
    await conn.execute(
        "INSERT INTO ledger.events (originator_id, originator_version, topic, state, recorded_at)"
        " SELECT %s, n, 'session.opened', '{}', clock_timestamp()"
        " FROM (SELECT count(*) AS had FROM ledger.events WHERE originator_id = %s) h,"
        " generate_series(had + 1, had + %s) n",
        (stream, stream, events),
    )
    while (await seal_batch(conn)).events:
        pass
    await sign(conn, SIGNER)
    newest = await latest(conn)
    assert newest
    return newest


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[str]:
    """The URL of a program that answers what is posted."""

    async def app(scope: dict[str, object], receive: Callable[[], Awaitable[dict[str, bytes]]], send: object) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), bool(message.get("more_body"))
        status, said = await answer(body)
        await send({"type": "http.response.start", "status": status, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": said})  # type: ignore[operator]

    async with serving(app) as url:
        yield url


async def eventually(held: Callable[[], Awaitable[bool]], within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while not await held():
            await asyncio.sleep(0.05)


async def test_a_folder_gets_a_note_of_the_newest_checkpoint_and_later_ones_beside_it(
    database: str, owner: AsyncConnection, tmp_path: Path
) -> None:
    first = await grow(owner, 3)
    work = asyncio.create_task(Witnesses(as_role(database, "notary"), [Folder(tmp_path)], every_s=0.05).run())
    try:
        await eventually(lambda: _there(tmp_path, first))
        second = await grow(owner, 2)
        await eventually(lambda: _there(tmp_path, second))
    finally:
        work.cancel()
    assert [parse(path.read_text()).size for path in sorted(tmp_path.iterdir())] == [3, 5]
    assert (await last_told(owner, [Folder(tmp_path).name]))[Folder(tmp_path).name].size == 5


async def _there(folder: Path, checkpoint: Checkpoint) -> bool:
    return any(path.read_text() == checkpoint.note for path in folder.iterdir())


async def test_a_folder_that_holds_something_else_is_not_written_over(owner: AsyncConnection, tmp_path: Path) -> None:
    checkpoint = await grow(owner, 1)
    await Folder(tmp_path).tell(checkpoint)
    await Folder(tmp_path).tell(checkpoint)  # again, after a crash: nothing happens
    (file,) = tmp_path.iterdir()
    file.write_text(checkpoint.note[:20])  # a crash while it was written
    await Folder(tmp_path).tell(checkpoint)
    assert file.read_text() == checkpoint.note
    file.write_text("another history")
    with pytest.raises(WitnessAway, match="something else"):
        await Folder(tmp_path).tell(checkpoint)
    assert file.read_text() == "another history"


async def test_a_program_that_is_away_is_told_later_and_that_is_logged_once(
    database: str, owner: AsyncConnection, http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoint, heard, well = await grow(owner, 4), list[bytes](), False

    async def answer(body: bytes) -> tuple[int, bytes]:
        heard.append(body)
        return (204, b"") if well else (503, b"")

    async with answering(answer) as url:
        hook = Webhook(url, http)
        with caplog.at_level(logging.WARNING):
            work = asyncio.create_task(Witnesses(as_role(database, "notary"), [hook], every_s=0.02).run())
            try:
                await eventually(lambda: _true(len(heard) > 3))
                assert not await last_told(owner, [hook.name])
                well = True
                await eventually(lambda: _told(owner, hook.name))
            finally:
                work.cancel()
    assert heard[-1].decode() == checkpoint.note
    assert [r.getMessage() for r in caplog.records if "could not be told" in r.getMessage()] == [
        "webhook at 127.0.0.1 could not be told of a checkpoint and will be again: it answered 503"
    ]


async def _true(held: bool) -> bool:
    return held


async def _told(conn: AsyncConnection, name: str) -> bool:
    return bool(await last_told(conn, [name]))


async def test_what_was_told_cannot_be_changed(database: str, owner: AsyncConnection, tmp_path: Path) -> None:
    checkpoint = await grow(owner, 1)
    async with await AsyncConnection.connect(as_role(database, "notary"), autocommit=True) as conn:
        await conn.execute(
            "INSERT INTO ledger.witnessed (witness, size, answer) VALUES ('folder x', %s, '')", (checkpoint.size,)
        )
        for change in ("UPDATE ledger.witnessed SET answer = 'x'", "DELETE FROM ledger.witnessed"):
            with pytest.raises(psycopg.Error):
                await conn.execute(change)
    found = await first_told_of(owner, checkpoint.position, checkpoint.size)
    assert [(told.witness, mark.note) for told, mark in found] == [("folder x", checkpoint.note)]


class Authority:
    """A real time-stamping authority: OpenSSL's, with a certificate of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a time-stamping authority")])
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(17)
            .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )  # fmt: skip
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "key.pem").write_bytes(pem)
        (folder / "tsa.pem").write_bytes(self.certificate.public_bytes(Encoding.PEM))
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(
            "[tsa]\ndefault_tsa = one\n[one]\n"
            f"serial = {folder}/serial\nsigner_cert = {folder}/tsa.pem\nsigner_key = {folder}/key.pem\n"
            "signer_digest = sha256\ndefault_policy = 1.2.3.4\ndigests = sha256, sha512\ness_cert_id_alg = sha256\n"
        )

    async def answer(self, query: bytes) -> tuple[int, bytes]:
        (self._folder / "query").write_bytes(query)
        command = ["openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply"]
        await asyncio.to_thread(subprocess.run, command, cwd=self._folder, check=True, capture_output=True)
        return 200, (self._folder / "reply").read_bytes()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl, which serves as time-stamping authority")
async def test_a_time_stamp_is_over_the_note_and_anybody_can_check_it(
    owner: AsyncConnection, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    checkpoint, authority = await grow(owner, 2), Authority(tmp_path)
    async with answering(authority.answer) as url:
        answer = await TimeStamp(url, http).tell(checkpoint)
        other = await TimeStamp(url, http).tell(await grow(owner, 1))
    stamp = decode_timestamp_response(answer)
    assert stamp.tst_info.message_imprint.message == sha256(checkpoint.note.encode()).digest()
    verifier = VerifierBuilder().add_root_certificate(authority.certificate).build()
    assert verifier.verify(stamp, sha256(checkpoint.note.encode()).digest())

    async def replay(_: bytes) -> tuple[int, bytes]:
        return 200, other

    async with answering(replay) as url:
        with pytest.raises(WitnessAway, match="something else"):
            await TimeStamp(url, http).tell(checkpoint)


@pytest.mark.parametrize(("status", "said", "why"), [(200, b"", "no time stamp"), (500, b"", "answered 500")])
async def test_what_is_no_time_stamp_is_not_taken_for_one(
    owner: AsyncConnection, http: httpx.AsyncClient, status: int, said: bytes, why: str
) -> None:
    checkpoint = await grow(owner, 1)

    async def answer(_: bytes) -> tuple[int, bytes]:
        return status, said

    async with answering(answer) as url:
        with pytest.raises(WitnessAway, match=why):
            await TimeStamp(url, http).tell(checkpoint)


async def rewritten(owner: AsyncConnection) -> None:
    """What a thief of the signing key does who also owns the database: another history, sealed and signed anew."""
    async with owner.transaction():
        await owner.execute("SET LOCAL session_replication_role = replica")
        for table in ("witnessed", "checkpoints", "nodes", "leaves"):
            await owner.execute(f"DELETE FROM ledger.{table}")
        await owner.execute("""UPDATE ledger.events SET state = '{"event":{}}' WHERE originator_version = 1""")
    await grow(owner, 0)


async def test_a_whole_rewrite_with_the_same_key_is_found_by_what_is_held_outside_and_by_nothing_else(
    owner: AsyncConnection,
) -> None:
    held = await grow(owner, 3)
    await grow(owner, 4)
    await rewritten(owner)
    alone = await check(owner, SIGNER.origin, [SIGNER.public])
    assert alone.difference is None  # and `vigil notary check` says that no note from outside was given
    outside = [Outside(held.size, held.root, "note of the institution")]
    found = await check(owner, SIGNER.origin, [SIGNER.public], outside=outside)
    assert found.difference == (
        "note of the institution has another root over 3 events: they are not what was signed then"
    )


async def test_a_ledger_that_was_cut_short_is_found_by_what_is_held_outside(owner: AsyncConnection) -> None:
    await grow(owner, 3)
    outside = [Outside(9, bytes(32), "receipt"), Outside(3, (await grow(owner, 0)).root, "note")]
    found = await check(owner, SIGNER.origin, [SIGNER.public], outside=outside)
    assert found.difference == "receipt is over 9 events, and 3 are sealed here"
