"""A process that has imported the large libraries, and forks for each command that ``tests.forked`` sends.

The fork becomes the command: ``python -m`` or ``python -c`` with its words, folder, environment and streams, up to
what is done at the interpreter's end; only the taking apart of what was imported is left out. Of the product it imports
no module that reads the environment when it is imported, as ``chatbot.terminal`` and ``chatbot.ui`` do: in a fork they
read the command's. Forking is safe while there is one thread, which is looked at each time.

The bundled model is read here once, with the seed papers' word vectors.
"""

import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

from tests.one_model import read_seed_papers, share_model

LIBRARIES = (
    "argon2",
    "chatbot.cli",
    "chatbot.pipeline",
    "chromadb.api.rust",
    "evals.runs",
    "filelock",
    "gradio",
    "jsonschema",
    "langchain_openai",
    "limits",
    "mcp.server.fastmcp",
    "pydantic_settings",
    "sklearn.linear_model",
    "tantivy",
    "threadpoolctl",
    "tokenizers",
    "torch",
    "transformers",
    "typer",
)
LIMIT = 200_000  # bytes of a message
_codes: list[int] = []  # what the command ends with, once that is known


def serve(listener: socket.socket) -> None:
    """Fork for each message; return when standard input ends, and in a fork when its command is done."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    clients = list[socket.socket]()
    while sys.stdin not in (ready := select.select([sys.stdin, listener, *clients], [], [])[0]):
        for client in [each for each in clients if each in ready]:
            message, files, *_ = socket.recv_fds(client, LIMIT, 4)
            if not message:
                clients.remove(client)
                client.close()
            elif _is_fork(files):
                for each in (listener, *clients):
                    each.close()
                _report(files.pop(), files)
                _become(files, **json.loads(message))
                return
        if listener in ready:
            clients.append(listener.accept()[0])


def _is_fork(files: list[int]) -> bool:
    """Fork, and tell whether this is the fork; only there are ``files`` still open."""
    threads = [(task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()]
    if len(threads) > 1:
        raise RuntimeError(f"forking is not safe beside other threads: {threads}")
    if os.fork():
        for file in files:
            os.close(file)
        return False
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    return True


def _report(status: int, streams: list[int]) -> None:
    """Return in a fork; this process tells its number and, at its end, its status, and ends as well."""
    with socket.socket(fileno=status) as told:
        if pid := os.fork():
            for stream in streams:
                os.close(stream)
            told.send(pid.to_bytes(4, "big"))
            told.send(os.waitpid(pid, 0)[1].to_bytes(4, "big"))
            os._exit(0)


def _become(streams: list[int], words: list[str], folder: str, environment: dict[str, str]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    kind, program, *sys.argv[1:] = words
    sys.argv[0], sys.path[0] = kind, folder if kind == "-m" else ""
    try:
        if kind == "-m":
            runpy.run_module(program, run_name="__main__", alter_sys=True)
        else:
            sys.modules["__main__"] = main = ModuleType("__main__")
            exec(program, vars(main))
    except SystemExit as end:
        _codes.append(end.code if isinstance(end.code, int) else int(end.code is not None))
        raise
    except Exception:
        _codes.append(1)
        raise
    _codes.append(0)


def _leave() -> None:
    """End, after all else that is done at the end, before what was imported is taken apart, which takes longest."""
    if _codes:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_codes[0])


if __name__ == "__main__":
    atexit.register(_leave)  # before any other, so that it comes last
    for library in LIBRARIES:
        import_module(library)
    read_seed_papers(share_model())
    gc.freeze()  # a collection in a fork would copy the memory that they share
    serve(socket.socket(fileno=int(sys.argv[1])))
    _codes.append(0)
