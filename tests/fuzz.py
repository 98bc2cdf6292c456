"""Drive the property tests with atheris, which looks for inputs that reach new code.

``python -m tests.fuzz [PART OF A NAME] [--seconds N]`` runs each test that takes nothing but what hypothesis draws, in
a process of its own. What one finds is kept in ``.hypothesis``: pytest tries it first from then on. Needs
``pip install atheris``, and is no part of the suite.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

from hypothesis import is_hypothesis_test

MOST_BYTES = 8192  # that one input is drawn from
MEMORY = 4096  # MB, for the libraries that are loaded
WATCHED = ["chatbot", "bibtexparser", "pylatexenc", "rispy", "pypdf"]  # code whose branches are looked for


def find_targets(module: str) -> dict[str, Callable[[bytes], Any]]:
    """Return what draws and runs one example of each property test in ``module``, by the test's name."""
    tests = vars(import_module(f"tests.{module}")).items()
    return {
        name: test.hypothesis.fuzz_one_input
        for name, test in tests
        if name.startswith("test_") and is_hypothesis_test(test) and not signature(test).parameters
    }


def fuzz(module: str, name: str, seconds: int) -> None:
    """Run one test until it fails or ``seconds`` are over; never returns."""
    import atheris

    limits = [f"-max_total_time={seconds}", f"-max_len={MOST_BYTES}", "-len_control=0", f"-rss_limit_mb={MEMORY}"]
    # To the end, because much is imported where it is first used.
    with tempfile.TemporaryDirectory() as scratch, atheris.instrument_imports(include=WATCHED):
        target = find_targets(module)[name]

        def run(data: bytes) -> None:
            target(data)

        atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={scratch}/"], run)
        atheris.Fuzz()


def main() -> None:
    """Read the command line, and run each test that is meant; exit with 1 when one fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("name", nargs="?", default="")
    parser.add_argument("--seconds", type=int, default=60, help="for each test")
    parser.add_argument("--module", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.module:
        fuzz(given.module, given.name, given.seconds)
    failed = False
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if "hypothesis" not in path.read_text(encoding="utf-8"):
            continue
        for name in (each for each in find_targets(path.stem) if given.name in each):
            command = [sys.executable, "-m", "tests.fuzz", name, "--module", path.stem, "--seconds", str(given.seconds)]
            done = subprocess.run(command, capture_output=True, text=True)
            last = "" if not done.returncode else done.stdout[-2000:] + done.stderr[-4000:]
            print(f"{path.stem}::{name}: {'failed' if done.returncode else 'nothing found'}\n{last}", flush=True)
            failed |= bool(done.returncode)
    sys.exit(failed)


if __name__ == "__main__":
    main()
