"""The Chromium of the browser tests: the system's, else Playwright's own, else Debian's package when we are root.

`python -m tests.chromium` finds or brings one and names it; `make test` does that first. With none the tests fail.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright, expect
from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
INSTALL_S = 900

expect.set_options(timeout=15_000)  # ms: how long a page may take on a busy machine; how fast it is, benchmarks tell


@asynccontextmanager
async def running(fps: int = 20, heard: Path | None = None) -> AsyncIterator[Browser]:
    """Chromium with a camera, a microphone and a screen of its own making, which nobody is asked about.

    Its microphone hears the WAV file `heard` over and over, else a beep each second.
    """
    fakes = (
        f"--use-fake-device-for-media-stream=display-media-type=monitor,fps={fps}",
        "--use-fake-ui-for-media-stream",
        "--disable-features=WebRtcHideLocalIpsWithMdns",
        *((f"--use-file-for-fake-audio-capture={heard}",) if heard else ()),
    )
    path = await asyncio.to_thread(found)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *fakes])
        yield browser
        await browser.close()


def found() -> str | None:
    """The path of a Chromium on this machine."""
    system = next((path for name in NAMES if (path := shutil.which(name))), None)
    return system or _playwrights_own()


def bring() -> str | None:
    """Finds one, or installs one; None when neither works."""
    return found() or _download() or _package()


def _playwrights_own() -> str | None:
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def _download() -> str | None:
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    try:
        subprocess.run(command, check=True, timeout=INSTALL_S, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except (subprocess.SubprocessError, OSError):
        return None
    return found()


def _package() -> str | None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update", "-qq"], ["install", "-y", "-qq", "chromium"]):
        done = subprocess.run(["apt-get", *step], env=environment, stdout=subprocess.DEVNULL, check=False)
        if done.returncode:
            return None
    return found()


if __name__ == "__main__":
    path = bring()
    print(f"browser tests run in {path}")
    if path is None:
        sys.exit("no Chromium is here and none could be installed")
