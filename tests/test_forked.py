"""The tests' own way of running commands: what is seen of a fork is what is seen of a process started anew."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import forked

SAYS_ALL = """
import atexit, os, sys, threading, time
atexit.register(print, "at the end")
threading.Thread(target=lambda: (time.sleep(0.1), print("a thread"))).start()
print(sys.argv, os.getcwd(), os.environ["SET"], "HF_HUB_OFFLINE" in os.environ, sys.stdin.read())
print("an error", file=sys.stderr)
"""


@pytest.mark.parametrize(
    "program",
    [
        SAYS_ALL,
        "import sys; sys.exit('a reason')",
        "import sys; sys.exit(3)",
        "raise ValueError('wrong')",
        "raise KeyboardInterrupt",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import sys; print(__name__, sys.modules['__main__'].__name__, sys.path[0])",
    ],
)
def test_a_fork_ends_and_says_what_a_process_does(program: str, tmp_path: Path) -> None:
    command, environment = [sys.executable, "-c", program, "a word", "ä"], os.environ | {"SET": "here"}
    fresh = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, input="ö")
    fork = forked.run(command, env=environment, cwd=tmp_path, input="ö")
    assert (fork.returncode, fork.stdout) == (fresh.returncode, fresh.stdout)
    assert fork.stderr.splitlines()[-1:] == fresh.stderr.splitlines()[-1:]


def test_a_module_is_run_with_its_folder_first(tmp_path: Path) -> None:
    (tmp_path / "told.py").write_text("import sys; print(__name__, sys.argv, sys.path[0])")
    command = [sys.executable, "-m", "told", "a word"]
    fresh = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert forked.run(command, cwd=tmp_path).stdout == fresh.stdout != ""


def test_a_fork_is_polled_signalled_and_waited_for() -> None:
    command = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
    with forked.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "up\n"
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=15) == -signal.SIGTERM
        process.kill()  # of what is gone, does nothing
