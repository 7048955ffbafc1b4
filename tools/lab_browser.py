"""A Chromium without a window, for tests/browser and tools/screenshots.py.

    with lab_server(notebooks) as server, browser() as chromium:
        with server.open(chromium, "00_start_here.ipynb") as lab:
            print(lab.run_all())

Next: lab_server.py.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

START_SECONDS = 60
SIZE = {"width": 1280, "height": 1000}
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",  # root needs it, and a container may have no other user
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
]


class NoBrowser(Exception):
    """What is missing, and what to do about it."""


@contextmanager
def browser() -> Iterator["BrowserContext"]:
    """Start Chromium, without a window and with an empty profile; raises NoBrowser where there is none."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise NoBrowser("playwright is not installed: pip install playwright") from None
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    with sync_playwright() as playwright:
        program = found or playwright.chromium.executable_path
        if not Path(program).exists():
            raise NoBrowser("no Chromium found: apt install chromium, or playwright install chromium")
        chromium = playwright.chromium.launch(
            executable_path=program, args=FLAGS, timeout=START_SECONDS * 1000
        )
        try:
            # One context for all pages, so that JupyterLab's files are fetched once.
            yield chromium.new_context(viewport=SIZE)
        finally:
            chromium.close()
