"""The file of what the learner has done: written whole or not at all, read with distrust.

    {"format": 1, "exercises": {"1.1": {"outcome": "PASS", "tries": 3, "hints": 1, "passed": "2026-11-23"}}}

It is in the user's data folder, so it outlives kernels and new versions of the course. One that
cannot be read is set aside, neither lost nor in the way. Beside it is the folder ``answers``, with the code
that has passed.

Next: progress.py.
"""

import json
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import platformdirs

FOLDER = "SOCKETS_TO_ASYNCIO_DATA"
"""The environment variable that puts the file into another folder."""

LOCK_SECONDS = 2.0
"""A lock older than this was left by a process that has died."""

Entries = dict[str, dict[str, Any]]
"""By number of the exercise."""


def path() -> Path:
    """Return where the file is, whether it exists or not."""
    folder = os.environ.get(FOLDER) or platformdirs.user_data_dir("sockets-to-asyncio", appauthor=False)
    return Path(folder) / "progress.json"


def read() -> Entries:
    """Return all entries; none where there is no file. A file that is none of ours is set aside."""
    file = path()
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        entries = data["exercises"]
        if not all(isinstance(entry, dict) for entry in entries.values()):
            raise TypeError
    except FileNotFoundError:
        return {}
    except OSError as error:
        warnings.warn(f"your progress cannot be read: {error.strerror}", stacklevel=2)
        return {}
    except (ValueError, TypeError, KeyError, AttributeError):
        _set_aside(file)
        return {}
    return dict(entries)


def _set_aside(file: Path) -> None:
    aside = file.with_name(f"progress-damaged-{time.strftime('%Y%m%d-%H%M%S')}.json")
    with suppress(OSError):
        file.replace(aside)
        warnings.warn(
            f"the progress file was damaged and is now {aside.name}; a new one begins", stacklevel=3
        )


def change(what: Callable[[Entries], None]) -> None:
    """Let ``what`` change the entries, and write them. Where that is not permitted, say so and go on."""
    file = path()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with _locked(file.with_suffix(".lock")):
            entries = read()
            what(entries)
            _write(file, json.dumps({"format": 1, "exercises": entries}, indent=1))
    except OSError as error:
        warnings.warn(f"your progress cannot be written: {error.strerror or error}", stacklevel=3)


def keep(number: str, code: str) -> None:
    """Keep the code of an answer to exercise ``number``. Where that is not permitted, say so and go on."""
    file = _answer(number)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _write(file, code)
    except (OSError, UnicodeError) as error:
        warnings.warn(f"your answer cannot be kept: {error}", stacklevel=3)


def kept(number: str) -> tuple[str, str]:
    """Return the code that is kept of an answer, and its file; ``""`` where there is none."""
    file = _answer(number)
    try:
        return file.read_text(encoding="utf-8"), str(file)
    except (OSError, ValueError):
        return "", str(file)


def drop(number: str | None = None) -> None:
    """Keep the answer to one exercise no longer, or those to all."""
    for file in _answer("0").parent.glob("*.py") if number is None else [_answer(number)]:
        with suppress(OSError):
            file.unlink(missing_ok=True)


def _answer(number: str) -> Path:
    return path().parent / "answers" / f"exercise_{number.replace('.', '_')}.py"


def _write(file: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=file.parent, encoding="utf-8", delete=False) as new:
        try:
            new.write(text)
            new.flush()
            os.fsync(new.fileno())
        except BaseException:
            new.close()
            Path(new.name).unlink()
            raise
    Path(new.name).replace(file)


@contextmanager
def _locked(lock: Path) -> Iterator[None]:
    """Hold ``lock``, a file that only one process can make: two notebooks must not undo each other."""
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
            break
        except FileExistsError:
            with suppress(OSError):
                if time.time() - lock.stat().st_mtime > LOCK_SECONDS:
                    lock.unlink()
            time.sleep(0.005)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
