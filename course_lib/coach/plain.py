"""Values as plain data, for the way from the learner's process to the judge.

Only data travels: no object of the learner's reaches the judge, so none can pretend to equal what
was expected.
"""

import base64
from typing import Any

PLAIN = (type(None), bool, int, float, str)


class Foreign:
    """A value that is no plain data, as the judge sees it: it equals nothing else."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def encode(value: Any) -> Any:
    """Return ``value`` in a form that JSON can hold. Exact types only: a subclass may lie about itself."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind in (bytes, bytearray, memoryview):
        return {"bytes": base64.b64encode(bytes(value)).decode()}
    if kind in (list, tuple):
        return {kind.__name__: [encode(each) for each in value]}
    if kind in (dict, set, frozenset):
        pairs = value.items() if kind is dict else ((each, None) for each in value)
        return {kind.__name__: [[encode(key), encode(each)] for key, each in pairs]}
    return {"foreign": f"<{kind.__name__}>"}


def decode(data: Any) -> Any:
    """Return the value that ``encode`` was given; raises ValueError for what is not its work."""
    if type(data) in PLAIN:
        return data
    match data:
        case {"bytes": str(text)}:
            return base64.b64decode(text)
        case {"list": list(items)}:
            return [decode(each) for each in items]
        case {"tuple": list(items)}:
            return tuple(decode(each) for each in items)
        case {"dict": list(pairs)}:
            return {decode(key): decode(each) for key, each in pairs}
        case {"set": list(pairs)} | {"frozenset": list(pairs)}:
            return {decode(key) for key, _ in pairs}
        case {"foreign": str(text)}:
            return Foreign(text)
    raise ValueError("no plain data")
