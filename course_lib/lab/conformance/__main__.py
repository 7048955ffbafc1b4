"""``python -m course_lib.lab.conformance [MODULE …]``: the table; exit status 1 where a test has failed."""

import sys

from course_lib.lab.conformance import conformance

if __name__ == "__main__":
    try:
        report = conformance(*sys.argv[1:])
    except ValueError as error:
        sys.exit(str(error))
    print(report.missing or report.table())  # noqa: T201
    sys.exit(bool(report.failed))
