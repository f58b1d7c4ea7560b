"""The demo's progress: a line for each step, with what was seen and how long it took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class StepFailed(Exception):
    """A step of the story did not hold; says what was expected."""


class Steps:
    """Prints each step as it holds; the first that does not ends the story."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self.number = 0

    @contextmanager
    def step(self, what: str) -> Iterator[list[str]]:
        """The body appends what was seen to the list that it gets."""
        self.number += 1
        began = time.monotonic()
        seen: list[str] = []
        try:
            with self._console.status(f"{what} ..."):
                yield seen
        except Exception:
            self._console.print(f"[red]{self.number:>3}  failed[/]  {what}", highlight=False)
            raise
        took = time.monotonic() - began
        self._console.print(
            f"[green]{self.number:>3}[/]  {took:6.2f} s  {what}" + "".join(f"\n{'':17}{line}" for line in seen),
            highlight=False,
        )

    @property
    def total_s(self) -> float:
        return time.monotonic() - self._began


def expect(held: object, what: str) -> None:
    """Raises `StepFailed` unless it held."""
    if not held:
        raise StepFailed(what)
