"""The texts of the page."""

import re

from chatbot import PaperChatbot
from chatbot.ui import format_answer, suggest_questions


def test_answers_name_their_sources(bot: PaperChatbot) -> None:
    text = format_answer(bot.ask("Compare LiNeS with FRUGAL"))
    assert re.search(r"\*\*Sources\*\*\n- \[1\].* LiNeS: .*\n- \[\d\].* FRUGAL: ", text)


def test_suggested_questions_can_all_be_answered(bot: PaperChatbot) -> None:
    questions = suggest_questions(bot)
    assert len(questions) == 4
    assert {bot.ask(question).status for question in questions} == {"answered"}
