"""``run`` and ``Popen`` of ``subprocess`` for the project's commands, as forks of a process with the libraries loaded.

Starting Python and importing torch, Chroma and Gradio takes seconds, a fork milliseconds. Where the question is what
is imported, or how long a start takes, take ``subprocess`` itself. Knows nothing of what the commands do.
"""

import atexit
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

INGEST = "import sys; from chatbot import PaperChatbot; PaperChatbot(index=sys.argv[1]).ingest(sys.argv[2])"
SERVER = "TESTS_FORK_SERVER"  # the variable that names the running one
ENVIRONMENT = {
    # What the product sets, no threads of the libraries' own, and no GPU, of which a fork could make no use.
    "CUDA_VISIBLE_DEVICES": "",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def start_server() -> None:
    """Start the server for the commands of this process and of those it starts from now on; it ends with this one."""
    name = f"tests.forked-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(f"\0{name}")
        listener.listen()
        command = [sys.executable, "-m", "tests.fork_server", str(listener.fileno())]
        folder, environment = Path(__file__).parent.parent, os.environ | ENVIRONMENT
        server = subprocess.Popen(
            command, cwd=folder, env=environment, pass_fds=[listener.fileno()], stdin=subprocess.PIPE
        )
    assert server.stdin
    atexit.register(server.wait)
    atexit.register(server.stdin.close)  # which the server takes for its end
    os.environ[SERVER] = name


@cache
def _connect() -> socket.socket:
    """Return where commands are sent."""
    if SERVER not in os.environ:
        start_server()
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.connect(f"\0{os.environ[SERVER]}")
    atexit.register(server.close)
    return server


class _Forked(subprocess.Popen[str]):
    """Started and waited for by the server: what is overridden is where ``subprocess`` would do it."""

    _waitpid_lock: Lock
    _close_pipe_fds: Callable[..., None]
    _handle_exitstatus: Callable[[int], None]

    def _execute_child(self, args: Sequence[str | Path], *given: Any) -> None:
        folder, environment, pipes = given[4], given[5], given[9:15]
        python, *words = map(str, args)
        assert python == sys.executable
        environment = dict(os.environ if environment is None else environment)
        command = {"words": words, "folder": str(folder or Path.cwd()), "environment": environment}
        streams = [number if pipe == -1 else pipe for number, pipe in enumerate((pipes[0], pipes[3], pipes[5]))]
        self._told, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            socket.send_fds(_connect(), [json.dumps(command).encode()], [*streams, theirs.fileno()])
        self._close_pipe_fds(*pipes)
        self.pid = int.from_bytes(self._told.recv(4), "big")
        assert self.pid, "the fork server is gone; it told why on stderr"
        self._child_created = True

    def _try_wait(self, flags: int) -> tuple[int, int]:
        try:
            status = self._told.recv(4, socket.MSG_DONTWAIT if flags else 0)
        except BlockingIOError:
            return 0, 0
        self._told.close()
        return self.pid, int.from_bytes(status, "big")

    def _internal_poll(self, **_: Any) -> int | None:
        if self.returncode is None and self._waitpid_lock.acquire(blocking=False):
            try:
                pid, status = self._try_wait(os.WNOHANG)
                if pid:
                    self._handle_exitstatus(status)
            finally:
                self._waitpid_lock.release()
        return self.returncode


Popen = _Forked if sys.platform == "linux" else subprocess.Popen[str]


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    input: str | None = None,
    check: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Return what the command printed, and its code."""
    pipe = subprocess.PIPE
    with Popen(command, env=env, cwd=cwd, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        output, errors = process.communicate(input)
    done = subprocess.CompletedProcess(command, process.returncode, output, errors)
    if check:
        done.check_returncode()
    return done
