"""An export verifies; whatever is changed in it is found and named."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.vigil.export.sitting import OTHER, SIGNER
from tests.vigil.export.spoiling import (
    SPOILS,
    Spoil,
    add_file,
    drop,
    failures,
    flip,
    forge,
    lines,
    link,
    sign_again,
    take_file,
    withhold,
)
from vigil.verify import Check, main


def said(folder: Path, *options: str) -> tuple[int, str]:
    """As an auditor runs it: the verifier that lies in the export, in a Python that knows nothing of Vigil."""
    run = subprocess.run(
        [sys.executable, "-I", str(folder / "verify.py"), str(folder), *options],
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


def test_an_export_verifies_with_the_key(made: Path) -> None:
    code, text = said(made, "--key", SIGNER.fingerprint)
    assert code == 0
    assert text.endswith("verified\n")
    assert "no outside witness" in text
    assert "rests on seal 2 (complete)" in text
    assert "consistent" not in text


def test_a_fingerprint_may_be_written_with_colons_and_capitals(made: Path) -> None:
    spoken = ":".join(re.findall("..", SIGNER.fingerprint.upper()))
    assert Check(made).run(spoken).failures == []


def test_without_the_key_an_export_is_only_consistent(made: Path) -> None:
    code, text = said(made)
    assert code == 0
    assert "consistent, signer unknown" in text
    assert SIGNER.fingerprint in text
    assert "\nverified" not in text


def test_another_key_than_the_trusted_one_fails(made: Path) -> None:
    code, text = said(made, "--key", OTHER.fingerprint)
    assert code == 1
    assert "not by the key that you trust" in text


def test_the_verifier_needs_the_standard_library_and_cryptography_only(made: Path) -> None:
    names = set()
    for node in ast.walk(ast.parse((made / "verify.py").read_text())):
        if isinstance(node, ast.Import):
            names |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    assert names <= {*sys.stdlib_module_names, "cryptography"}


def test_the_command_line_runs_the_same_file(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(made), "--key", SIGNER.fingerprint]) == 0
    assert main([str(made), "--key", "00"]) == 1
    assert "FAILED" in capsys.readouterr().out


@pytest.mark.parametrize(("spoil", "named"), SPOILS.values(), ids=SPOILS.keys())
def test_what_is_changed_is_found_and_named(export: Path, spoil: Spoil, named: str) -> None:
    spoil(export)
    found = failures(export)
    assert re.search(named, found), found
    assert "is not the file that was signed" in found or "is missing" in found


@pytest.mark.parametrize(("spoil", "named"), SPOILS.values(), ids=SPOILS.keys())
def test_not_even_the_operator_can_sign_a_change(export: Path, spoil: Spoil, named: str) -> None:
    spoil(export)
    sign_again(export)
    found = failures(export)
    assert re.search(named, found), found
    assert "is not the file that was signed" not in found
    assert said(export)[0] == 1


def test_a_tail_that_was_sealed_cannot_be_withheld_even_with_a_new_manifest(export: Path) -> None:
    drop("recording.finalised", 1)(export)
    manifest = json.loads((export / "manifest.json").read_text())
    streams = manifest["streams"]
    ends = {
        row["stream"]: {"last": row["version"], "position": row["position"]} for row in lines(export, "events.jsonl")
    }
    sign_again(export, streams={stream: ends[stream] for stream in streams})
    found = failures(export)
    assert re.search(r"seals t/recording/s1.screen up to version 10, and the export holds it up to 9", found), found
    assert "the root of this seal" in found


def test_what_lies_after_the_last_seal_is_counted_and_not_said_to_be_all(export: Path) -> None:
    assert "5 events here lie after seal 2; later ones could be missing" in said(export, "--key", SIGNER.fingerprint)[1]
    withhold(export, lambda event: event["tag"] != "incidents.verdict_given")
    assert "4 events here lie after seal 2; later ones could be missing" in said(export, "--key", SIGNER.fingerprint)[1]
    withhold(export, lambda event: not event["tag"].startswith(("record.viewed", "record.appeal")))
    code, text = said(export, "--key", SIGNER.fingerprint)
    assert "0 events here lie after seal 2; later ones could be missing" in text
    assert code == 0


def test_an_export_without_its_later_seal_rests_on_the_one_before_and_says_so(export: Path) -> None:
    record = "t/record/s1"
    withhold(export, lambda event: event["stream"] != record or event["version"] == 1)
    text = said(export, "--key", SIGNER.fingerprint)[1]
    assert "rests on seal 1 (provisional)" in text
    assert "11 events here lie after seal 1; later ones could be missing" in text
    sign_again(export, seal={"number": 2, "kind": "complete", "version": 2})
    assert "manifest.json: rests on another seal than the last one in the export" in failures(export)


def test_an_export_without_a_seal_is_not_verified(export: Path) -> None:
    withhold(export, lambda event: event["stream"] not in ("t/record/s1", "t/incidents/s1"))
    code, text = said(export, "--key", SIGNER.fingerprint)
    assert code == 3
    assert text.endswith("\nconsistent, not sealed\n")
    assert "verified" not in text
    code, text = said(export)
    assert code == 3
    assert f"consistent, not sealed, signer unknown: compare {SIGNER.fingerprint} with" in text


@pytest.mark.parametrize("stream", ["t/record/s1", "t/incidents/s1", "t/schedule/x2", "u/schedule/x1"])
def test_only_the_schedule_may_be_an_excerpt(export: Path, stream: str) -> None:
    named = ["t/schedule/x1", stream]
    withhold(export, lambda event: event["stream"] != stream or event["version"] == 2, excerpts=named)
    assert f"{stream}: is not the schedule of this session, so that it may be no excerpt" in failures(export)
    assert said(export, "--key", SIGNER.fingerprint)[0] == 1


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (add_file, "media/extra.txt: is not in the manifest"),
        (take_file, "report.html: is missing"),
        (link, "report.html: is a link"),
        (flip("report.html"), "report.html: is not the file that was signed"),
        (flip("verify.py"), "verify.py: is not the file that was signed"),
        (forge, "manifest.json: its signature does not match"),
    ],
)
def test_no_file_is_changed_added_or_taken(export: Path, spoil: Spoil, named: str) -> None:
    spoil(export)
    assert named in failures(export)


def test_a_changed_manifest_is_found(export: Path) -> None:
    text = (export / "manifest.json").read_text()
    (export / "manifest.json").write_text(text.replace('"tenant": "t"', '"tenant": "u"'))
    assert "manifest.json: its signature does not match" in failures(export)


def test_a_thief_who_signs_with_a_key_of_their_own_is_not_believed(export: Path) -> None:
    sign_again(export, OTHER)
    assert "not by the key that you trust" in failures(export)
    assert "checkpoint: bears no valid signature of the export's signer" in failures(export)


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig", "checkpoint", "events.jsonl", "proofs.jsonl"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"null\n", b'{"a": 1}\n', b"\n\n\n"])
def test_rubbish_fails_and_never_crashes_the_verifier(export: Path, name: str, content: bytes) -> None:
    (export / name).write_bytes(content)
    if not name.startswith("manifest"):
        sign_again(export)
    check = Check(export).run()
    assert check.failures
    assert main([str(export)]) == 1


def test_an_empty_folder_is_no_export(tmp_path: Path) -> None:
    assert "manifest.json" in failures(tmp_path)
