"""The coach: exercises, and judges that cannot be fooled.

    check("1.1", recv_exactly)      judge your code
    hint("1.1")                     the next hint, one at a time
    solution("1.1")                 one way to do it
    reset("1.1")                    forget what was tried
    answer("1.1")                   what you wrote, when it has passed
    progress()                      what is done, and what is next

Read exercise.py first, then desk.py.
"""

from course_lib.coach.answers import answer
from course_lib.coach.desk import check, hint, reset, solution
from course_lib.coach.progress import progress

__all__ = ["answer", "check", "hint", "progress", "reset", "solution"]
