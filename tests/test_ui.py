"""The texts of the page."""

import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from chatbot import PaperChatbot
from chatbot.ui import format_answer, suggest_questions


def test_answers_name_their_sources(bot: PaperChatbot) -> None:
    text = format_answer(bot.ask("Compare LiNeS with FRUGAL"))
    assert re.search(r"\*\*Sources\*\*\n- \[1\].* LiNeS: .*\n- \[\d\].* FRUGAL: ", text)


def test_suggested_questions_can_all_be_answered(bot: PaperChatbot) -> None:
    questions = suggest_questions(bot)
    assert len(questions) == 4
    assert {bot.ask(question).status for question in questions} == {"answered"}


def test_papers_without_names_of_their_own_are_asked_about_by_title(
    bot: PaperChatbot, tmp_path: Path, write_jsonl: Callable[..., Path]
) -> None:
    unnamed = [asdict(paper) for paper in bot.papers() if paper.name == paper.title][:4]
    other = PaperChatbot(index=tmp_path / "index", model="extractive")
    other.ingest(write_jsonl(*unnamed))
    questions = suggest_questions(other)
    assert 3 <= len(questions) <= 4
    assert all(question.startswith("What does “") for question in questions)
