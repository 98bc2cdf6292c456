"""What checking adds: from the moment a model has sent the end of its first sentence until that sentence is shown.

Knows the scripted model server, which notes when each word left it; everything else is the product, over real HTTP.
"""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from chatbot import PaperChatbot
from chatbot.errors import InputError
from tests.model_behaviours import honest, sent
from tests.model_server import model_server

WARMING = 3  # answers that load models and open connections, and are not counted


@dataclass(frozen=True, slots=True)
class LatencyResult:
    """Milliseconds over ``answers`` answers whose words were sent ``pause`` milliseconds apart."""

    answers: int
    pause: float
    p50: float
    p95: float


def measure_latency(index: Path, answers: int, pause: float = 0) -> LatencyResult:
    """Ask about the papers of ``index`` until ``answers`` first sentences were shown.

    Answers whose first sentence is withheld do not count. Raises InputError when none is left.
    """
    delays: list[float] = []
    with model_server() as server:
        server.default = sent(honest, pause=pause / 1000)
        bot = PaperChatbot(
            index=index, openai_base_url=server.url, openai_api_key="none", model="openai:scripted", chroma_url=""
        )
        for paper in bot.papers():
            with closing(bot.stream(f"What is {paper.name} about?")) as stream:
                answer = next(stream)
                shown = perf_counter()
            if answer.sentences and not answer.withheld and answer.model == bot.answerer.model:
                said = answer.sentences[0].text.split()  # after it comes its citation, the last word of the sentence
                delays.append((shown - server.requests[-1].times[len(said)]) * 1000)
            if len(delays) == WARMING + answers:
                break
    measured = delays[WARMING:]
    if not measured:
        raise InputError("no paper gave an answer to measure; give --index a folder with papers")
    return LatencyResult(len(measured), pause, float(np.median(measured)), float(np.percentile(measured, 95)))
