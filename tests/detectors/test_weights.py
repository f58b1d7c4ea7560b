"""Setting up the weights: pinned by hash, converted once, and resolved by what lies there."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from detectors import fetch, runtime, weights


def kept(resolved: weights.Resolved) -> Path:
    """The checked files that set-up keeps, so that it never has to fetch them again."""
    return resolved.faces.path.parent / "source"


def test_a_tarball_that_is_not_the_package_stops_set_up(tmp_path: Path) -> None:
    tarball = tmp_path / "vladmandic-human-3.3.6.tgz"
    tarball.write_bytes(b"something else")
    with pytest.raises(fetch.WrongHashError) as stopped:
        fetch.check_tarball(tarball)
    message = str(stopped.value)
    assert tarball.name in message
    assert fetch.INTEGRITY in message
    assert message.count("sha512-") == 2


def test_a_file_with_a_wrong_hash_stops_set_up_and_is_not_written(tmp_path: Path) -> None:
    tarball = tmp_path / "package.tgz"
    with tarfile.open(tarball, "w:gz") as archive:
        for name in fetch.FILES:
            member = tarfile.TarInfo(f"package/models/{name}")
            member.size = 4
            archive.addfile(member, io.BytesIO(b"evil"))
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(
        fetch.WrongHashError, match=r"centernet\.json is not the file(.|\n)*expected bfb942(.|\n)*found"
    ):
        fetch.unpack(tarball, folder)
    assert list(folder.iterdir()) == []


def test_a_package_without_the_models_stops_set_up(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "package.tgz", "w:gz"):
        pass
    with pytest.raises(fetch.SetUpError, match="holds no models"):
        fetch.unpack(tmp_path / "package.tgz", tmp_path)


def test_set_up_converts_what_is_kept_without_fetching_and_then_does_nothing(
    tmp_path: Path, resolved: weights.Resolved
) -> None:
    shutil.copytree(kept(resolved), tmp_path / "source")
    said: list[str] = []
    made = weights.set_up(tmp_path, said.append)
    assert {made.persons.sha256, made.faces.sha256} == {resolved.persons.sha256, resolved.faces.sha256}
    assert not any("Fetching" in line for line in said)
    assert {path.name for path in tmp_path.iterdir()} == {"source", "made.json", "centernet.onnx", "blazeface.onnx"}
    said.clear()
    weights.set_up(tmp_path, said.append)
    assert said == [f"The weights are in {tmp_path}."]


def test_a_kept_file_that_has_changed_stops_set_up(tmp_path: Path, resolved: weights.Resolved) -> None:
    shutil.copytree(kept(resolved), tmp_path / "source")
    with (tmp_path / "source" / "blazeface.bin").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(fetch.WrongHashError, match=r"blazeface\.bin"):
        weights.set_up(tmp_path, [].append)
    assert not (tmp_path / "made.json").exists()


def test_set_up_says_on_the_command_line_why_it_stopped(tmp_path: Path) -> None:
    source = tmp_path / "weights" / "source"
    source.mkdir(parents=True)
    for name in fetch.FILES:
        (source / name).write_bytes(b"evil")
    ran = subprocess.run(
        [sys.executable, "-m", "detectors.weights"], env={"VIGIL_HOME": str(tmp_path)}, capture_output=True, text=True,
        check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert ran.returncode == 1
    assert "Setting up the weights stopped. centernet.json is not the file that was expected." in ran.stderr
    assert "Traceback" not in ran.stderr


def test_missing_weights_say_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(weights.WeightsMissingError, match=r"Run: python -m detectors\.weights"):
        weights.resolve(tmp_path, {})


def test_damaged_weights_are_not_used(tmp_path: Path, resolved: weights.Resolved) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(resolved.faces.path.parent, folder)
    assert weights.resolve(folder, {}).faces.sha256 == resolved.faces.sha256
    with (folder / "blazeface.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(weights.WeightsMissingError, match="missing or damaged"):
        weights.resolve(folder, {})


def test_other_weights_can_be_named_and_must_exist(tmp_path: Path, resolved: weights.Resolved) -> None:
    other = tmp_path / "mine.onnx"
    shutil.copy(resolved.persons.path, other)
    folder = resolved.faces.path.parent
    named = weights.resolve(folder, {"VIGIL_WEIGHTS": str(other)}).persons
    assert (named.name, named.path, named.sha256) == ("mine", other, resolved.persons.sha256)
    with pytest.raises(weights.WeightsMissingError, match="VIGIL_WEIGHTS"):
        weights.resolve(folder, {"VIGIL_WEIGHTS": "yolo26n.pt"})


def test_the_converted_models_take_pictures_of_any_shape(resolved: weights.Resolved) -> None:
    persons = runtime.session(resolved.persons.path)
    for height, width, best in ((416, 416, 100), (320, 416, 100), (32, 32, 64)):
        (output,) = persons.run(None, {"images": np.zeros((2, 3, height, width), np.float32)})
        assert output.shape == (2, best, 6)
    (rows,) = runtime.session(resolved.faces.path).run(None, {"images": np.zeros((1, 3, 256, 256), np.float32)})
    assert rows.shape == (1, 896, 17)
