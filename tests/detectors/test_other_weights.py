"""Weights that `VIGIL_WEIGHTS` names: both formats, all the way through a worker; and what is told of a wrong file."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import nats
import numpy as np
import pytest
from msgspec.structs import replace
from nats.aio.client import Client
from numpy.typing import NDArray

from detectors import runtime
from detectors.ready import ready
from detectors.weights import NAMED_BY, Resolved, WeightsMissingError
from domain.policy import DetectorSetting
from tests.detectors.hall import TENANT, WATCHED, Wiring, hall

Image = NDArray[np.uint8]
NAMES = {0: "person", 1: "a dragon", 2: "cell phone"}
KINDS = ("several_people", "handheld_device", "second_screen")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with untrained weights of three classes, and what is no such thing."""
    folder = tmp_path_factory.mktemp("weights")
    runtime.prepare()
    from ultralytics.models import YOLO

    def untrained(kind: str, names: Mapping[int, str]) -> Path:
        model = YOLO(kind)
        model.model.names = model.model.names | dict(names)
        path = folder / f"{kind.removesuffix('.yaml')}-{len(list(folder.iterdir()))}.pt"
        model.save(path)
        return path

    mine = untrained("yolo26n.yaml", NAMES).rename(folder / "mine.pt")
    for name, dynamic in (("fixed.onnx", False), ("mine.onnx", True)):
        exported = Path(YOLO(mine).export(format="onnx", imgsz=64, dynamic=dynamic, simplify=False))
        exported.rename(folder / name)
    untrained("yolo26n.yaml", {0: "a dragon"}).rename(folder / "dragons.pt")
    untrained("yolo26n-seg.yaml", NAMES).rename(folder / "masks.pt")
    turned = untrained("yolo26n-obb.yaml", NAMES).rename(folder / "turned.pt")
    YOLO(turned).export(format="onnx", imgsz=64, dynamic=True, simplify=False)
    for name in ("noise.pt", "noise.onnx", "weights.txt"):
        (folder / name).write_bytes(b"no weights at all")
    (folder / "empty.pt").touch()
    (folder / "folder.pt").mkdir()
    return folder


@pytest.fixture
async def connection(nats_url: str) -> AsyncIterator[Client]:
    client = await nats.connect(nats_url)
    yield client
    await client.close()


def named(path: Path) -> dict[str, str]:
    return {**os.environ, NAMED_BY: str(path)}


@pytest.mark.parametrize("file", ["mine.pt", "mine.onnx", "fixed.onnx"])
async def test_a_worker_looks_with_them_for_what_their_classes_name(
    made: Path, file: str, connection: Client, photograph: Callable[[str], Image], to_jpeg: Callable[[Image], bytes]
) -> None:
    pipeline = ready(named(made / file))
    assert pipeline.objects.weights.name == Path(file).stem
    settings = replace(WATCHED, detectors=tuple(DetectorSetting(kind=kind) for kind in KINDS))
    async with hall(connection, pipeline, Wiring(answers={"anna": settings})) as room:
        await room.send("anna", *[to_jpeg(photograph("astronaut"))] * 3)
        counted = room.worker.coverage(TENANT, "anna")
        assert {kind: counted[kind].taken for kind in KINDS} == {
            "several_people": 3, "handheld_device": counted["handheld_device"].taken, "second_screen": 0,
        }  # fmt: skip
        assert counted["second_screen"].cannot_tell == 3, "there is no class for it"
        assert room.wiring.faults == []
        rests_on = pipeline.provenance("handheld_device", settings).weights
    assert rests_on == {pipeline.objects.weights.name: pipeline.objects.weights.sha256}


@pytest.mark.parametrize(("file", "why"), [
    ("gone.pt", "no such file"), ("folder.pt", "it is a folder"), (".", "it is a folder"),
    ("weights.txt", "it ends in neither .pt nor .onnx"), ("noise.pt", "it is not a loadable checkpoint"),
    ("noise.onnx", "it is not a loadable ONNX model"), ("empty.pt", "it is not a loadable checkpoint"),
    ("dragons.pt", "it knows no class for: person"), ("masks.pt", "it was made for the task `segment`"),
    ("turned.pt", "it was made for the task `obb`"), ("turned.onnx", "it was made for the task `obb`"),
])  # fmt: skip
def test_what_is_wrong_with_a_file_is_told_in_one_line_with_what_was_expected(made: Path, file: str, why: str) -> None:
    with pytest.raises(WeightsMissingError) as refused:
        ready(named(made / file))
    told = str(refused.value)
    assert told.startswith(f"VIGIL_WEIGHTS names {made / file}, which cannot be used: {why}")
    assert told.endswith("(.pt or .onnx), which finds boxes (task `detect`) and has a class `person`.")
    assert "\n" not in told
    assert len(told) < 600


def test_the_faces_model_finds_no_persons_and_is_refused(resolved: Resolved) -> None:
    with pytest.raises(WeightsMissingError, match="it knows no class for: person"):
        ready(named(resolved.faces.path))


def test_without_a_name_the_default_weights_are_used(resolved: Resolved) -> None:
    environment = {name: value for name, value in os.environ.items() if name != NAMED_BY}
    assert ready(environment).objects.weights == resolved.persons
