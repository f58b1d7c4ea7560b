"""The 80 object classes of COCO (Lin et al., 2014), in the order that models trained on it use."""

from __future__ import annotations

from typing import Literal

CLASSES = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant",
    "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli",
    "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet",
    "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink", "refrigerator",
    "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip

Category = Literal["person", "handheld_device", "second_screen", "book"]

# Weak models take a phone for a remote control and a laptop for a television; for an exam they are the same thing.
# A keyboard or a mouse in the picture is as a rule the one that the exam is written with, so neither counts.
CATEGORIES: dict[Category, frozenset[str]] = {
    "person": frozenset({"person"}),
    "handheld_device": frozenset({"cell phone", "remote"}),
    "second_screen": frozenset({"laptop", "tv"}),
    "book": frozenset({"book"}),
}

# What converted weights keep. Changing it changes them, and their hash.
KEPT = frozenset({"keyboard", "mouse"}).union(*CATEGORIES.values())
