"""`python -m vigil` is the command `vigil`."""

from __future__ import annotations

from vigil.cli import main

main()
