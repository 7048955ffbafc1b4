"""A loop with a fault, for the tests of what tests loops."""

from typing import Any

from course_lib.eventloop.aio import AsyncioLoop


class Impatient(AsyncioLoop):
    """Calls at once what should be called later."""

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Any:
        return super().call_at(0.0, callback, *args, context=context)
