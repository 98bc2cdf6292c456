"""How long retrieval and the whole command take, against what they cannot do without, interleaved in one run.

Knows clocks and processes; knows nothing of quality.
"""

import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from chatbot import PaperChatbot
from chatbot.embedding import load_embedder
from chatbot.errors import InputError

IMPORTS = "import torch, transformers, chromadb"


@dataclass(frozen=True, slots=True)
class SpeedResult:
    """Milliseconds."""

    papers: int
    queries: int
    embed_p50: float
    embed_p95: float
    search_p50: float
    search_p95: float

    @property
    def ratio(self) -> float:
        """Return the p95 of a whole retrieval in median query-embedding passes."""
        return self.search_p95 / self.embed_p50


def measure_grid(bot: PaperChatbot, papers: int = 5, runs: int = 20) -> float:
    """Return the median milliseconds of a grid over ``papers`` papers, each time others, with everything warm."""
    ids = [paper.id for paper in islice(bot.papers(), 200)]
    times = []
    for start in range(runs + 1):
        chosen = list(islice(cycle(ids), start, start + papers))
        started = time.perf_counter()
        bot.compare(chosen)
        times.append((time.perf_counter() - started) * 1000)
    return float(np.median(times[1:]))


@dataclass(frozen=True, slots=True)
class CommandResult:
    """Medians in seconds of ``runs`` processes each, and the least and greatest ratio of a run to the one before."""

    runs: int
    imports: float
    ask: float
    low: float
    high: float

    @property
    def ratio(self) -> float:
        """Return the median of ``chatbot ask`` in medians of importing its libraries alone."""
        return self.ask / self.imports


def measure_command(index: Path, question: str, runs: int = 5) -> CommandResult:
    """Run a Python that imports the libraries, then ``chatbot ask``, by turns; the first pair is not counted.

    Raises InputError when a process fails.
    """
    ask = ["-m", "chatbot", "ask", question, "--index", str(index), "--model", "extractive"]
    pairs = [(_time_python("-c", IMPORTS), _time_python(*ask)) for _ in range(runs + 1)][1:]
    imports, asking = np.array(pairs).T
    ratios = asking / imports
    return CommandResult(
        runs, *(float(value) for value in (np.median(imports), np.median(asking), ratios.min(), ratios.max()))
    )


def _time_python(*words: str) -> float:
    started = time.perf_counter()
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True)
    if done.returncode:
        raise InputError(f"python {words[0]} {words[1]} failed: {done.stderr.strip()[-300:]}")
    return time.perf_counter() - started


def measure_speed(bot: PaperChatbot, queries: int = 200) -> SpeedResult:
    """Search for the titles of indexed papers; each is embedded alone just before."""
    titles = list(islice((paper.title for paper in bot.papers()), queries))
    if not titles:
        raise InputError("nothing is indexed; give --index a folder with papers")
    embedder = load_embedder(bot.settings)
    for title in titles[:10]:
        embedder.embed_query(title)
        bot.search(title)
    embedding, searching = [], []
    for title in islice(cycle(titles), queries):
        started = time.perf_counter()
        embedder.embed_query(title)
        embedded = time.perf_counter()
        bot.search(title)
        embedding.append(embedded - started)
        searching.append(time.perf_counter() - embedded)
    percentiles = [float(np.percentile(times, at)) * 1000 for times in (embedding, searching) for at in (50, 95)]
    return SpeedResult(len(bot), queries, *percentiles)
