"""Two papers that a question sets side by side: found by what it says, whatever its wording."""

import re

import numpy as np
import pytest

from chatbot import PaperChatbot
from chatbot.questions import read_question
from chatbot.records import Hit, Match, Paper, Question
from chatbot.sides import find_sides


def match(question: Question, id: str, covered: float, *parts: str) -> Match:
    """Return a match that covers each word of ``parts`` by 0.9 and all others by ``covered``."""
    inside = [any(part.find(question.text[start:end]) >= 0 for part in parts) for start, end in question.words]
    words = np.where(inside, 0.9, covered)[None]
    starts = tuple(start for start, _ in question.words)
    empty = np.zeros((1, 0))
    return Match(Hit(1, Paper(id, id, ""), 0.0), (), words, starts, empty, empty, empty, empty)


def bees_and_ice(question: Question) -> tuple[Match, Match]:
    """Return matches that cover a part of ``question`` each."""
    bees = match(question, "bees", 0.5, "honey bees dance hive")
    return bees, match(question, "ice", 0.5, "glaciers melt summer")


QUESTION = read_question("What makes honey bees dance in the hive, and where do glaciers melt in summer?")


def sides(*matches: Match) -> dict[str, int]:
    return {each.hit.paper.id: each.side for each in find_sides(QUESTION, matches) if each.side}


def test_each_part_goes_to_the_paper_that_covers_it_best() -> None:
    bees, ice = bees_and_ice(QUESTION)
    assert sides(bees, ice) == sides(ice, bees) == {"bees": 1, "ice": 2}


def test_what_one_paper_covers_as_well_is_about_that_one() -> None:
    both = match(QUESTION, "both", 0.5, "honey bees dance hive glaciers melt summer")
    bees, ice = bees_and_ice(QUESTION)
    assert sides(both, bees, ice) == {}
    assert sides(bees) == {}
    assert find_sides(QUESTION, []) == []


def test_a_question_is_cut_between_its_parts_only() -> None:
    mixed, rest = match(QUESTION, "mixed", 0.5, "honey melt"), match(QUESTION, "rest", 0.5, "bees glaciers")
    assert sides(mixed, rest) == {}
    text = read_question("What makes honey bees dance in the hive where glaciers melt in summer?")
    assert not any(each.side for each in find_sides(text, bees_and_ice(text)))


@pytest.mark.parametrize(
    ("question", "papers"),
    [
        (
            "By what does a detector of outliers in attention get cleaner activations, and how do learned codebooks "
            "squeeze a network into little memory?",
            ["Quantizable", "Network"],
        ),
        (
            "Whose weights get scaled by their layer's depth after fine-tuning; whose are picked by a router, again "
            "and again, out of a chain of experts?",
            ["LiNeS", "Chain-of-Experts"],
        ),
    ],
)
def test_two_papers_are_told_of_without_a_word_of_comparison(
    bot: PaperChatbot, question: str, papers: list[str]
) -> None:
    answer = bot.ask(question)
    assert list(dict.fromkeys(re.split("[: ]", citation.title)[0] for citation in answer.citations)) == papers


def test_two_things_asked_of_one_paper_stay_with_it(bot: PaperChatbot) -> None:
    answer = bot.ask("How does FRNet keep the points' details, and how fast does it run?")
    assert {citation.title.split(":")[0] for citation in answer.citations} == {"FRNet"}
