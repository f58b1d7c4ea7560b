"""One installation has one signing key: what it signs, an auditor can hold against one fingerprint."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.e2e.installation import free_port
from vigil import roles
from vigil.door import services
from vigil.exports import ExportJobs
from vigil.secret import make_secret
from vigil.settings import Settings, SettingsError
from vigil.signing import signer
from vigil.wiring import core

MISSING = "VIGIL_SIGNING_KEY_FILE: expected .* `openssl rand -base64 32`"


def test_every_process_with_the_same_file_signs_as_the_same(settings: Settings, tmp_path: Path) -> None:
    make_secret(tmp_path / "one")
    make_secret(tmp_path / "other")
    one = replace(settings, signing_key_file=tmp_path / "one")
    assert signer(one).fingerprint == signer(one).fingerprint
    assert signer(one).fingerprint != signer(replace(settings, signing_key_file=tmp_path / "other")).fingerprint


def test_a_signing_key_that_is_gone_is_never_replaced_by_another(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=MISSING):
        signer(replace(settings, signing_key_file=tmp_path / "gone"))
    assert not (tmp_path / "gone").exists()


def test_a_bad_signing_key_is_refused_and_not_shown(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("hush")
    with pytest.raises(SettingsError, match=MISSING) as error:
        signer(replace(settings, signing_key_file=tmp_path / "bad"))
    assert "hush" not in str(error.value)


async def test_only_what_signs_or_names_the_signer_needs_the_key(settings: Settings, tmp_path: Path) -> None:
    async with core(replace(settings, signing_key_file=tmp_path / "gone"), "media") as here:
        with pytest.raises(SettingsError, match=MISSING):
            await asyncio.wait_for(roles.notary(here), 20)
        with pytest.raises(SettingsError, match=MISSING):
            services(here, ExportJobs(here))
    assert not (tmp_path / "gone").exists()


async def test_a_signing_key_that_is_missing_is_said_before_anything_starts(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=MISSING):
        await roles._all(replace(settings, port=free_port(), signing_key_file=tmp_path / "gone"), None)
