"""CPython's own tests, run on our loop: all of them where there is time, and the runner's own tests."""

import json
import subprocess
import sys

import pytest

from course_lib.lab.conformance import MODULES, Conformance, Outcome, conformance
from course_lib.lab.conformance.suites import missing

with_tests = pytest.mark.skipif(bool(missing()), reason=missing())


@with_tests
@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("module", MODULES)
def test_cpythons_own_tests_pass(module: str) -> None:
    found = conformance(module)
    print(found.table())
    assert found.count("passed")
    assert not found.failed


@with_tests
def test_a_module_that_takes_no_time() -> None:
    found = conformance("test_context")
    assert not found.failed
    assert found.count("passed") >= 1
    assert repr(found) == "test_context: all passed that can run here"


@with_tests
def test_a_wrong_loop_is_found_out() -> None:
    found = conformance("test_timeouts", loop="tests.lab.broken_loops:Impatient")
    assert found.failed
    assert "failed" in repr(found)
    assert found.failed[0].test in found.table()


def test_a_loop_that_cannot_be_had_is_told() -> None:
    with pytest.raises(RuntimeError, match="no_such_module"):
        conformance("test_context", loop="no_such_module:Loop")


def test_an_unknown_module_is_told() -> None:
    with pytest.raises(ValueError, match="no 'test_nothing'; choose of .*test_events"):
        conformance("test_nothing")


def test_no_tests_at_all_are_told() -> None:
    assert repr(Conformance({}, "there are none")) == "Not run: there are none."


def test_the_table_has_numbers_and_reasons() -> None:
    outcomes = [Outcome("A.test_x", "passed", ""), Outcome("A.test_y", "failed", "Traceback\nValueError: no")]
    found = Conformance({"test_a": outcomes, "test_b": [Outcome("B.test_z", "skipped", "not here")]})
    assert found.table().splitlines() == [
        "module   passed   failed  skipped",
        "test_a        1        1        0",
        "test_b        0        0        1",
        "all           1        1        1",
        "A.test_y: Traceback",
        "ValueError: no",
    ]
    assert repr(found) == ("test_a: 1 failed\ntest_b: all passed that can run here\nA.test_y: ValueError: no")


PLANTED = """
import json, os, signal, time, unittest
from course_lib.lab.conformance import run_main
run_main.LIMIT = 1.0

class Planted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ready = True

    def test_good(self): self.assertTrue(self.ready)
    def test_bad(self): self.assertEqual(1, 2)
    def test_error(self): raise OSError("broken")
    def test_left_out(self): self.skipTest("not here")
    def test_hangs(self): time.sleep(60)
    def test_dies(self): os.kill(os.getpid(), signal.SIGKILL)
    def test_prints(self): print("x" * 100_000)

names = ("good", "bad", "error", "left_out", "hangs", "dies", "prints")
print(json.dumps({name: run_main.in_a_process(Planted("test_" + name)) for name in names}))
"""


def test_each_way_to_end_is_told() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PLANTED], capture_output=True, text=True, timeout=50, check=True
    )
    found = json.loads(ran.stdout)
    outcomes = {name: result["outcome"] for name, result in found.items()}
    assert outcomes == {
        "good": "passed",
        "bad": "failed",
        "error": "failed",
        "left_out": "skipped",
        "hangs": "failed",
        "dies": "failed",
        "prints": "passed",
    }
    assert "1 != 2" in found["bad"]["detail"]
    assert "OSError: broken" in found["error"]["detail"]
    assert found["left_out"]["detail"] == "not here"
    assert found["hangs"]["detail"] == "it was not over after 1 s"
    assert found["dies"]["detail"] == "its process died"
