"""Inside asyncio: what its loop does, observed from outside.

- names.py: what a learner calls a handle, a task, a descriptor;
- tracing.py: which lines of a round run;
- watched.py: a loop of asyncio's own, with an observer at each of its parts;
- rounds.py: ``asyncio_rounds(main)``, the rounds in which a program runs;
- annotated.py: one round, line by line, through the source of asyncio itself;
- run_forever.py: ``run_forever``, line by line;
- four_steps.py: three loops side by side, step by step;
- debugging.py: what asyncio notes in debug mode.

Read ../stepper/__init__.py first. Next: names.py.
"""

from course_lib.lab.inside.debugging import debug_notes
from course_lib.lab.inside.four_steps import four_steps
from course_lib.lab.inside.rounds import asyncio_rounds

__all__ = ["asyncio_rounds", "debug_notes", "four_steps"]
