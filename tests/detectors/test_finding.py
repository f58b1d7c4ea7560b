"""Persons and faces in photographs that come with installed packages, through the real models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from msgspec.structs import astuple
from numpy.typing import NDArray

from detectors import runtime
from detectors.coco import CATEGORIES, CLASSES
from detectors.objects import Objects
from detectors.pipeline import Pipeline
from detectors.readings import FACE
from detectors.weights import Resolved, Weights, WeightsMissingError

Photograph = Callable[[str], NDArray[np.uint8]]


def test_boxes_lie_where_the_faces_are(pipeline: Pipeline, photograph: Photograph) -> None:
    found = [face for face in pipeline.faces.find(photograph("zidane")) if face.score >= FACE]
    right, left = sorted(found, key=lambda face: -face.left)
    assert 0.68 < right.left < right.right < 0.86
    assert 0.38 < left.left < left.right < 0.55
    assert all(0 < face.top < face.bottom < 1 for face in found)


@pytest.mark.parametrize("shape", [(720, 1280), (480, 640), (640, 480), (120, 160), (37, 300), (8, 8)])
def test_pictures_of_any_shape_can_be_looked_at(
    pipeline: Pipeline, photograph: Photograph, shape: tuple[int, int]
) -> None:
    picture = cv2.resize(photograph("astronaut"), shape[::-1]).astype(np.uint8)
    for found in (pipeline.faces.find(picture), pipeline.objects.find_many([picture])[0]["person"]):
        assert all(0.0 <= box.score <= 1.0 for box in found)


def test_a_face_at_the_very_edge_is_looked_at_again_without_harm(pipeline: Pipeline, photograph: Photograph) -> None:
    astronaut = photograph("astronaut")
    for cut in (astronaut[:, 220:], astronaut[:, :230], astronaut[120:], astronaut[:140]):
        pipeline.faces.find(np.ascontiguousarray(cut))


def test_ultralytics_runs_on_one_thread_without_spinning_and_without_the_network(pipeline: Pipeline) -> None:
    """The contract with its private parts: `AutoBackend._BACKEND_MAP` and the session it opens."""
    assert isinstance(pipeline.objects, Objects)
    options = pipeline.objects._model.predictor.model.backend.session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    from ultralytics.utils import AUTOINSTALL, ONLINE, SETTINGS
    from ultralytics.utils.events import events

    assert (AUTOINSTALL, ONLINE, SETTINGS["sync"], events.enabled) == (False, False, False, False)


@pytest.mark.parametrize("shape", [(480, 640), (720, 1280), (640, 480), (300, 300)])
def test_the_quick_way_into_ultralytics_finds_what_its_own_way_finds(
    pipeline: Pipeline, photograph: Photograph, shape: tuple[int, int]
) -> None:
    from ultralytics.models import YOLO

    assert isinstance(pipeline.objects, Objects)
    picture = cv2.resize(photograph("bus"), shape[::-1]).astype(np.uint8)
    theirs = YOLO(pipeline.objects.weights.path, task="detect").predict(
        picture, imgsz=416, rect=True, conf=0.2, iou=0.5, max_det=40, classes=list(pipeline.objects._category),
        device="cpu", verbose=False,
    )  # fmt: skip
    (ours,) = pipeline.objects._predictor.look([picture])
    assert len(theirs[0].boxes) > 0
    scale = [shape[1], shape[0], shape[1], shape[0], 1, 1]
    assert np.allclose(np.array(ours) * scale, theirs[0].boxes.data, atol=1e-3)


def test_torchvision_keeps_the_best_of_overlapping_boxes(pipeline: Pipeline) -> None:
    """The contract with torchvision, whether its own library loads or ours stands in for one operator of it."""
    import torch
    from torchvision.ops import nms

    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [1.0, 0.0, 11.0, 10.0], [20.0, 0.0, 30.0, 10.0]])
    assert nms(boxes, torch.tensor([0.5, 0.9, 0.7]), 0.5).tolist() == [1, 2]


def untrained(folder: Path) -> Weights:
    """An untrained YOLO26n, saved as `.pt`: it finds nothing much, but all the way through torch."""
    runtime.prepare()
    from ultralytics.models import YOLO

    path = folder / "untrained.pt"
    model = YOLO("yolo26n.yaml")
    model.model.names = dict(enumerate(CLASSES))
    model.save(path)
    return Weights("untrained", path, "0" * 64)


def test_yolo_weights_of_another_make_are_used_as_they_are(tmp_path: Path) -> None:
    other = Objects(untrained(tmp_path))
    assert set(other.find_many([np.zeros((480, 640, 3), np.uint8)])[0]) == set(CATEGORIES)


@pytest.mark.parametrize("made", ["ours", "other"])
def test_pictures_that_go_through_a_model_together_have_the_finds_that_each_has_alone(
    pipeline: Pipeline, photograph: Photograph, tmp_path: Path, made: str
) -> None:
    """As on a GPU, but on a CPU; with weights through torch too, where even the weakest of finds are held beside."""
    one = pipeline.objects.weights if made == "ours" else untrained(tmp_path)
    some = Objects(one)
    some._predictor.args.conf = 0.2 if made == "ours" else 0.0
    pictures = [cv2.resize(photograph(name), (640, 480)).astype(np.uint8) for name in ("bus", "astronaut", "zidane")]
    pictures.insert(1, photograph("bus"))
    alone = [some.find_many([picture])[0] for picture in pictures]
    some.at_once = 2
    together = some.find_many(pictures)
    assert sum(len(boxes) for found in alone for boxes in found.values()) > 3
    for one_found, same in zip(alone, together, strict=True):
        assert one_found.keys() == same.keys()
        for category, boxes in one_found.items():
            assert [astuple(box) for box in same[category]] == [pytest.approx(astuple(box), abs=1e-4) for box in boxes]


@pytest.fixture
def without(resolved: Resolved, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Weights]:
    """The real weights, without the name of one class."""
    import onnx

    def lacking(name: str) -> Weights:
        model = onnx.load(resolved.persons.path)
        for entry in model.metadata_props:
            if entry.key == "names":
                entry.value = entry.value.replace(f"'{name}'", "'something else'")
        path = tmp_path_factory.mktemp("other") / "lacking.onnx"
        onnx.save(model, path)
        return Weights("lacking", path, "0" * 64)

    return lacking


def test_weights_that_know_no_persons_are_refused(without: Callable[[str], Weights]) -> None:
    with pytest.raises(WeightsMissingError, match="knows no class for: person"):
        Objects(without("person"))


def test_what_the_weights_do_not_know_is_not_among_the_finds(without: Callable[[str], Weights]) -> None:
    nothing = np.zeros((480, 640, 3), np.uint8)
    assert set(Objects(without("book")).find_many([nothing])[0]) == {"person", "handheld_device", "second_screen"}
