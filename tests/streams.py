"""Cutting a stream of bytes into chunks, in every way that the network may think of."""

from hypothesis import settings
from hypothesis import strategies as st

# The same examples in every run, and no clock: a busy machine is not a wrong answer.
settings.register_profile("course", derandomize=True, deadline=None, database=None)
settings.load_profile("course")

CUTS = st.lists(st.integers(min_value=0))


def chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    """Cut ``data`` at the given places, of which two may be the same."""
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:stop] for start, stop in zip(places, places[1:], strict=False)]
