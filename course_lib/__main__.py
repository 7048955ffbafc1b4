"""python -m course_lib: doctor, serve, connect, gauntlet, bench, progress.

What a user can get wrong costs one line on stderr and exit status 2, never a traceback. Imports wait
until a command needs them, so that Ctrl-C is quiet from the start.
"""

import argparse
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NoReturn

Address = tuple[str, int]

INTERRUPTED = 128 + signal.SIGINT
"""The exit status that shells give a command ended by Ctrl-C."""


class UsageError(Exception):
    """What the user asked for cannot be done; says why in one line."""


class ReaderGone(Exception):
    """Nobody reads our output any more, as after `| head`."""


def main(argv: Sequence[str] | None = None) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for a console that knows no Chinese
    try:
        # To be ended politely is to be interrupted, by whoever handles that: asyncio has its own way.
        signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))
        arguments = parser().parse_args(argv)
        return int(arguments.run(arguments))
    except UsageError as error:
        print(f"course_lib: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED
    except ReaderGone:
        return 1


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (--help tells more)\n")


def parser() -> Parser:
    whole = Parser(prog="python -m course_lib", description="From one blocking socket to your own asyncio.")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], about: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=about, description=about)
        sub.set_defaults(run=run)
        return sub

    command("doctor", doctor, "what this machine has, and what to do about what it lacks")

    sub = command("serve", serve, "run one server of the ladder until Ctrl-C")
    sub.add_argument("name", metavar="NAME", help="a rung of the ladder, such as blocking or selectors")
    sub.add_argument(
        "--host", default="127.0.0.1", help="the address to listen on (127.0.0.1: this machine only)"
    )
    sub.add_argument("--port", type=port, default=0, help="the port to listen on (0: any free one)")
    sub.add_argument(
        "--conversation",
        default="echo",
        help="echo (the default), article-blocking, article-selectors or chat",
    )
    sub.add_argument("--quiet", action="store_true", help="print errors only")

    sub = command("connect", connect, "type lines to a server and read its answers; a line `end` leaves")
    sub.add_argument("port", metavar="PORT", type=port)
    sub.add_argument("--host", default="127.0.0.1")

    sub = command("gauntlet", gauntlet, "judge servers with hostile clients")
    sub.add_argument("names", metavar="NAME", nargs="*", help="rungs of the ladder")
    sub.add_argument("--address", metavar="HOST:PORT", help="judge the echo server that is running there")
    sub.add_argument("--pid", type=int, help="its process, if it may be looked at: CPU, memory, descriptors")
    sub.add_argument("--only", metavar="SCENARIO", nargs="+", help="these scenarios only")
    sub.add_argument("--json", metavar="FILE", type=Path, help="write the results there too")

    sub = command("bench", bench, "measure servers side by side: requests a second, latency, CPU, memory")
    sub.add_argument("names", metavar="NAME", nargs="*", help="rungs of the ladder (all), or peers by name")
    sub.add_argument("--peers", action="store_true", help="asyncio, uvloop, trio and others beside them")
    sub.add_argument(
        "--program",
        metavar="NAME=COMMAND",
        action="append",
        default=[],
        help="any echo server, in any language, that prints its port as its first line; may be repeated",
    )
    sub.add_argument(
        "--connections",
        metavar="N,N",
        type=numbers,
        default=(1, 100, 1000),
        help="how many clients talk at once; each number is measured by itself (1,100,1000)",
    )
    sub.add_argument(
        "--idle", metavar="N", type=int, default=0, help="so many more connections, silent ones (0)"
    )
    sub.add_argument("--seconds", metavar="S", type=float, default=2.0, help="how long a round lasts (2)")
    sub.add_argument("--rounds", metavar="N", type=int, default=3, help="rounds for each server (3)")
    sub.add_argument("--size", metavar="BYTES", type=int, default=1024, help="of one message (1024)")
    sub.add_argument("--reference", metavar="NAME", help="what the others are compared with (the cheapest)")
    sub.add_argument("--json", metavar="FILE", type=Path, help="write all numbers there too")
    sub.add_argument("--plot", metavar="FILE", type=Path, help="draw the result into this PNG")

    sub = command("progress", progress, "which exercises you have passed")
    sub.add_argument(
        "--reset", nargs="?", const="", metavar="ID", help="forget one exercise, such as 5.2, or all of them"
    )
    return whole


def port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text!r}")
    return int(text)


def numbers(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"numbers are given as 1,100,1000 and not as {text!r}")
    return tuple(dict.fromkeys(map(int, parts)))


def doctor(arguments: argparse.Namespace) -> int:
    from course_lib.lab.doctor import doctor as examine

    report = examine()
    say(f"{report}\n\n{report.details()}")
    return 0 if report.healthy else 1


def serve(arguments: argparse.Namespace) -> int:
    from course_lib.lab.explain import explain, exposure_warning
    from course_lib.lab.interrupts import stopped_by_signals
    from course_lib.lab.narrator import narrated

    server_class = find_rung(arguments.name)
    conversation = find_conversation(arguments.conversation, server_class)
    if not arguments.quiet:
        conversation = narrated(conversation, write=narrate)
    address = (arguments.host, arguments.port)
    if warning := exposure_warning(arguments.host):
        print(f"course_lib: warning: {warning}", file=sys.stderr)
    try:
        server = server_class(address, conversation)
        with ExitStack() as stack:
            stack.callback(server.stop)  # also where it has not begun
            stack.enter_context(stopped_by_signals(server.stop))
            if not arguments.quiet:
                host, number = server.address
                said = arguments.conversation
                say(f"{server.name} serves {said} on {host}:{number}; Ctrl-C ends it")
            server.serve_forever()
    except OSError as error:
        raise UsageError(explain(error, address)) from None
    return 0


def find_conversation(name: str, server_class: Any) -> Callable[[], Any]:
    """Return a maker of conversations, one for each connection to a server of this class."""
    from course_lib.chat import CONVERSATIONS
    from course_lib.servers import LADDER

    if name not in CONVERSATIONS:
        raise UsageError(f"there is no conversation {name!r}; choose one of {', '.join(CONVERSATIONS)}")
    able = [rung for rung in LADDER if getattr(rung, "speaks_first", False)]
    if name == "chat" and server_class not in able:
        names = ", ".join(rung.name for rung in able)
        raise UsageError(f"{server_class.name} speaks only when spoken to; a chat needs one of {names}")
    return CONVERSATIONS[name]


def connect(arguments: argparse.Namespace) -> int:
    from course_lib.clients import converse
    from course_lib.lab.explain import explain

    if sys.stdin is None:
        raise UsageError("there are no lines to send: standard input is closed")
    address = (arguments.host, arguments.port)
    try:
        converse(address, sys.stdin.fileno(), write=say)
    except (OSError, UnicodeError) as error:
        raise UsageError(explain(unknown_host(error), address)) from None
    return 0


def unknown_host(error: OSError | UnicodeError) -> OSError:
    """Return ``error``, or for a host that is no name at all, such as `a..b`, what another name would get."""
    import socket

    return socket.gaierror() if isinstance(error, UnicodeError) else error


def say(text: str) -> None:
    """Print ``text`` at once, with an end of line if it has none. Raises ReaderGone, and UsageError."""
    try:
        print(text, end="" if text.endswith("\n") else "\n", flush=True)
    except OSError as error:
        # What is still in the buffer would be tried again, and complained of, when Python ends.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        if isinstance(error, BrokenPipeError):
            raise ReaderGone from None
        raise UsageError(f"cannot write the output: {error.strerror}") from None


def narrate(text: str) -> None:
    """Print a line of a server's tale. That nobody reads it must not cost its clients their connection."""
    with suppress(ReaderGone, UsageError):
        say(text)


def gauntlet(arguments: argparse.Namespace) -> int:
    import json

    from course_lib.lab.gauntlet import gauntlet as judge
    from course_lib.lab.gauntlet.scenarios import UnknownScenario, choose

    if bool(arguments.names) == bool(arguments.address):
        raise UsageError("name one or more rungs, or give --address HOST:PORT (one of the two)")
    if arguments.pid is not None and not arguments.address:
        raise UsageError("--pid goes with --address")
    try:
        choose(arguments.only)
    except UnknownScenario as error:
        raise UsageError(str(error)) from None
    if arguments.address:
        targets: list[Any] = [reachable(arguments.address)]
        check_process(arguments.pid)
    else:
        targets = [find_rung(name) for name in arguments.names]
    if arguments.json:
        write(arguments.json, "", mode="a")  # what cannot be written is said now, not when all is done
    reports = []
    for target in targets:
        reports.append(judge(target, arguments.only, pid=arguments.pid))
        say(str(reports[-1]))
    if arguments.json:
        write(arguments.json, json.dumps([report.to_dict() for report in reports], indent=2) + "\n")
    return 1 if any(report.surprises for report in reports) else 0


def bench(arguments: argparse.Namespace) -> int:
    from course_lib.lab.bench import BenchError, LoadBroken, Plan, Settings, choose

    try:
        settings = Settings(
            arguments.connections, arguments.idle, arguments.seconds, arguments.rounds, arguments.size
        )
        entrants = choose(arguments.names, arguments.peers, arguments.program)
        plan = Plan(settings, entrants, arguments.reference)
        for file in filter(None, (arguments.json, arguments.plot)):
            write(file, "", mode="a")  # what cannot be written is said now, not when all is done
        result = plan.run()
    except (BenchError, LoadBroken) as error:
        raise UsageError(str(error)) from None
    say(str(result))
    if arguments.json:
        write(arguments.json, result.to_json() + "\n")
    if arguments.plot:
        save(result.picture, arguments.plot)
    return 1 if any(row.failed for row in result.rows) else 0


def progress(arguments: argparse.Namespace) -> int:
    from course_lib.coach.exercises import UnknownExercise, find
    from course_lib.coach.progress import forget
    from course_lib.coach.progress import progress as board

    if arguments.reset is not None:
        try:
            forget(find(arguments.reset).id if arguments.reset else None)
        except UnknownExercise as error:
            raise UsageError(str(error)) from None
    say(str(board()))
    return 0


def find_rung(name: str) -> Any:
    from course_lib.servers import UnknownRung, rung

    try:
        found = rung(name)
    except UnknownRung as error:
        raise UsageError(str(error)) from None
    if found.unavailable:
        raise UsageError(f"{name} cannot run here: {found.unavailable}")
    return found


def reachable(text: str) -> Address:
    """Return the address in ``text`` if a server answers there."""
    import socket

    from course_lib.lab.explain import explain, exposure_warning

    host, _, number = text.rpartition(":")
    try:
        address = (host or "127.0.0.1", port(number))
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"{text!r} is no address HOST:PORT: {error}") from None
    if exposure_warning(address[0]):
        print(
            "course_lib: warning: judge only servers that are yours; this is hostile traffic", file=sys.stderr
        )
    try:
        socket.create_connection(address, timeout=5).close()
    except (OSError, UnicodeError) as error:
        raise UsageError(explain(unknown_host(error), address)) from None
    return address


def check_process(pid: int | None) -> None:
    import psutil

    try:
        if pid is not None:
            psutil.Process(pid).num_fds()
    except (psutil.Error, ValueError, AttributeError):
        raise UsageError(f"process {pid} does not exist, or may not be looked at") from None


def save(picture: Any, path: Path) -> None:
    try:
        picture.save(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


def write(path: Path, text: str, mode: str = "w") -> None:
    try:
        with path.open(mode, encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


if __name__ == "__main__":
    sys.exit(main())
