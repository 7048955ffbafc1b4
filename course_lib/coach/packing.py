"""Packing the learner's object for its way into another process.

cloudpickle carries functions and classes that were defined in a notebook, and what they use. It
cannot carry what lives in this process only, such as sockets, locks and threads.

Next: desk.py.
"""

import base64
import linecache
import warnings
from types import FunctionType
from typing import Any

import cloudpickle

from course_lib.coach.exercise import Broke
from course_lib.coach.run import Cargo
from course_lib.lab.explain import one_line
from course_lib.lab.stacks import is_cell


def pack(obj: Any) -> Cargo:
    """Return ``obj`` as cargo. Raises Broke, which names the global that cannot be carried."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some things will not be carried by a later Python
            pickled = cloudpickle.dumps(obj)
    except Exception as error:  # pickling calls whatever the objects define
        raise Broke(_why(obj, error)) from None
    cells = {name: "".join(linecache.getlines(name)) for name in list(linecache.cache) if is_cell(name)}
    return Cargo(base64.b64encode(pickled).decode(), cells)


def _why(obj: Any, error: Exception) -> str:
    for function in _functions(obj):
        for name in function.__code__.co_names:
            if name in function.__globals__ and not _can_be_carried(function.__globals__[name]):
                kind = type(function.__globals__[name]).__name__
                return (
                    f"{function.__name__} uses {name}, a {kind} of this notebook. Your code is checked in"
                    " another process, where there is none: take it as a parameter, or make it inside"
                    f" {function.__name__}"
                )
    return f"your code cannot be sent to another process: {one_line(error)}"


def _functions(obj: Any) -> list[FunctionType]:
    found = list(vars(obj).values()) if isinstance(obj, type) else [obj]
    return [each for each in found if isinstance(each, FunctionType)]


def _can_be_carried(value: Any) -> bool:
    try:
        cloudpickle.dumps(value)
    except Exception:  # pickling calls whatever the objects define
        return False
    return True
