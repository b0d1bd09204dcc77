"""`make test-hard`: the tests on a machine that has no time, and again and again in random order.

First the whole suite, while as many processes as four times the cores do nothing but compute. Then, still so, each test
that started a process, slept or talked to a server, repeated in random order.
A test that is red here would be red by chance on somebody's machine: mend the test, or what it found.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).parents[1]
LOAD_PER_CORE = 4
REPEATED = 20
RECORD = "POSTROOM_TEST_RECORD"
"""Environment variable: the file to which the tests that wait are written; tests/support/recording_waits.py does it."""
PYTEST = (sys.executable, "-m", "pytest", "--numprocesses", "4", "--maxschedchunk", "1")


def main() -> int:
    """Do both parts, or one of them. The exit code is 0 if no test was red."""
    parser = argparse.ArgumentParser(prog="python -m tests.hard", description=__doc__.partition("\n")[0])
    parser.add_argument("--load", type=int, default=LOAD_PER_CORE, help="busy processes for each core (%(default)s)")
    parser.add_argument("--runs", type=int, default=1, help="of the whole suite (%(default)s)")
    parser.add_argument("--repeat", type=int, default=REPEATED, help="times each test that waits (%(default)s)")
    parser.add_argument("pytest", nargs="*", metavar="-- ARGUMENTS", help="for pytest, such as paths and -k")
    options = parser.parse_args()
    waiting = Path(tempfile.mkdtemp(prefix="postroom-hard-"), "waiting")
    with busy_processes(options.load * (os.cpu_count() or 1)):
        codes = [_whole_suite(number, options, waiting) for number in range(1, options.runs + 1)]
        if options.repeat and waiting.exists():
            codes.append(_repeated(options, waiting))
    print(f"\n{sum(code == 0 for code in codes)} of {len(codes)} parts green; the tests that wait: {waiting}")  # noqa: T201
    return max(codes)


def _whole_suite(number: int, options: argparse.Namespace, waiting: Path) -> int:
    print(f"\nsuite under load, {number} of {options.runs}", flush=True)  # noqa: T201
    return _pytest(options.pytest, {RECORD: str(waiting)})


def _repeated(options: argparse.Namespace, waiting: Path) -> int:
    # Without their parameters, to which repeating adds one of its own.
    tests = sorted({line.partition("[")[0] for line in waiting.read_text().splitlines()})
    waiting.write_text("\n".join(tests))
    print(f"\n{len(tests):,} tests that wait, {options.repeat} times each, in random order", flush=True)  # noqa: T201
    return _pytest([f"--count={options.repeat}", "--random-order-bucket=global", f"@{waiting}"], {})


def _pytest(arguments: Sequence[str], environment: dict[str, str]) -> int:
    return subprocess.run([*PYTEST, *arguments], cwd=PROJECT, env={**os.environ, **environment}, check=False).returncode


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """So many processes that compute until the end of the block, in the session of the tests.

    The kernel may share processor time out by session first: in one of its own each would count for as much as all
    tests together, or all of them for as much as one.
    """
    program = f"import os\nwhile os.getppid() == {os.getpid()}: sum(range(100_000))"
    processes = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


if __name__ == "__main__":
    sys.exit(main())
