"""The article on trial: what it says that is not so, each with an experiment that refutes it.

    trial()               all charges, the experiments run now
    trial("accept")       those whose experiment has this in its name

The article is a good beginning, and this course has grown out of it. What it gets wrong most of us have
believed for some time. No charge is decided by an argument: each has an experiment, run when you ask.

Read charge.py first, then selecting.py, sockets.py, loops.py and serving.py.
"""

from course_lib.lab.trial import loops, selecting, serving, sockets
from course_lib.lab.trial.charge import Charge, Trial, hear

__all__ = ["CHARGES", "Charge", "Trial", "trial"]

CHARGES: tuple[Charge, ...] = (*selecting.CHARGES, *sockets.CHARGES, *loops.CHARGES, *serving.CHARGES)


def trial(part: str = "") -> Trial:
    """Hear the charges whose experiment has ``part`` in its name. Raises ValueError where there is none."""
    chosen = [charge for charge in CHARGES if part in charge.experiment.__name__]
    if not chosen:
        names = ", ".join(charge.experiment.__name__ for charge in CHARGES)
        raise ValueError(f"no experiment has {part!r} in its name; there are {names}")
    return Trial([hear(charge) for charge in chosen])
