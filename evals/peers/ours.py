"""This program, in the form of its peers.

Knows the chatbot as any program that uses it.
"""

import json
import tempfile
from pathlib import Path

from chatbot import PaperChatbot


def load(model: str, folder: str) -> PaperChatbot:
    """Return what reads and writes the index in ``folder``, after the model has embedded a first text."""
    bot = PaperChatbot(index=folder, model="extractive")
    bot.reader.words.embed_words(["first"])
    return bot


def ingest(bot: PaperChatbot, papers: list[dict[str, str]]) -> None:
    """Embed the papers and keep them."""
    lines = [
        json.dumps({"id": paper["id"], "title": paper["title"], "abstract": paper["abstract"]}) for paper in papers
    ]
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "papers.jsonl"
        source.write_text("\n".join(lines) + "\n", encoding="utf-8")
        bot.ingest(source)


def search(bot: PaperChatbot, query: str, top_k: int) -> list[str]:
    """Return the ids of the nearest papers, best first."""
    return [hit.paper.id for hit in bot.search(query, top_k)]


def answer(bot: PaperChatbot, question: str) -> tuple[str, list[str]]:
    """Return an answer and the ids of the papers it cites."""
    found = bot.ask(question)
    return found.answer, [citation.paper_id for citation in found.citations]
