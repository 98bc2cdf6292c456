"""Write a conversation down for other programs: Markdown with its references, or BibTeX alone.

Knows stored answers and how Markdown looks; knows nothing of storage or of how answers are made.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from chatbot.markup import defuse_markdown, escape_markdown
from chatbot.records import Paper, Thread
from chatbot.references import format_bibliography, format_reference

_GRID = re.compile(r"(^```(?:latex|csv|json)\n.*?^```$)", re.M | re.S)


def export_markdown(thread: Thread, answers: Sequence[Mapping[str, Any]], papers: Mapping[str, Paper]) -> str:
    """Return ``thread`` as a Markdown document: questions, answers, what wrote them, references and BibTeX.

    ``answers`` are as the store gives them. ``papers`` holds the cited papers by id; of one that is no longer
    indexed the title is given.
    """
    parts = [f"# {escape_markdown(thread.name) or 'Conversation'}"]
    for number, answer in enumerate(answers, 1):
        parts.extend(_format_answer(number, answer))
    if references := _format_references(answers, papers):
        parts += ["## References", references, f"```bibtex\n{export_bibtex(answers, papers)}\n```"]
    return "\n\n".join(parts) + "\n"


def export_bibtex(answers: Sequence[Mapping[str, Any]], papers: Mapping[str, Paper]) -> str:
    """Return the BibTeX entries of the papers that ``answers`` cite, in the order of first citation."""
    return format_bibliography(_find_cited(answers, papers).values())


def _format_answer(number: int, answer: Mapping[str, Any]) -> list[str]:
    parts = [f"## {number}. {escape_markdown(answer['question'])}"]
    if answer["standalone_question"] != answer["question"]:
        parts.append(f"Searched for: {escape_markdown(answer['standalone_question'])}")
    when = datetime.fromisoformat(answer["created"]).strftime("%Y-%m-%d %H:%M UTC")
    written = f"*{escape_markdown(answer['status'])} · written by {escape_markdown(answer['model'])} · {when}*"
    # A grid that was asked for in another format is this program's own block of code.
    pieces = _GRID.split(answer["answer"]) if answer.get("comparison") else [answer["answer"]]
    text = "".join(piece if at % 2 else defuse_markdown(piece) for at, piece in enumerate(pieces))
    return [*parts, text, written]


def _format_references(answers: Sequence[Mapping[str, Any]], papers: Mapping[str, Paper]) -> str:
    places: dict[str, dict[int, list[str]]] = {}
    for number, answer in enumerate(answers, 1):
        for citation in answer["citations"]:
            place = places.setdefault(citation["paper_id"], {}).setdefault(number, [])
            page = f" p. {int(citation['page'])}" if citation.get("page") else ""
            place.append(f"[{int(citation['number'])}]{page}")
    lines = []
    for paper in _find_cited(answers, papers).values():
        cited = "; ".join(f"answer {number}: {' '.join(marks)}" for number, marks in places[paper.id].items())
        lines.append(f"- {format_reference(paper)} ({cited})")
    return "\n".join(lines)


def _find_cited(answers: Sequence[Mapping[str, Any]], papers: Mapping[str, Paper]) -> dict[str, Paper]:
    titles = {citation["paper_id"]: citation["title"] for answer in answers for citation in answer["citations"]}
    return {key: papers.get(key) or Paper(key, title, "") for key, title in titles.items()}
