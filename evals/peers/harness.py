"""One step of one peer, run by the Python of its environment: ``python harness.py RUNNER JOB RESULT``.

Knows clocks and the five functions of a runner; knows nothing of who the peers are. JOB is a JSON file with ``step``
(ingest, search or answer), ``model``, ``index``, and ``papers`` (a JSON Lines file), ``queries`` or ``question``.
RESULT becomes a JSON file with what was measured, or with ``error``. Only the standard library is imported here; the
clock runs before anything of a peer is.
"""

import importlib.util
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

TOP_K = 10
_LONGEST = 300  # characters of an error


def main(runner: str, job: str, result: str) -> None:
    """Do the job and write its result, an error too."""
    started = time.perf_counter()
    found: dict[str, Any]
    try:
        found = _do(_import(runner), json.loads(Path(job).read_text(encoding="utf-8")), started)
    except Exception as error:
        text = " ".join(str(error).split())
        found = {"error": f"{type(error).__name__}: {text}"[:_LONGEST]}
    Path(result).write_text(json.dumps(found | {"peak_mb": peak_memory()}), encoding="utf-8")


def _import(runner: str) -> Any:
    spec = importlib.util.spec_from_file_location("runner", runner)
    if not spec or not spec.loader:
        raise ImportError(runner)
    # A runner has its file's name otherwise, which may be that of the library it uses.
    module = sys.modules["runner"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _do(peer: Any, job: dict[str, Any], started: float) -> dict[str, Any]:
    imported = time.perf_counter()
    state = peer.load(job["model"], job["index"])
    loaded = time.perf_counter()
    times = {"import_s": imported - started, "load_s": loaded - imported}
    measured: dict[str, Any] = STEPS[job["step"]](peer, state, job)
    return times | measured


def _ingest(peer: Any, state: Any, job: dict[str, Any]) -> dict[str, Any]:
    papers = [json.loads(line) for line in Path(job["papers"]).read_text(encoding="utf-8").splitlines()]
    started, busy = time.perf_counter(), time.process_time()
    peer.ingest(state, papers)
    ended = time.perf_counter()
    return {"papers": len(papers), "ingest_s": ended - started, "ingest_cpu_s": time.process_time() - busy}


def _search(peer: Any, state: Any, job: dict[str, Any]) -> dict[str, Any]:
    times, found, busy = [], [], []
    for query in job["queries"]:
        started = time.perf_counter()
        found.append(peer.search(state, query, TOP_K))
        times.append(time.perf_counter() - started)
        busy.append(time.process_time())  # since the process began
    warm_cpu = (busy[-1] - busy[0]) / max(1, len(busy) - 1)
    return {"cold_s": times[0], "warm_s": times[1:], "first_cpu_s": busy[0], "warm_cpu_s": warm_cpu, "found": found}


def _answer(peer: Any, state: Any, job: dict[str, Any]) -> dict[str, Any]:
    text, cited = peer.answer(state, job["question"])
    return {"answer": text, "cited": cited}


STEPS = {"ingest": _ingest, "search": _search, "answer": _answer}


def peak_memory() -> float:
    """Return the greatest memory that this process has held, in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage says here holds the memory of the process that started this one
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1000
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main(*sys.argv[1:])
