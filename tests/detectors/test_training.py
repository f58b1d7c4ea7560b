"""Weights of one's own: that training, exporting and naming them works here. Plumbing only: nothing about quality.

A tiny model is trained for a few steps on made pictures of rectangles, which no camera shows. What it learns is worth
nothing; that each file it leaves behind is taken by `VIGIL_WEIGHTS` and finds boxes is what is shown.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from detectors import runtime, weights
from detectors.objects import Objects
from detectors.pipeline import Pipeline

SIDE, PICTURES = 64, 8


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The file after training (`.pt`) and its export (`.onnx`)."""
    folder = tmp_path_factory.mktemp("training")
    data = _made(folder)
    runtime.prepare()
    from ultralytics.models import YOLO

    model = YOLO("yolo26n.yaml")
    model.train(
        data=str(data), epochs=1, imgsz=SIDE, batch=4, device="cpu", workers=0, seed=0, amp=False, val=False,
        plots=False, project=str(folder), name="run", verbose=False,
    )  # fmt: skip
    best = folder / "run" / "weights" / "last.pt"
    return {".pt": best, ".onnx": Path(YOLO(best).export(format="onnx", imgsz=SIDE, dynamic=True, simplify=False))}


def _made(folder: Path) -> Path:
    """Pictures of one or two rectangles each, with their boxes, as `ultralytics` reads them; what names them."""
    rng = np.random.default_rng(1)
    for number in range(PICTURES):
        picture, rows = rng.integers(0, 60, (SIDE, SIDE, 3), np.uint8), []
        for kind in range(1 + number % 2):
            x, y, width, height = rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7), *rng.uniform(0.2, 0.5, 2)
            corners = [round(SIDE * v) for v in (x - width / 2, y - height / 2, x + width / 2, y + height / 2)]
            cv2.rectangle(picture, corners[:2], corners[2:], (255, 255, 255) if kind else (0, 0, 255), -1)
            rows.append(f"{kind} {x:.4f} {y:.4f} {width:.4f} {height:.4f}")
        for part, content in (
            ("images", cv2.imencode(".png", picture)[1].tobytes()),
            ("labels", "\n".join(rows).encode()),
        ):
            path = folder / part / f"{number}.{'png' if part == 'images' else 'txt'}"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
    described = folder / "data.yaml"
    described.write_text(f"path: {folder}\ntrain: images\nval: images\nnames:\n  0: person\n  1: cell phone\n")
    return described


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".pt", ".onnx"])
def test_weights_from_a_few_steps_of_training_are_taken_by_their_name(
    trained: dict[str, Path], resolved: weights.Resolved, suffix: str
) -> None:
    named = {"VIGIL_WEIGHTS": str(trained[suffix])}
    taken = weights.resolve(resolved.faces.path.parent, named)
    assert (taken.persons.path, taken.faces) == (trained[suffix], resolved.faces)
    assert len(taken.persons.sha256) == 64
    pipeline = Pipeline.load(taken)
    assert isinstance(pipeline.objects, Objects)
    (found,) = pipeline.objects.find_many([np.zeros((480, 640, 3), np.uint8)])
    assert set(found) == {"person", "handheld_device"}
