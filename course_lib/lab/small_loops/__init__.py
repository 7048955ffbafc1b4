"""Four small loops, each one idea after the other: from the article's pseudo-code to a loop in a page.

- asking.py asks every task, again and again, whether it can go on;
- in_turns.py lets a task be told: it waits for a future, and stands in a queue when that is done;
- with_time.py sleeps until a timer is due;
- with_sockets.py sleeps in a selector, and so until a timer is due or a socket is ready.

The names and their order are the same in all of them, so that ``show(one.Loop, other.Loop)`` is the lesson.

Read ../../eventloop/task.py first. Next: asking.py.
"""
