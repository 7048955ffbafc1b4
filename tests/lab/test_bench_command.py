"""`python -m course_lib bench`, as its users meet it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import psutil
import pytest

from tests.helpers import ROOT

COMMAND = [sys.executable, "-W", "error", "-m", "course_lib", "bench"]
QUICK = ["--connections", "2", "--seconds", "0.1", "--rounds", "1"]


def run(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    options = {"stdin": subprocess.DEVNULL, "cwd": ROOT, **options}
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=50, **options)


def assert_one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr


def test_it_prints_a_table_and_writes_json_and_a_picture(tmp_path):
    numbers, picture = tmp_path / "bench.json", tmp_path / "bench.png"
    done = run("selectors", "blocking", *QUICK, "--json", str(numbers), "--plot", str(picture))
    assert done.returncode == 0, done.stderr
    first, *lines = done.stdout.splitlines()
    assert first == "2 connections, 1,024 bytes each way, 1 round of 0.1 s; ref. is selectors"
    assert any(line.startswith("selectors ") for line in lines)
    assert "blocking   skipped: it serves one client at a time" in lines
    assert json.loads(numbers.read_text())["settings"]["connections"] == [2]
    assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C server needs epoll")
@pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler")
def test_the_server_in_c(tmp_path):
    server = tmp_path / "epoll_echo"
    source = ROOT / "tests" / "bench" / "epoll_echo.c"
    subprocess.run(
        ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-Wno-sign-compare", "-o", server, source], check=True
    )
    done = run(
        "epoll", *QUICK, "--program", f"C epoll='{server}'", "--size", "65536", "--reference", "C epoll"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ref. is C epoll" in done.stdout


def test_a_server_that_fails_shows_in_the_exit_status():
    done = run("selectors", *QUICK, "--program", "broken=false")
    assert done.returncode == 1
    assert "broken     FAILED: it has ended with status 1" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fastest"], ["'fastest'", "selectors", "trio"]),
        (["selectors", "--connections", "many"], ["1,100,1000", "'many'"]),
        (["selectors", "--connections", "0"], ["from 1 up"]),
        (["selectors", "--connections", "1,,2"], ["1,100,1000"]),
        (["selectors", "--seconds", "0"], ["seconds"]),
        (["selectors", "--seconds", "nan"], ["seconds"]),
        (["selectors", "--rounds", "0"], ["round"]),
        (["selectors", "--idle", "-1"], ["idle"]),
        (["selectors", "--size", "0"], ["65536"]),
        (["selectors", "--program", "./mine"], ["NAME=COMMAND"]),
        (["selectors", "--reference", "trio"], ["'trio'", "selectors"]),
        (["selectors", "--json", "no/such/folder/x.json"], ["no/such/folder"]),
        (["selectors", "--plot", "no/such/folder/x.png"], ["no/such/folder"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_a_mistake_is_one_line(arguments, words):
    assert_one_line(run(*arguments), *words)


def test_a_mistake_leaves_no_empty_file(tmp_path):
    assert_one_line(run("fastest", "--json", str(tmp_path / "x.json")))
    assert not list(tmp_path.iterdir())


def limited(descriptors: int) -> Callable[[], None]:
    """What limits a child's descriptors for good, between fork and exec."""
    resource = pytest.importorskip("resource", reason="Windows has no such limit")
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))


def test_too_few_descriptors():
    done = run("select", "--connections", "10,5000", "--idle", "3", preexec_fn=limited(300))
    assert_one_line(done, "5003 connections need 5103 descriptors", "the limit is 300", "ulimit -Hn")


def test_with_few_descriptors_memory_is_not_told():
    done = run("selectors", *QUICK, preexec_fn=limited(150))
    assert done.returncode == 0, done.stderr
    assert "kernel's buffers" not in done.stdout


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("stage", ["memory", "round 1"])
def test_an_interrupted_benchmark_leaves_nothing(how, stage):
    """nonblocking is suspended while it waits for its turn; it must be ended all the same."""
    arguments = ["nonblocking", "selectors", "--connections", "3", "--seconds", "30"]
    with subprocess.Popen([*COMMAND, *arguments], stdout=-1, stderr=-1, cwd=ROOT) as process:
        seen = b""
        while stage.encode() not in seen:
            piece = os.read(process.stderr.fileno(), 4096)
            assert piece, seen
            seen += piece
        children = psutil.Process(process.pid).children(recursive=True)
        start = time.monotonic()
        process.send_signal(how)
        stdout, stderr = process.communicate(timeout=10)
        assert time.monotonic() - start < 2  # within a second, and an interpreter's own end
        assert (process.returncode, stdout) == (130, b"")
        assert b"Traceback" not in stderr
        assert psutil.wait_procs(children, timeout=5)[1] == []
