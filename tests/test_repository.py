"""What holds for every file that is tracked: no address of a registry in a lock, a docstring in each module."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIMIT = 300  # lines; a longer file holds more than one idea
ALONE = {"vigil/verify.py"}  # goes into every export and must stand alone


def tracked(*patterns: str) -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    return [path for name in names if name and (path := ROOT / name).is_file()]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", tracked("requirements*", "*package-lock.json", "*.npmrc"), ids=name)
def test_a_lock_names_no_registry(path: Path) -> None:
    text = path.read_text()
    assert '"resolved"' not in text
    if path.suffix in {".lock", ".txt"}:
        assert "://" not in text


def test_the_lock_leaves_torch_and_cuda_to_the_machine() -> None:
    locked = {line.split("==")[0] for line in (ROOT / "requirements.lock").read_text().splitlines()}
    assert "ultralytics-opencv-headless" in locked
    assert not [n for n in locked if n.startswith(("torch", "nvidia", "triton"))]


def test_every_module_says_what_it_is() -> None:
    assert [name(path) for path in tracked("*.py") if not ast.get_docstring(ast.parse(path.read_bytes()))] == []


def test_no_module_is_longer_than_one_idea() -> None:
    sources = [path for path in tracked("*.py") if not path.is_relative_to(ROOT / "tests")]
    long = {name(path) for path in sources if path.read_bytes().count(b"\n") > LIMIT}
    assert long <= ALONE


def test_no_file_holds_a_private_key() -> None:
    key = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY")
    assert [name(path) for path in tracked() if key.search(path.read_bytes())] == []
