"""Room for many descriptors, for a while."""

import os
import sys

import pytest

from course_lib.lab.descriptor_room import room_for
from tests.helpers import child

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")

SCRIPT = """
import resource, sys
from course_lib.lab.descriptor_room import room_for
soft, hard = map(int, sys.argv[1:3])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
with room_for(int(sys.argv[3])) as there_is_room:
    print(there_is_room, resource.getrlimit(resource.RLIMIT_NOFILE)[0], end=" ")
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "said"),
    [
        (100, 400, 50, "True 100 100"),  # there is room already
        (100, 400, 300, "True 301 100"),  # raised, and lowered again
        (100, 400, 400, "False 100 100"),  # more than may be asked for
        (100, 100, 100, "False 100 100"),
    ],
)
def test_the_limit_is_raised_for_the_block(soft, hard, wanted, said):
    with child(SCRIPT, str(soft), str(hard), str(wanted)) as process:
        assert process.communicate()[0].decode().strip() == said


def test_a_descriptor_of_that_number_can_be_had():
    import fcntl

    with room_for(1100) as there_is_room, open(os.devnull) as file:
        if not there_is_room:
            pytest.skip("this system does not allow it")
        high = fcntl.fcntl(file, fcntl.F_DUPFD, 1100)
        os.close(high)
        assert high >= 1100
