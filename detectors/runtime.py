"""Prepares a process for the detectors: one thread each, no network, no installing, and a torchvision that imports."""

from __future__ import annotations

import importlib.util
import os
from functools import cache, partial
from pathlib import Path

import cv2
import onnxruntime  # type: ignore[import-untyped]  # publishes no types

from detectors.weights import home

QUIET = {
    "YOLO_OFFLINE": "1",  # never asks the network for anything
    "YOLO_AUTOINSTALL": "false",  # a missing package is an error, not an installation
    "YOLO_VERBOSE": "false",
}


@cache
def prepare() -> None:
    """Call before anything imports ultralytics. The second call does nothing."""
    os.environ.update(QUIET)
    os.environ.setdefault("YOLO_CONFIG_DIR", str(home()))
    cv2.setNumThreads(1)
    import torch  # noqa: PLC0415 - heavy: only processes that detect load it

    torch.set_num_threads(1)
    _provide_torchvision()
    from ultralytics import settings  # noqa: PLC0415
    from ultralytics.nn.autobackend import AutoBackend  # noqa: PLC0415
    from ultralytics.nn.backends.onnx import ONNXBackend  # noqa: PLC0415

    if settings["sync"]:  # sends usage to its maker unless told not to
        settings.update({"sync": False})
    # Its own parameter, which YOLO() has no way to pass on: sessions would take every core and spin between pictures.
    AutoBackend._BACKEND_MAP["onnx"] = partial(ONNXBackend, session_options=one_thread())  # noqa: SLF001


def one_thread() -> onnxruntime.SessionOptions:
    """Options of a session that stays on the calling thread. More workers use more cores, and cheaper."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


def session(path: Path) -> onnxruntime.InferenceSession:
    """Opens an ONNX model on the CPU, for the calling thread alone."""
    return onnxruntime.InferenceSession(path, one_thread(), providers=["CPUExecutionProvider"])


def _provide_torchvision() -> None:
    """Makes `import torchvision` work where its native library cannot load, and does nothing where it can.

    The wheel on PyPI is built for CUDA and finds no CUDA beside a CPU build of torch. Ultralytics needs one operator of
    it, `nms`, and brings a version in plain torch, which is registered under that name.
    """
    import torch  # noqa: PLC0415

    if _loads_native():
        return
    schema = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
    for operator in ("torchvision::nms", "torchvision::qnms"):  # torchvision describes both to torch when imported
        torch.library.define(operator, schema)

    def nms(dets: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
        from ultralytics.utils.nms import TorchNMS  # noqa: PLC0415

        return TorchNMS.nms(dets, scores, iou_threshold)

    torch.library.impl("torchvision::nms", "CPU", nms)
    from torchvision.ops import boxes  # type: ignore[import-untyped]  # noqa: PLC0415 - publishes no types

    boxes._assert_has_ops = lambda: None  # noqa: SLF001 - it asks for the library, not for the operator


def _loads_native() -> bool:
    import torch  # noqa: PLC0415

    found = importlib.util.find_spec("torchvision")
    folders = (found.submodule_search_locations if found else None) or []
    for library in (path for folder in folders for path in Path(folder).glob("_C*.*")):
        try:
            torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]  # it has no types
        except OSError:
            continue
        return True
    return False
