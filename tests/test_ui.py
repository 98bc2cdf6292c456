"""The texts of the page."""

import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from chatbot import PaperChatbot
from chatbot.ui import format_answer, suggest_questions
from chatbot.ui.answers import format_record


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


def test_what_a_paper_wrote_is_no_tag_no_mark_and_turns_no_text_around() -> None:
    title, claim = "<img src=x> ![t](http://evil.example)", "Bees are 5 times \u202efaster than in [1], [2] and [3]."
    cited = {"number": 1, "paper_id": "bees", "title": title, "quote": claim}
    record = {"question": "?", "standalone_question": "?", "answer": f"“{claim}” [1]", "citations": [cited]}
    record |= {"sentences": [{"text": claim, "citations": [1]}], "withheld": [], "notice": ""}
    shown = format_record(record)
    assert "<img" not in shown
    assert "](http" not in shown
    assert "\u202e" not in shown
    assert shown.count("](#ref-") == 1
