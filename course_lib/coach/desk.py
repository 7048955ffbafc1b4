"""The learner's side of the coach: hand in an answer, ask for a hint, look at the solution.

``check`` packs the code and starts a judge in a process of its own. Whatever the code does there, it
ends at the exercise's limit, and nothing of it is left: every process it started carries a mark in
its environment, and is found by it.

Read exercise.py and judge_main.py first.
"""

import json
import os
import secrets
import subprocess
import sys
import uuid
from contextlib import suppress
from typing import Any

import psutil

from course_lib.coach import progress
from course_lib.coach.answers import keep
from course_lib.coach.exercise import Broke, Exercise, definition
from course_lib.coach.exercises import UnknownExercise, find
from course_lib.coach.packing import pack
from course_lib.coach.run import Cargo
from course_lib.coach.shown import Answer, Text
from course_lib.coach.verdict import ERROR, FAIL, NOT_TRIED, Verdict
from course_lib.lab.child_process import plain_environment
from course_lib.lab.source import source_of

MARK = "SOCKETS_TO_ASYNCIO_CHECK"
"""The environment variable that all processes of one check carry."""

GRACE = 15.0
"""Seconds that a judge may need beyond the exercise's limit: starting processes, ending them."""


def check(number: str, answer: Any = None) -> Answer:
    """Judge ``answer``, the function or class that exercise ``number`` asks for.

    Never raises at the learner, except KeyboardInterrupt when they interrupt it.
    """
    try:
        exercise = find(number)
    except UnknownExercise as error:
        return Answer(Verdict(str(number), "", ERROR, (("error", str(error)),)))
    verdict = _verdict(exercise, answer)
    progress.record(exercise.id, verdict.outcome)
    if verdict.passed:
        keep(exercise.id, answer)
    return Answer(verdict)


def hint(number: str) -> Text:
    """Return the next hint of exercise ``number``; after the last one, all of them again."""
    try:
        exercise = find(number)
    except UnknownExercise as error:
        return Text(str(error))
    seen = min(progress.hints_seen(exercise.id) + 1, len(exercise.hints))
    progress.record_hint(exercise.id, seen)
    return Text(
        "\n\n".join(f"Hint {i} of {len(exercise.hints)}. {exercise.hints[i - 1]}" for i in range(1, seen + 1))
    )


def solution(number: str) -> Text:
    """Return one solution of exercise ``number``; yours may look different and be as good."""
    try:
        exercise = find(number)
    except UnknownExercise as error:
        return Text(str(error))
    return Text(exercise.solution.strip("\n"), "python")


def reset(number: str) -> Text:
    """Forget what was tried at exercise ``number``, and return its stub to start anew."""
    try:
        exercise = find(number)
    except UnknownExercise as error:
        return Text(str(error))
    progress.forget(exercise.id)
    return Text(exercise.stub.strip("\n"), "python")


def _verdict(exercise: Exercise, answer: Any) -> Verdict:
    if getattr(answer, "__name__", None) is None or not callable(answer):
        return _error(exercise, f'give what you wrote: check("{exercise.id}", {exercise.name})')
    if _is_stub(exercise, answer):
        return Verdict(exercise.id, exercise.title, NOT_TRIED)
    if exercise.unavailable:
        return Verdict(exercise.id, exercise.title, NOT_TRIED, (("skipped", exercise.unavailable),))
    try:
        cargo = pack(answer)
    except Broke as broke:
        return _error(exercise, str(broke))
    return judged(exercise, cargo)


def _error(exercise: Exercise, words: str) -> Verdict:
    return Verdict(exercise.id, exercise.title, ERROR, (("error", words),))


def _is_stub(exercise: Exercise, answer: Any) -> bool:
    try:
        text = source_of(answer).text
    except (TypeError, SyntaxError):
        return False  # it has no source: it was not written in a cell or file
    return definition(text, answer.__name__) == definition(exercise.stub, exercise.name)


def judged(exercise: Exercise, cargo: Cargo) -> Verdict:
    """Return the verdict of a judge in a process of its own; leave no process behind."""
    mark, word = uuid.uuid4().hex, secrets.token_hex(16)
    task = {"exercise": exercise.id, "path": sys.path, "word": word, **cargo._asdict()}
    environment = {**plain_environment(), MARK: mark}
    environment.pop("PYTHONASYNCIODEBUG", None)  # whether asyncio watches itself is the answer's to say
    judge = subprocess.Popen(
        [sys.executable, "-m", "course_lib.coach.judge_main"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
        start_new_session=True,  # an interrupt is for the notebook, which then ends the judge
    )
    try:
        out, err = judge.communicate(json.dumps(task), timeout=exercise.limit + GRACE)
    except subprocess.TimeoutExpired:
        return Verdict(
            exercise.id,
            exercise.title,
            FAIL,
            (("came back", f"no end within {exercise.limit:g} s"),),
            "Something in your code does not return.",
        )
    finally:
        judge.kill()
        sweep(mark)
        judge.communicate()
    for line in out.splitlines():
        with suppress(ValueError, TypeError, KeyError):
            told = json.loads(line)
            if secrets.compare_digest(told["word"], word):
                verdict = told["verdict"]
                verdict["facts"] = tuple(tuple(pair) for pair in verdict["facts"])
                return Verdict(**verdict)
    last = err.strip().splitlines()[-1:] or ["it said nothing"]
    return _error(exercise, f"the judge has ended without a verdict: {last[0]}")


def sweep(mark: str) -> None:
    """Kill every process that carries ``mark``, also those that have hidden from their parents."""
    for _ in range(10):  # it may fork while we look
        found = [process for process in psutil.process_iter() if _carries(process, mark)]
        for process in found:
            with suppress(psutil.Error):
                process.kill()
        if not found:
            return
        psutil.wait_procs(found, timeout=1.0)


def _carries(process: psutil.Process, mark: str) -> bool:
    try:
        return process.pid != os.getpid() and process.environ().get(MARK) == mark
    except (psutil.Error, OSError):
        return False
