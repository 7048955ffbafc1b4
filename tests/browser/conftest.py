"""One JupyterLab for all browser tests, and a Chromium for each file of them.

The browser is closed with each file, because Playwright keeps an event loop running in this thread,
and other tests that this process may run after these want one of their own.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ROOT
from tools.lab_browser import NoBrowser, browser
from tools.lab_page import CLICK_SECONDS, LabPage
from tools.lab_server import LabServer, lab_server


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    try:
        with browser() as running:
            yield running
    except NoBrowser as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def server() -> Iterator[LabServer]:
    with lab_server((ROOT / "notebooks").glob("*.ipynb")) as running:
        yield running


@pytest.fixture
def opened(
    chromium: Any, server: LabServer, tmp_path: Path
) -> Callable[[str], AbstractContextManager[LabPage]]:
    """Give ``opened(name)``, a context manager; a block that fails leaves a picture of the page."""
    return lambda name: server.open(chromium, name, failure=tmp_path / "failed.png")


@pytest.fixture
def expect(chromium: Any) -> Any:
    """Give Playwright's ``expect``, which waits until the page shows what is expected."""
    from playwright.sync_api import expect

    expect.set_options(timeout=CLICK_SECONDS * 1000)
    return expect
