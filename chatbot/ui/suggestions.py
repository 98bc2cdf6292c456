"""Think of questions that the indexed papers answer: on a first visit, and after an answer.

Knows how questions are asked of a paper; leaves the trying of each to the pipeline.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, cycle, islice

from chatbot.conversation import Turn
from chatbot.pipeline import PaperChatbot

_MOST_TRIES = 8
_FIRST = 60  # papers that the first questions are about


def suggest_questions(bot: PaperChatbot, count: int = 4) -> list[str]:
    """Return questions about the first papers, each of which was tried and has an answer.

    Those about papers with a name of their own come first, then those with short titles.
    """
    papers = list(islice(bot.papers(), _FIRST))
    named = [paper.name for paper in papers if paper.name != paper.title][: 2 * count]
    forms = ("What is {0}?", "How does {0} work?", "Compare {0} and {1}", "On which data was {0} tested?")
    pairs = zip(cycle(forms), cycle(named), cycle(named[1:] + named[:1]), strict=False)
    about_names = (form.format(*pair) for form, *pair in islice(pairs, 2 * count) if len(set(named)) > 1)
    titles = sorted((paper.title for paper in papers if paper.name == paper.title), key=len)[: 2 * count]
    return _try(bot, chain(about_names, (f"What does “{title}” show?" for title in titles)), count)


def suggest_follow_ups(bot: PaperChatbot, turns: Sequence[Turn], count: int = 3) -> list[str]:
    """Return questions about the papers that the last turn cited, each of which was tried and has an answer.

    What was asked already is not suggested again.
    """
    if not turns:
        return []
    asked = {turn.question.casefold() for turn in turns}
    candidates = (text for text in _follow_ups(turns[-1]) if text.casefold() not in asked)
    return _try(bot, islice(candidates, _MOST_TRIES), count, turns)


def _follow_ups(turn: Turn) -> Iterator[str]:
    names = [paper.name for paper in turn.papers]
    if len(names) > 1 and not turn.grid:
        yield f"Compare {names[0]} and {names[1]}"
    forms = (
        "How does {} work?",
        "What are the results of {}?",
        "On which data was {} tested?",
        "Is the code of {} out?",
    )
    for form in forms:
        for name in names[:2]:
            yield form.format(name)


def _try(bot: PaperChatbot, questions: Iterable[str], count: int, turns: Sequence[Turn] = ()) -> list[str]:
    return list(islice((question for question in questions if bot.has_answer(question, turns)), count))
