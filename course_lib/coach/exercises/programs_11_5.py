"""Exercise 11.5, its second part: programs of asyncio's, which know nothing of the loop that runs them.

Read calls_11_5.py first. Next: sockets_11_5.py.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

from course_lib.coach.exam import Exam
from course_lib.coach.exercises.calls_11_5 import NAME, step

PROGRAMS = {
    "gather": "`asyncio.gather` and `asyncio.sleep`: all sleep at the same time, the shortest ends first.",
    "group": "A task of a TaskGroup fails: the others are cancelled, wherever they wait.",
    "timeout": "`asyncio.timeout` sets a timer with `call_at`, and takes it back when the block has ended.",
    "queue": "Producers and consumers wake each other through a Queue; each keeps its own context.",
    "leftover": "At its end the Runner cancels the tasks that are left, and waits until they are done.",
}

Spec = dict[str, Any]


async def gather(spec: Spec) -> Any:
    ended = []

    async def nap(name: str, seconds: float) -> str:
        await asyncio.sleep(seconds)
        ended.append(name)
        return name.upper()

    naps = zip(spec["names"], spec["naps"], strict=True)
    return [await asyncio.gather(*[nap(*each) for each in naps]), ended]


async def group(spec: Spec) -> Any:
    ended = []

    async def wait(name: str) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(name)

    async def fail(name: str) -> None:
        await asyncio.sleep(0.05)
        raise ValueError(name)

    first, *others = spec["names"]
    try:
        async with asyncio.TaskGroup() as tasks:
            for name in others:
                tasks.create_task(wait(name))
            tasks.create_task(fail(first))
    except* ValueError as errors:
        ended.sort()  # a TaskGroup cancels them in no order
        ended += [str(error) for error in errors.exceptions]
    return ended


async def timeout(spec: Spec) -> Any:
    ended = []
    for name, seconds in zip(spec["names"], spec["naps"], strict=True):
        try:
            async with asyncio.timeout(0.05 if seconds > 0.15 else 60):
                await asyncio.sleep(5 if seconds > 0.15 else 0.01)
                ended.append(name)
        except TimeoutError:
            ended.append("too late")
    return ended


async def queue(spec: Spec) -> Any:
    taken = []
    through: asyncio.Queue[str] = asyncio.Queue(maxsize=2)

    async def produce(name: str) -> None:
        NAME.set(name)
        for number in range(4):
            await through.put(f"{name}{number}")
            await asyncio.sleep(0.01 * (number % 2))

    async def consume(name: str) -> None:
        NAME.set(name)
        while True:
            item = await through.get()
            taken.append([NAME.get() == name, item])
            through.task_done()

    consumers = [asyncio.create_task(consume(f"consumer {number}")) for number in range(2)]
    await asyncio.gather(*map(produce, spec["names"]))
    await through.join()
    for each in consumers:
        each.cancel()
    await asyncio.gather(*consumers, return_exceptions=True)
    return sorted(taken)


async def leftover(spec: Spec) -> Any:
    ended: list[str] = []

    async def wait(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            ended.append(name)

    spec["tasks"] = [asyncio.create_task(wait(name)) for name in spec["names"]]
    await asyncio.sleep(0)
    return ended  # the same list: it grows while the Runner ends


def run_program(kind: Any, name: str, spec: Spec) -> Any:
    """Run one of the programs above on a loop that ``kind`` makes; None is asyncio's own."""
    with asyncio.Runner(loop_factory=kind) as runner:
        result = runner.run(globals()[name](spec))
    return sorted(result) if name == "leftover" else result


# --- in the learner's process


def drive_programs(kind: Any, spec: Spec) -> Iterator[Any]:
    for name in PROGRAMS:
        yield run_program(kind, name, dict(spec))


# --- the judge


def judge_programs(exam: Exam, names: list[str]) -> None:
    spec = {"names": names, "naps": exam.random.sample([0.05, 0.1, 0.2, 0.3], 4)}
    run = exam.run(drive_programs, spec)
    for name, idea in PROGRAMS.items():
        expected = run_program(None, name, dict(spec))
        step(run, f"a program of asyncio's, {name}, on your loop and on asyncio's", expected, idea)
    run.result()
