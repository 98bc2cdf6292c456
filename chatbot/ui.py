"""The chat as a page in the browser, with Gradio.

Knows Gradio and how an answer is shown there; knows nothing of how it was made.
"""

import os
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from typing import Any

from chatbot.answers import Answer
from chatbot.conversation import Turn
from chatbot.errors import ChatbotError
from chatbot.markup import defuse_markdown
from chatbot.models import EXTRACTIVE
from chatbot.pipeline import PaperChatbot

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when gradio is imported

TITLE = "Paper Chatbot"


def build_page(bot: PaperChatbot) -> Any:
    """Return the page as a Gradio Blocks, ready to launch."""
    import gradio as gr

    def reply(message: str, history: list[dict[str, Any]], known: Sequence[Turn]) -> Iterator[tuple[str, list[Turn]]]:
        # The page may have taken turns back (undo, clear): as many are left as it still shows questions.
        turns = list(known[: sum(shown["role"] == "user" for shown in history)])
        try:
            for answer in bot.stream(message, turns):
                yield format_answer(answer, whole=False), turns
            yield format_answer(answer), [*turns, bot.turn(answer)]
        except ChatbotError as error:
            yield f"⚠️ {error}", [*turns, Turn(message, ())]

    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_height=True) as page:
        turns = gr.State([])
        gr.ChatInterface(
            reply,
            title=TITLE,
            description=f"{len(bot)} papers · {_who_answers(bot)}",
            examples=[[question] for question in suggest_questions(bot)],
            additional_inputs=[turns],
            additional_outputs=[turns],
            chatbot=gr.Chatbot(
                placeholder="Ask about a paper, a method or a topic.", height="70vh", label="Answers", buttons=["copy"]
            ),
            analytics_enabled=False,
        )
    return page


def _who_answers(bot: PaperChatbot) -> str:
    try:
        name = bot.answerer.model
    except ChatbotError as error:
        return f"answers in the papers' own words, because {error}"
    if name == EXTRACTIVE:
        return "answers in the papers' own words, each quotation with its source"
    return f"answers by {name}, each sentence checked against the passage it cites"


def format_answer(answer: Answer, whole: bool = True) -> str:
    """Return the Markdown shown for ``answer``; with ``whole``, its sources under it."""
    parts = []
    if answer.standalone_question != answer.question:
        parts.append(f"*Searched for: {defuse_markdown(answer.standalone_question)}*")
    parts.append(answer.answer)
    if whole and answer.citations:
        titles: dict[str, list[str]] = {}
        for citation in answer.citations:
            titles.setdefault(citation.title, []).append(f"[{citation.number}]")
        sources = [f"- {' '.join(numbers)} {defuse_markdown(title)}" for title, numbers in titles.items()]
        parts.append("**Sources**\n" + "\n".join(sources))
    if whole and answer.withheld:
        items = [f"- {defuse_markdown(s.text)} *({defuse_markdown(s.reason)})*" for s in answer.withheld]
        head = f"<details><summary>{len(items)} withheld, not supported by what they cite</summary>"
        parts.append("\n".join([head, "", *items, "</details>"]))
    if whole and answer.notice:
        parts.append(f"*{defuse_markdown(answer.notice)}*")
    return "\n\n".join(parts)


def suggest_questions(bot: PaperChatbot, count: int = 4) -> list[str]:
    """Return questions made from papers with a name of their own, each of which was tried and has an answer."""
    named = list(islice((paper.name for paper in bot.papers() if paper.name != paper.title), 2 * count))
    forms = ("What is {0}?", "How does {0} work?", "Compare {0} and {1}", "On which data was {0} tested?")
    candidates = (
        form.format(first, second)
        for form, first, second in zip(cycle(forms), named, named[1:] + named[:1], strict=False)
    )
    return list(islice((question for question in candidates if bot.ask(question).status == "answered"), count))
