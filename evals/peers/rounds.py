"""Take turns: in each round every peer ingests, searches and answers, and what was measured is added to a file.

Knows processes and their environment; knows nothing of what a peer does. A run that was cut off goes on where it was.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from evals.jsonl import read_jsonl
from evals.peers.environments import Environment, Peer, measure_folder
from evals.peers.papers import Collection
from evals.retrieval import score_queries

HARNESS = Path(__file__).with_name("harness.py")
RECORDS = "measured.jsonl"
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
# The same for all. One thread of numpy's BLAS, because on few cores its threads and torch's wait for each other; and
# threads that wait don't spin, which on a machine with other work holds up whatever they wait for.
THREADS = {
    "OMP_NUM_THREADS": str(CORES),
    "MKL_NUM_THREADS": str(CORES),
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
}
OFFLINE = {"HF_HUB_OFFLINE": "1", "ANONYMIZED_TELEMETRY": "False", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
_HIDDEN = ("PYTHON", "CHATBOT_", "OPENAI_", "OMP_", "MKL_", "OPENBLAS_")
LIMIT = 7200  # seconds of a step


@dataclass(frozen=True, slots=True)
class Measured:
    """What one peer did in one round. ``ndcg`` is by query; ``load`` is the machine's before and after."""

    round: int
    collection: str
    papers: int
    peer: str
    load: tuple[float, float] = (0.0, 0.0)
    values: Mapping[str, float] = field(default_factory=dict)
    ndcg: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    unanswered: str = ""


class StepFailed(Exception):
    """A step gave no result; the text says why."""


def read_records(work: Path) -> list[Measured]:
    """Return all that was measured under ``work``; of what was tried again, the last."""
    path = work / RECORDS
    records = read_jsonl(path) if path.exists() else []
    measured = (Measured(**record | {"load": tuple(record["load"])}) for record in records)
    return list({(one.round, one.collection, one.papers, one.peer): one for one in measured}.values())


def run_rounds(
    work: Path,
    peers: Sequence[tuple[Peer, Environment]],
    collections: Sequence[Collection],
    rounds: int,
    tell: Callable[[Measured], None] = lambda _: None,
) -> list[Measured]:
    """Measure what is not measured yet, and return all that is; each round begins with another peer."""
    work.mkdir(parents=True, exist_ok=True)
    done = {(one.round, one.collection, one.papers, one.peer) for one in read_records(work) if not one.error}
    for number in range(rounds):
        for collection in collections:
            for at in range(len(peers)):
                peer, environment = peers[(number + at) % len(peers)]
                if (number, collection.name, len(collection.papers), peer.name) in done:
                    continue
                measured = measure_peer(peer, environment, collection, work / "scratch", number)
                with (work / RECORDS).open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(measured)) + "\n")
                tell(measured)
    return read_records(work)


def measure_peer(
    peer: Peer, environment: Environment, collection: Collection, scratch: Path, number: int = 0
) -> Measured:
    """Let ``peer`` ingest and search the collection, each in a fresh process, and answer its question in a third."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    lines = [json.dumps(paper) + "\n" for paper in collection.papers]
    (scratch / "papers.jsonl").write_text("".join(lines), encoding="utf-8")
    job = {"model": environment.model, "index": str(scratch / "index"), "papers": str(scratch / "papers.jsonl")}
    before, values, ndcg, error, unanswered = os.getloadavg()[0], dict[str, float](), dict[str, float](), "", ""
    try:
        if environment.error:
            raise StepFailed(environment.error)
        ingested = run_step(peer, environment, job | {"step": "ingest"}, scratch)
        bytes_kept = measure_folder(scratch / "index")
        searched = run_step(
            peer, environment, job | {"step": "search", "queries": [*collection.queries.values()]}, scratch
        )
        values = _gather(ingested, searched) | {"index_mb": bytes_kept / 1e6}
        if collection.qrels:
            found = dict(zip(collection.queries, searched["found"], strict=True))
            ndcg = score_queries(found, collection.qrels)
        if collection.question:
            seconds, unanswered = _ask(
                peer, environment, job | {"step": "answer", "question": collection.question}, scratch
            )
            values |= {"answer_s": seconds} if not unanswered else {}
    except StepFailed as failure:
        error = str(failure)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    load = (before, os.getloadavg()[0])
    return Measured(number, collection.name, len(collection.papers), peer.name, load, values, ndcg, error, unanswered)


def _gather(ingested: Mapping[str, Any], searched: Mapping[str, Any]) -> dict[str, float]:
    starts = [step["import_s"] + step["load_s"] for step in (ingested, searched)]
    warm = np.array(searched["warm_s"]) * 1000
    return {
        "start_s": float(np.mean(starts)),
        "ingest_rate": ingested["papers"] / ingested["ingest_s"],
        "ingest_cpu_rate": ingested["papers"] / ingested["ingest_cpu_s"],
        "first_s": searched["import_s"] + searched["load_s"] + searched["cold_s"],
        "first_cpu_s": searched["first_cpu_s"],
        "cold_ms": searched["cold_s"] * 1000,
        "p50_ms": float(np.percentile(warm, 50)),
        "p95_ms": float(np.percentile(warm, 95)),
        "query_cpu_ms": searched["warm_cpu_s"] * 1000,
        "peak_mb": max(ingested["peak_mb"], searched["peak_mb"]),
    }


def _ask(peer: Peer, environment: Environment, job: Mapping[str, Any], scratch: Path) -> tuple[float, str]:
    """Return the seconds of the process that answers, and why there is no cited answer, if there is none."""
    started = time.perf_counter()
    try:
        answered = run_step(peer, environment, job, scratch)
    except StepFailed as failure:
        return 0.0, str(failure)
    seconds = time.perf_counter() - started
    return seconds, "" if answered["answer"] and answered["cited"] else "it cites nothing"


def run_step(peer: Peer, environment: Environment, job: Mapping[str, Any], scratch: Path) -> dict[str, Any]:
    """Return what the harness measured. Raises StepFailed with the peer's own message."""
    task, result = scratch / "job.json", scratch / "result.json"
    task.write_text(json.dumps(job), encoding="utf-8")
    result.unlink(missing_ok=True)
    # -P: the runners' folder stays out of the path, in which a file may have the name of a library.
    command = [environment.python, "-P", str(HARNESS), str(peer.runner), str(task), str(result)]
    try:
        done = subprocess.run(
            command, env=make_environment(), cwd=scratch, capture_output=True, text=True, timeout=LIMIT
        )
    except subprocess.TimeoutExpired:
        raise StepFailed(f"{job['step']} took longer than {LIMIT} s") from None
    if not result.exists():
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise StepFailed(f"{job['step']} ended with exit code {done.returncode}: {last[:300]}")
    found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    if "error" in found:
        raise StepFailed(found["error"])
    return found


def make_environment() -> dict[str, str]:
    """Return this process's environment without keys and settings, with the same threads for all and no hub."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_HIDDEN) and not name.endswith(("_KEY", "_TOKEN"))
    }
    return kept | THREADS | OFFLINE
