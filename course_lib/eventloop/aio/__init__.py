"""asyncio's interface on our reactor: ``new_event_loop``. Read loop.py for the plan of it."""

from course_lib.eventloop.aio.loop import AsyncioLoop, new_event_loop

__all__ = ["AsyncioLoop", "new_event_loop"]
