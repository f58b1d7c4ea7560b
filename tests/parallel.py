"""How tests share a machine: `make test WORKERS=auto` runs several files at a time, each whole and in its own order.

Many tests wait, for a picture, a lease or a page, so there is one worker more than there are cores. Every worker has
servers of its own. A test that needs the machine to itself is marked `alone`, and so is every page with live media: the
last worker runs those in the end, when the others are gone with their servers. Under `pytest` without `-n` all run one
after the other, as they stand.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

MORE, CORES = 1, 8  # workers beyond the cores; of how many cores use is made
ALONE = "alone"
LIVE = {"browser", "media"}  # the fixtures of a test in which a browser sends or shows live media
# What looks at the same days goes where they have been lived.
WITH = {"tests/commands/days/test_real_days.py": "tests/commands/days/test_days.py"}
# The longest begin first, so that they do not go on when everything else has ended.
FIRST = (
    "tests/api/test_schema.py", "tests/e2e/test_kill.py", "tests/e2e/test_stopping.py", "tests/e2e/test_workers.py",
    "tests/e2e/test_faults.py", "tests/e2e/test_screens.py", "tests/e2e/test_exam_day.py",
    "tests/api/test_bad_network.py", "tests/detectors/test_worker.py", "tests/bench/test_evaluation.py",
    "tests/vigil/test_reactions.py", "tests/commands/days/test_days.py", "tests/vigil/test_forgetting.py",
)  # fmt: skip


class Files(LoadFileScheduling):
    """A file goes to one worker, for its tests share a hall; all that are to run alone go to the last one."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.endswith(f"@{ALONE}"):
            return ALONE
        file = super()._split_scope(nodeid)
        return WITH.get(file, file)

    def _assign_work_unit(self, node: WorkerController) -> None:
        if next(iter(self.workqueue)) != ALONE or self.nodes == [node]:
            super()._assign_work_unit(node)

    def _reschedule(self, node: WorkerController) -> None:
        others = [one for one in self.nodes if one is not node]
        if list(self.workqueue) != [ALONE] or not others:
            super()._reschedule(node)
        elif not all(one.shutting_down for one in others):  # one stays, and gets its work when these are gone
            node.shutdown()

    def remove_node(self, node: WorkerController) -> str | None:
        crashed = super().remove_node(node)
        for one in self.nodes:
            self._reschedule(one)
        return crashed


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Files:
    config.option.loadscopereorder = False  # the order is ours
    return Files(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    return min(os.cpu_count() or 1, CORES) + MORE


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    workers = hasattr(config, "workerinput")
    for item in items:
        if item.parent and not item.nodeid.endswith(item.name):  # schemathesis names the operation in the name alone
            _rename(item, f"{item.parent.nodeid}::{item.name}")
        if workers and _needs_all(item):
            _rename(item, f"{item.nodeid}@{ALONE}")
    twice = [name for name, times in Counter(item.nodeid for item in items).items() if times > 1]
    assert not twice, f"of tests with one name a worker would run the first alone: {twice}"
    if workers:
        items.sort(key=_place)


def _rename(item: pytest.Item, name: str) -> None:
    item._id = type(item._id).parse(name)


def _needs_all(item: pytest.Item) -> bool:
    return bool(item.get_closest_marker(ALONE)) or set(getattr(item, "fixturenames", ())) >= LIVE


def _place(item: pytest.Item) -> int:
    if _needs_all(item):
        return len(FIRST) + 1
    file = item.nodeid.partition("::")[0]
    return FIRST.index(file) if file in FIRST else len(FIRST)
