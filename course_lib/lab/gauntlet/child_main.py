"""The child's side of child.py: make the server, serve, and say when it has ended.

Read child.py first. Next: report.py.
"""

import base64
import json
import os
import pickle
import queue
import sys
import threading
from typing import Any

from course_lib.lab.explain import one_line


def main() -> None:
    # The parent reads the real standard output. What the server prints goes where its
    # errors go, whether Python or a C library writes it.
    reply = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    commands: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    first = json.loads(sys.stdin.readline())
    sys.path[:] = first["path"]
    if first["nofile"]:
        limit_descriptors(first["nofile"])
    server_class, conversation = pickle.loads(base64.b64decode(first["cargo"]))
    control = Control(reply, commands)
    threading.Thread(target=control.read, daemon=True).start()
    control.tell("ready")
    while True:
        address = commands.get()["address"]
        control.asked_to_stop = False
        try:
            control.server = server_class(tuple(address), conversation)
            control.tell("listening", address=control.server.address)
            control.server.serve_forever()
            end = "" if control.asked_to_stop else "serve_forever has returned"
        except BaseException as error:
            end = f"the server has died of {one_line(error)}"
        control.tell("ended", end=end)
        if end:
            os._exit(0)  # the kernel closes what it has left open, and its clients wait in vain no longer


class Control:
    """Reads the parent's commands, in a thread, while the server has the main thread."""

    def __init__(self, reply: Any, commands: queue.SimpleQueue[dict[str, Any]]) -> None:
        self.reply = reply
        self.commands = commands
        self.server: Any = None
        self.asked_to_stop = False

    def read(self) -> None:
        for line in sys.stdin:
            command = json.loads(line)
            if command["do"] == "stop":
                self.asked_to_stop = True
                try:
                    self.server.stop()
                    end = ""
                except BaseException as error:
                    end = f"stop() has died of {one_line(error)}"
                self.tell("stopped", end=end)
            else:
                self.commands.put(command)
        os._exit(1)  # the parent is gone

    def tell(self, event: str, **facts: Any) -> None:
        self.reply.write(json.dumps({"event": event, **facts}) + "\n")  # whole: two threads tell
        self.reply.flush()


def limit_descriptors(number: int) -> None:
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))


if __name__ == "__main__":
    main()
