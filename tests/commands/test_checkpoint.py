"""Signed notes: read and made as other tools of the transparency-log world read and make them."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from commands.checkpoint import Head, Malformed, Signer, fingerprint, parse, signed_by
from commands.merkle import leaf_hash

ROOT = leaf_hash(b"anything")
SIGNER = Signer("vigil.example/log", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = Signer("vigil.example/log", Ed25519PrivateKey.from_private_bytes(bytes(32)))

# The example of Go's golang.org/x/mod/sumdb/note package, whose format C2SP wrote down.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_a_note_of_another_implementation_is_believed() -> None:
    name, _, key = GO_KEY.split("+", 2)
    public = b64decode(key)[1:]
    assert signed_by(GO_NOTE, name, public)
    assert not signed_by(GO_NOTE.replace("your problem is", "our problem is"), name, public)


def test_a_checkpoint_says_origin_size_and_root() -> None:
    note = SIGNER.note(42, ROOT)
    assert parse(note) == Head("vigil.example/log", 42, ROOT)
    assert note.startswith(f"vigil.example/log\n42\n{b64encode(ROOT).decode()}\n\n— vigil.example/log ")


def test_the_verifier_key_is_enough_to_check_a_checkpoint_without_this_code() -> None:
    name, hint, key = SIGNER.verifier_key.split("+", 2)
    text, _, line = SIGNER.note(42, ROOT).rpartition("\n\n")
    _, signer, signature = line.split()
    raw = b64decode(signature)
    assert (signer, raw[:4].hex()) == (name, hint)
    Ed25519PublicKey.from_public_bytes(b64decode(key)[1:]).verify(raw[4:], (text + "\n").encode())


def test_only_the_key_that_signed_is_believed() -> None:
    note = SIGNER.note(42, ROOT)
    assert signed_by(note, SIGNER.origin, SIGNER.public)
    assert not signed_by(note, SIGNER.origin, OTHER.public)
    assert not signed_by(note, "another.example/log", SIGNER.public)


def test_a_changed_checkpoint_is_not_believed() -> None:
    assert not signed_by(SIGNER.note(42, ROOT).replace("\n42\n", "\n43\n"), SIGNER.origin, SIGNER.public)


def test_a_second_key_adds_its_line_once() -> None:
    note = SIGNER.note(42, ROOT)
    both = OTHER.countersign(note)
    assert both.startswith(note)
    assert signed_by(both, SIGNER.origin, SIGNER.public)
    assert signed_by(both, OTHER.origin, OTHER.public)
    assert OTHER.countersign(both) == both
    assert SIGNER.countersign(note) == note


def test_the_same_checkpoint_is_always_the_same_text() -> None:
    assert SIGNER.note(42, ROOT) == SIGNER.note(42, ROOT)


def test_other_signatures_cannot_stand_for_a_checkpoint() -> None:
    with pytest.raises(ValueError, match="by `note`"):
        SIGNER.sign(b"vigil.example/log\n1\n")
    Ed25519PublicKey.from_public_bytes(SIGNER.public).verify(SIGNER.sign(b"hello"), b"hello")


@pytest.mark.parametrize("origin", ["", "with space", "with+plus", "line\nfeed"])
def test_an_origin_is_a_plain_name(origin: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        Signer(origin, Ed25519PrivateKey.generate())


def test_a_fingerprint_is_the_hash_of_the_public_key() -> None:
    assert SIGNER.fingerprint == fingerprint(SIGNER.public)
    assert len(SIGNER.fingerprint) == 64


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no signature\n",
        "log\n1\nAAAA\n\n",
        f"log\n1\n{b64encode(ROOT).decode()}\n\n- log AAAA\n",
        "log\n01\n" + b64encode(ROOT).decode() + "\n\n— log AAAA\n",
        "log\n-1\n" + b64encode(ROOT).decode() + "\n\n— log AAAA\n",
        "log\n1\nAAAA\n\n— log AAAA\n",
        "log\n\n— log AAAA\n",
    ],
)
def test_what_is_no_checkpoint_says_so(text: str) -> None:
    with pytest.raises(Malformed):
        parse(text)
