"""What an answer looks like in a terminal."""

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from chatbot import PaperChatbot, terminal


def test_emphasis_is_taken_out_and_the_stars_of_formulas_stay(
    bot: PaperChatbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "out", Console(file=(shown := StringIO()), width=300))
    terminal.show_answer(replace(bot.ask("What is LiNeS?"), answer="**Stars** of f*(x) and g*(x)"))
    assert "Stars of f*(x) and g*(x)" in shown.getvalue()
