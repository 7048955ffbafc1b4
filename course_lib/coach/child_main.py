"""The learner's process: unpack the code, let the driver use it, and tell what came of it.

Nothing here decides anything: it reports values and exceptions, and the judge makes up its mind.

Read run.py first.
"""

import base64
import gc
import importlib
import inspect
import json
import linecache
import os
import pickle
import sys
import threading
import traceback
from types import TracebackType
from typing import Any

from course_lib.coach.plain import decode, encode
from course_lib.lab.explain import one_line
from course_lib.lab.stacks import Place, display_name, frame_of, is_own, own_place


def main() -> None:
    # The judge reads the real standard output. What the code prints goes into the log.
    reply = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    first = json.loads(sys.stdin.readline())
    sys.path[:] = first["path"]
    for filename, source in first["cells"].items():
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    if first["nofile"]:
        limit_descriptors(first["nofile"])
    lock = threading.Lock()

    def tell(event: str, **facts: Any) -> None:
        with lock:
            reply.write(json.dumps({"event": event, **facts}) + "\n")
            reply.flush()

    begin = threading.Event()
    threading.Thread(target=listen, args=(begin, tell), daemon=True).start()
    try:
        learners = pickle.loads(base64.b64decode(first["cargo"]))
        driver = getattr(importlib.import_module(first["module"]), first["driver"])
        arguments = decode(first["arguments"])
    except BaseException as error:
        tell("unpacked", error=one_line(error))
        return
    tell("unpacked", error="")
    begin.wait()  # the judge counts what we hold before
    try:
        value = driver(learners, *arguments)
        if inspect.isgenerator(value):
            value = told(value, tell)
        data = encode(value)
    except BaseException as error:
        tell("raised", **described(error))
    else:
        del value
        gc.collect()
        tell("returned", value=data)
    threading.Event().wait()  # the judge counts what we have left behind, and ends us


def told(generator: Any, tell: Any) -> Any:
    """Tell all that ``generator`` yields; return what it returns."""
    while True:
        try:
            value = next(generator)
        except StopIteration as end:
            return end.value
        tell("yielded", value=encode(value))


def listen(begin: threading.Event, tell: Any) -> None:
    """Do what the judge says, in a thread; at the end of its words, end."""
    for line in sys.stdin:
        if json.loads(line)["do"] == "begin":
            begin.set()
        else:
            place = own_place(frame_of(threading.main_thread()))
            tell("standing", place=str(place or ""), source=place.source if place else "")
    os._exit(1)  # the judge is gone


def described(error: BaseException) -> dict[str, Any]:
    """Return the error as plain data, with the line of the learner's that it came from."""
    place = place_of(error.__traceback__)
    return {
        "types": [each.__name__ for each in type(error).__mro__],
        "message": one_line(error),
        "place": str(place or ""),
        "source": place.source if place else "",
    }


def place_of(trace: TracebackType | None) -> Place | None:
    """Return the innermost line of the learner's own code."""
    own = [(frame, line) for frame, line in traceback.walk_tb(trace) if is_own(frame.f_code.co_filename)]
    if not own:
        return None
    frame, line = own[-1]
    filename = frame.f_code.co_filename
    return Place(
        display_name(filename), line, frame.f_code.co_name, linecache.getline(filename, line).strip()
    )


def limit_descriptors(number: int) -> None:
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))


if __name__ == "__main__":
    main()
