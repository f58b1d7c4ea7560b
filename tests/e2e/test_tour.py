"""The README's five-minute tour, followed as a new user would: what it says is on the screen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import tour
from tests.e2e.installation import Installation

pytestmark = pytest.mark.alone

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.slow
async def test_the_tour_leads_where_the_readme_says(tmp_path: Path) -> None:
    place = Installation(tmp_path / "home")
    await tour.main(tmp_path / "tour", **place.environment)
    taken = {path.name for path in (tmp_path / "tour").iterdir()}
    assert set(re.findall(r"docs/tour/([\w-]+\.png)", README.read_text())) <= taken
