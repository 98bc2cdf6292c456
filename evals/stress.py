"""Many visitors at once: sessions that ask a server of the page over HTTP for a while, and how it held.

Knows the server's endpoints for programs and processes; the answers come from the papers' own words, so that each can
be told right or wrong without a language model.
"""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from chatbot.errors import InputError
from chatbot.records import Paper

_LOOKS = 5  # at the server's memory, at equal times
_BUSY = ("you have asked many questions", "the server is stopping", "queue is full", "too many")


@dataclass(frozen=True, slots=True)
class StressResult:
    """Counts of questions by what came of them; times of answers in seconds.

    ``memory`` is that of the server in MB, each time with how many questions it had been asked.
    """

    answers: int
    wrong: int
    busy: int
    errors: int
    p50: float
    p95: float
    memory: tuple[tuple[int, float], ...]
    recovered: bool


@dataclass(frozen=True, slots=True)
class _Told:
    outcome: str  # right, wrong, busy or error
    seconds: float


def measure_stress(index: Path, papers: Sequence[Paper], sessions: int, seconds: float) -> StressResult:
    """Let ``sessions`` visitors ask about ``papers`` for ``seconds``, then one once more.

    An answer is wrong when its question is another one, or when it cites nothing, or what is not in its paper to the
    letter. Raises InputError when the server does not start.
    """
    texts = {paper.id: paper.text for paper in papers}
    with _serving(index) as (url, process):
        _ask(url, papers[0], texts)
        memory, told, until = [(1, _memory(process))], list[_Told](), time.monotonic() + seconds
        lock = threading.Lock()

        def visit(number: int) -> None:
            at = number
            while time.monotonic() < until:
                found = _ask(url, papers[at % len(papers)], texts)
                at += sessions
                with lock:
                    told.append(found)
                if found.outcome == "busy":
                    time.sleep(0.2)

        with ThreadPoolExecutor(sessions) as pool:
            visits = [pool.submit(visit, number) for number in range(sessions)]
            for _ in range(_LOOKS):
                time.sleep(seconds / _LOOKS)
                memory.append((len(told) + 1, _memory(process)))
            for each in visits:
                each.result()
        recovered = _ask(url, papers[0], texts).outcome == "right"
    counts = Counter(each.outcome for each in told)
    times = [each.seconds for each in told if each.outcome in ("right", "wrong")] or [0.0]
    p50, p95 = (float(np.percentile(times, at)) for at in (50, 95))
    answers, wrong = counts["right"] + counts["wrong"], counts["wrong"]
    return StressResult(answers, wrong, counts["busy"], counts["error"], p50, p95, tuple(memory), recovered)


def _ask(url: str, paper: Paper, texts: dict[str, str]) -> _Told:
    """Ask what ``paper`` is about as a program does, in two steps, and tell what came."""
    question, started = f"What is {paper.name[:200]} about?", time.perf_counter()
    try:
        call = f"{url}/gradio_api/call/ask_papers"
        event = httpx.post(call, json={"data": [question]}, timeout=60).raise_for_status().json()["event_id"]
        lines = httpx.get(f"{call}/{event}", timeout=60).raise_for_status().text.strip().splitlines()
        kind, data = lines[-2].removeprefix("event: "), lines[-1].removeprefix("data: ")
        outcome = _judge(json.loads(data)[0], question, texts) if kind == "complete" else _name_refusal(data)
    except httpx.HTTPStatusError as error:
        outcome = "busy" if error.response.status_code in (429, 503) else "error"
    except (httpx.HTTPError, ValueError, LookupError):
        outcome = "error"
    return _Told(outcome, time.perf_counter() - started)


def _judge(answer: dict[str, Any], question: str, texts: dict[str, str]) -> str:
    cited = answer["citations"]
    exact = all(texts[each["paper_id"]][each["start"] : each["end"]] == each["quote"] for each in cited)
    return "right" if cited and exact and answer["question"] == " ".join(question.split()) else "wrong"


def _name_refusal(data: str) -> str:
    return "busy" if any(sign in data.lower() for sign in _BUSY) else "error"


@contextmanager
def _serving(index: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run a server on a free port of this machine, for which no visitor asks too often."""
    command = [sys.executable, "-m", "chatbot", "serve", "--index", str(index), "--model", "extractive"]
    settings = {"CHATBOT_QUESTIONS_PER_MINUTE": "1000000", "CHATBOT_CHROMA_URL": ""}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | settings
    ) as process:
        try:
            found = (re.search(r"http://\S+?:\d+", line) for line in process.stdout or ())
            if not (address := next(filter(None, found), None)):
                raise InputError("the server did not start; try: chatbot serve")
            yield address[0], process
        finally:
            process.terminate()


def _memory(process: "subprocess.Popen[str]") -> float:
    """Return the resident memory of a process in MB; 0 where the system does not tell it in /proc."""
    try:
        found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0
