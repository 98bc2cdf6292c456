"""Grids over the seed papers, changed in the words that people use for it."""

import pytest

from chatbot import PaperChatbot
from chatbot.comparison import ASPECTS
from tests.test_comparer import AMEM, FRNET, FRUGAL, LINES, grid_of, rows, talk


@pytest.mark.parametrize(
    ("text", "named"),
    [("drop the article", "article"), ("please drop the works", "works"), ("remove the paper", "the paper")],
)
def test_a_row_that_is_not_there_cannot_be_dropped(bot: PaperChatbot, text: str, named: str) -> None:
    before, answer, after = talk(bot, "Compare LiNeS with FRNet", text, "sort by title")
    assert rows(answer) == rows(before)
    assert f"No indexed paper is called “{named}”" in answer.answer
    assert (answer.status, after.status) == ("partial", "answered")


@pytest.mark.parametrize(
    ("text", "left"),
    [("drop the second one", [LINES]), ("hide the first", [FRNET]), ("remove the last paper", [LINES])],
)
def test_a_row_is_dropped_by_its_place(bot: PaperChatbot, text: str, left: list[str]) -> None:
    *_, answer = talk(bot, "Compare LiNeS with FRNet", text)
    assert rows(answer) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("drop everything but FRNet", [FRNET]),
        ("remove all except LiNeS", [LINES]),
        ("keep only the first two", [LINES, FRNET]),
        ("drop the last two", [LINES]),
        ("swap LiNeS for Nonesuchnet", [LINES, FRNET, FRUGAL]),
        ("drop FRUG", [LINES, FRNET]),
        ("swap out LiNeS for A-MEM", [FRNET, FRUGAL, AMEM]),
        ("and A-MEM", [LINES, FRNET, FRUGAL, AMEM]),
        ("also the A-MEM paper", [LINES, FRNET, FRUGAL, AMEM]),
    ],
)
def test_rows_are_changed_in_many_words(bot: PaperChatbot, text: str, left: list[str]) -> None:
    *_, answer = talk(bot, "Compare LiNeS, FRNet and FRUGAL", text)
    assert rows(answer) == left


@pytest.mark.parametrize(
    ("turns", "compared"),
    [
        (["What is LiNeS?", "What is FRNet?", "compare the two"], [LINES, FRNET]),
        (["What is LiNeS?", "What is FRNet?", "compare it with FRUGAL"], [FRNET, FRUGAL]),
        (["How do LiNeS, FRNet and FRUGAL differ?", "compare the first two"], [LINES, FRNET]),
        (["How do LiNeS, FRNet and FRUGAL differ?", "compare the last one with A-MEM"], [FRUGAL, AMEM]),
        (["Compare LiNeS with FRUGAL", "new comparison: FRNet vs A-MEM"], [FRNET, AMEM]),
    ],
)
def test_papers_told_before_are_compared(bot: PaperChatbot, turns: list[str], compared: list[str]) -> None:
    *_, answer = talk(bot, *turns)
    assert rows(answer) == compared
    assert answer.status == "answered"


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("no code column", ASPECTS[:-1]),
        ("without code", ASPECTS[:-1]),
        ("drop everything but the results column", ("results",)),
        ("only the problem and results columns", ("problem", "results")),
        ("just problem, results and code", ("problem", "results", "code")),
    ],
)
def test_columns_are_left_out_in_many_words(bot: PaperChatbot, text: str, columns: tuple[str, ...]) -> None:
    *_, answer = talk(bot, "Compare LiNeS with FRNet", text)
    assert (rows(answer), grid_of(answer).aspects) == ([LINES, FRNET], columns)


def test_what_was_undone_stays_undone_by_a_second_undo(bot: PaperChatbot) -> None:
    three, two, fewer, once, twice, no_more = talk(
        bot, "Compare LiNeS, FRNet and FRUGAL", "drop FRUGAL", "drop the code column", "undo", "undo", "undo"
    )
    assert grid_of(once) == grid_of(two)
    assert rows(twice) == rows(no_more) == rows(three)
    assert grid_of(fewer) != grid_of(two)
