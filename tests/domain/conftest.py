"""Lets failed comparisons in `given.py` show both sides."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.domain.given")
