"""A JupyterLab of its own, for a browser that is driven by a program.

It works on copies of the notebooks in a temporary folder, with the settings of `make lab`, so nobody's
files, settings or progress are touched. Every wait has a limit, and nothing of it outlives its ``with``.

Read lab_browser.py first. Next: lab_page.py.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import psutil
from nbformat import NotebookNode
from nbformat.sign import NotebookNotary

from tools.lab_page import LabPage

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60
STOP_SECONDS = 10
SETTINGS = {
    # Each cell stays in the page, also those that are out of view.
    "notebook-extension/tracker": {"windowingMode": "none"},
}
DARK = {"apputils-extension/themes": {"theme": "JupyterLab Dark"}}


class LabServer:
    """A JupyterLab that runs, as its user sees it."""

    def __init__(self, url: str, token: str, folder: Path) -> None:
        self.url = url
        self.token = token
        self.folder = folder
        """Where its notebooks are."""
        self.progress = folder.parent / "progress"
        """Where the coach keeps what has been done."""

    def request(self, path: str, method: str = "GET", body: object = None) -> Any:
        """Ask the server's API; None where it answers without content."""
        headers, data = {"Authorization": f"token {self.token}"}, body and json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=STOP_SECONDS) as answer:
            return json.loads(answer.read() or "null")

    @contextmanager
    def open(self, chromium: "BrowserContext", name: str, failure: Path | None = None) -> Iterator[LabPage]:
        """Open a notebook in a new page with a new kernel, and end both with the block.

        When the block raises, the page is pictured in the file ``failure``, and the error says so.
        """
        path = f"notebooks/{name}"
        # JupyterLab would start the kernel last of all; so it starts while the page is loaded.
        session = {"path": path, "name": name, "type": "notebook", "kernel": {"name": "python3"}}
        kept = self.request("api/sessions", "POST", session)["id"]
        page = chromium.new_page()
        try:
            page.goto(f"{self.url}lab/tree/{path}?reset&token={self.token}")
            yield LabPage(page)
        except BaseException as error:
            if failure:
                with suppress(Exception):
                    page.screenshot(path=failure, timeout=STOP_SECONDS * 1000)
                    error.add_note(f"the page at that moment: {failure}")
            raise
        finally:
            self.request(f"api/sessions/{kept}", "DELETE")
            page.close()

    def add(self, notebook: NotebookNode, name: str) -> None:
        """Put a notebook into its folder, and trust it as `make lab` does."""
        python = {"name": "python3", "display_name": "Python 3 (ipykernel)"}
        notebook.metadata.setdefault("kernelspec", python)  # else JupyterLab asks for it
        nbformat.write(notebook, self.folder / name)
        with NotebookNotary(data_dir=str(self.folder.parent / "data")) as notary:
            notary.sign(notebook)


@contextmanager
def lab_server(notebooks: Iterable[Path], dark: bool = False) -> Iterator[LabServer]:
    """Start a JupyterLab on copies of ``notebooks``, with the settings of `make lab`."""
    with tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True) as temporary:
        home = Path(temporary)
        for folder in ("notebooks", "data"):
            (home / folder).mkdir()
        (home / "course_lib").symlink_to(ROOT / "course_lib")  # the lessons link to it
        for name, settings in (SETTINGS | (DARK if dark else {})).items():
            file = home / f"config/lab/user-settings/@jupyterlab/{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True)
            file.write_text(json.dumps(settings))
        token = secrets.token_hex(16)
        with open(home / "log", "wb") as log, _process(home, token, log) as process:
            server = LabServer(_url(home, process), token, home / "notebooks")
            for notebook in notebooks:
                server.add(nbformat.read(notebook, as_version=4), notebook.name)
            yield server


def _environment(home: Path) -> dict[str, str]:
    folders = {
        "HOME": home,
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTER_CONFIG_PATH": ROOT / "jupyter",
        "SOCKETS_TO_ASYNCIO_DATA": home / "progress",
    }
    return {**os.environ, **{name: str(folder) for name, folder in folders.items()}}


@contextmanager
def _process(home: Path, token: str, log: Any) -> Iterator[subprocess.Popen[bytes]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]  # if somebody takes it now, the server tries others
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--expose-app-in-browser"]
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 50,
        "ServerApp.root_dir": home,
        "IdentityProvider.token": token,
        # Whoever started it may be killed: then it ends by itself.
        "ServerApp.shutdown_no_activity_timeout": 600,
        "MappingKernelManager.cull_idle_timeout": 600,
    }
    command += [f"--{name}={value}" for name, value in options.items()]
    process = subprocess.Popen(
        command,
        cwd=home,
        env=_environment(home),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # a Ctrl-C is for its starter, who then ends it
    )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server, its kernels, and what they have started."""
    try:
        all_of_it = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        all_of_it = []
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    for each in all_of_it:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    process.wait()


def _url(home: Path, process: subprocess.Popen[bytes]) -> str:
    """Wait until the server has said where it is; it writes that down when it listens."""
    file = home / "runtime" / f"jpserver-{process.pid}.json"
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError, ValueError):
            return str(json.loads(file.read_text())["url"])
        time.sleep(0.05)
    last = (home / "log").read_text(errors="replace").splitlines()[-15:]
    raise RuntimeError("JupyterLab has not started:\n" + "\n".join(last))
