"""What checking adds: from the moment a model has finished its first sentence until that sentence is shown.

Knows the answerer's seam for models; the model is a script that notes when each sentence was complete.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from chatbot import PaperChatbot
from chatbot.citations import read_claims
from chatbot.records import Usage
from chatbot.writing import number_passages, write_answer


@dataclass(frozen=True, slots=True)
class LatencyResult:
    """Milliseconds."""

    answers: int
    p50: float
    p95: float


def measure_latency(bot: PaperChatbot, answers: int) -> LatencyResult:
    """Ask about ``answers`` papers; the scripted model reports the second sentence of the first passage it gets."""
    papers = list(bot.papers())[: answers + 3]
    delays = []
    for paper in papers:
        question, _, matches = bot.read(f"What is {paper.name} about?")
        if not matches:
            continue
        passages, _ = number_passages(matches, bot.settings.prompt_tokens)
        finished: list[float] = []

        def write(
            prompt: str, finished: list[float] = finished, said: str = passages[0].spans[-1].text
        ) -> Iterator[str | Usage]:
            yield f"The authors report that {said[0].lower()}{said[1:].rstrip('.')} [1]. "
            finished.append(time.perf_counter())
            yield "And so on"

        answerer = bot.answerer
        render, check = answerer.prompts.render, answerer.verifier.verify
        drafts = write_answer(question, passages, render, write, read_claims, check, revise=False)
        next(drafts)
        delays.append((time.perf_counter() - finished[0]) * 1000)
    measured = delays[3:]  # the first ones load and warm the model
    return LatencyResult(len(measured), float(np.median(measured)), float(np.percentile(measured, 95)))
