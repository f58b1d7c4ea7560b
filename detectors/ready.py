"""Makes ready what the detectors run on: the weights that set-up made, or those that `VIGIL_WEIGHTS` names."""

from __future__ import annotations

import os
from collections.abc import Mapping

from detectors.pipeline import Pipeline
from detectors.weights import NAMED_BY, WeightsMissingError, not_usable, resolve


def ready(environment: Mapping[str, str] = os.environ) -> Pipeline:
    """The pipeline, loaded, which takes some seconds. Raises `WeightsMissingError` with what to run or to correct.

    What is wrong with weights of another make shows in many ways, up to the first picture. Whatever it is, the file
    that was named is to blame.
    """
    resolved = resolve(environment=environment)
    try:
        return Pipeline.load(resolved)
    except Exception as error:
        if not environment.get(NAMED_BY):
            raise
        raise WeightsMissingError(not_usable(resolved.persons.path, str(error) or type(error).__name__)) from error
