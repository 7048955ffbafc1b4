"""The same programs on our loop and on asyncio: whatever can be seen of them is equal.

asyncio has had ten years of bug reports, and so it is a good judge. Who starts, who goes on, with which
exception, in which order, at which moment: all of it is noted in both worlds, and compared.
"""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.eventloop.programs import Body, Player, programs
from tests.eventloop.worlds import Ours, Theirs


def check_equal(program: Body) -> None:
    ours, theirs = Player(Ours()).play(program), Player(Theirs()).play(program)
    assert ours == theirs


quiet = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=200, deadline=None, suppress_health_check=quiet)
@given(programs)
def test_random_programs(program: Body) -> None:
    check_equal(program)


@pytest.mark.slow
@pytest.mark.timeout(400)
@settings(max_examples=3000, deadline=None, suppress_health_check=quiet)
@given(programs)
def test_three_thousand_random_programs(program: Body) -> None:
    check_equal(program)
