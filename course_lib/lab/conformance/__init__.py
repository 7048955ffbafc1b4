"""CPython's own tests of asyncio, run on our loop.

    conformance()                      all modules, about a minute
    conformance("test_taskgroups")     one of them
    python -m course_lib.lab.conformance [MODULE …]

Each test has a process of its own and a time limit. Where the interpreter came without its tests, it says so.

Read suites.py and run_main.py first.
"""

from collections.abc import Sequence

from course_lib.lab.conformance.report import Conformance, Outcome
from course_lib.lab.conformance.running import run_module
from course_lib.lab.conformance.suites import MODULES, missing

__all__ = ["MODULES", "Conformance", "Outcome", "conformance"]


def conformance(*modules: str, loop: str = "") -> Conformance:
    """Run the tests of ``modules``, or of all, with a progress bar; return what was found.

    ``loop`` is the loop to be tested, as ``package.module:Class``; without it ours is. Raises ValueError for
    a module that is not in the list.
    """
    from tqdm.auto import tqdm

    unknown = [module for module in modules if module not in MODULES]
    if unknown:
        raise ValueError(f"there is no {unknown[0]!r}; choose of {', '.join(MODULES)}")
    if why := missing():
        return Conformance({}, why)
    chosen: Sequence[str] = modules or MODULES
    found: dict[str, list[Outcome]] = {}
    with tqdm(total=0, unit="test", leave=False) as bar:
        for module in chosen:
            bar.set_description(module)
            found[module] = run_module(module, loop, bar)
    return Conformance(found)
