"""The catalogue names every kind that a policy can name, and a worker says what it runs for each of its own."""

from __future__ import annotations

import re
from typing import get_args

from detectors.hearing import Hearing
from detectors.kinds import KINDS
from detectors.ready import ready
from domain.browser import BrowserKind
from domain.policy import DetectorKind
from vigil.catalogue import catalogue, rests_on


def test_every_kind_is_described_once() -> None:
    found = catalogue()
    assert sorted(one.kind for one in found) == sorted([*get_args(DetectorKind), *get_args(BrowserKind)])
    assert all(one.words and one.rule_version.startswith(one.kind) and one.thresholds for one in found)
    assert {one.kind for one in found if one.sensitive} == {"face_not_visible", "looking_away", "voice"}
    assert {one.kind for one in found if one.read_from == "sound"} == {"voice"}


def test_a_worker_says_on_which_weights_it_runs_each_kind() -> None:
    runs = rests_on(ready(), Hearing.load())
    assert runs.keys() == KINDS.keys()
    for kind, told in runs.items():
        described = next(one for one in catalogue() if one.kind == kind)
        assert told.rule_version == described.rule_version
        assert told.thresholds.items() >= described.thresholds.items()
        assert told.weights
        assert all(re.fullmatch("[0-9a-f]{64}", sha256) for sha256 in told.weights.values())
