"""Start a question set, for one's own papers or from answers marked down: drafts to be put right by a person.

Knows grids, feedback and the form of a question; knows nothing of scores. A draft's question names the paper and its
facts are single phrases, so a set of drafts alone measures little: reword, add what matters, drop what is dull.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

from chatbot import PaperChatbot
from chatbot.comparison import Cell
from chatbot.records import Paper

_ASKED = {
    "problem": ("lookup", "What problem does {name} address?"),
    "key idea": ("how", "How does {name} work?"),
    "data": ("lookup", "On what data was {name} tested?"),
    "results": ("figures", "What does {name} achieve?"),
}
_FIGURE = re.compile(r"\d+(?:\.\d+)?(?: ?(?:%|x\b|times\b))?")
_TERM = re.compile(r"[A-Z][\w-]*[A-Z\d][\w-]*|[a-z]{6,}(?: [a-z]{6,})?")


def draft_questions(source: Path, scratch: Path) -> Iterator[dict[str, Any]]:
    """Yield a canary, then up to four drafts for each paper of ``source``, by turns for dev and test.

    ``scratch`` is a folder for the index. Raises SourceError for a file that holds no papers.
    """
    bot = PaperChatbot(index=scratch, model="extractive", chroma_url="")
    bot.ingest(source)
    yield {"canary": str(uuid4())}
    number = 0
    for paper in bot.papers():
        answer = bot.compare([paper.id], list(_ASKED))
        for cell in answer.comparison.cells if answer.comparison else ():
            if cell.stated:
                number += 1
                yield _draft(number, paper, cell)


def draft_from_feedback(bot: PaperChatbot) -> Iterator[dict[str, Any]]:
    """Yield a canary, then a draft for each question whose answer was marked down; each question once.

    What was cited is taken for the evidence and its papers for the relevant ones: to be put right by a person.
    """
    yield {"canary": str(uuid4())}
    for number, record in enumerate(bot.feedback.marked_down(), 1):
        cited = [
            {"paper": key, "start": start, "end": end, "quote": quote} for key, start, end, quote in record["citations"]
        ]
        yield {
            "id": f"feedback-{number:04}",
            "type": "lookup",
            "split": "test" if number % 2 else "dev",
            "turns": [record["question"]],
            "papers": list(dict.fromkeys(span["paper"] for span in cited)) or record["retrieved"][:1],
            "facts": [{"fact": span["quote"], "aliases": [span["quote"]], "evidence": [span]} for span in cited[:1]],
            "forbidden": [],
            "expected": "answered",
            "provenance": "drafted by program",
        }


def _draft(number: int, paper: Paper, cell: Cell) -> dict[str, Any]:
    kind, question = _ASKED[cell.aspect]
    alias = _find_alias(cell)
    span = {"paper": paper.id, "start": cell.start, "end": cell.end, "quote": cell.quote}
    return {
        "id": f"draft-{number:04}",
        "type": kind,
        "split": "test" if number % 2 else "dev",
        "turns": [question.format(name=paper.name)],
        "papers": [paper.id],
        "facts": [{"fact": alias, "aliases": [alias], "evidence": [span]}],
        "forbidden": [],
        "expected": "answered",
        "provenance": "drafted by program",
    }


def _find_alias(cell: Cell) -> str:
    """Return the phrase by which the fact is known when told: its first figure where there is one, else a term."""
    figure = _FIGURE.search(cell.quote) if cell.aspect == "results" else None
    found = figure or _TERM.search(cell.quote, len(cell.quote) // 4) or _TERM.search(cell.quote)
    return found.group() if found else cell.quote
