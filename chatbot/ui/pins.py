"""What the chat shows before anything is asked: what answers, from which papers, and what one could ask of them.

Knows Gradio and the pipeline; knows nothing of how the papers that the chat is limited to are chosen.
"""

from functools import lru_cache
from typing import Any

from chatbot.answers import EXTRACTIVE
from chatbot.errors import ChatbotError
from chatbot.pipeline import PaperChatbot
from chatbot.ui.answers import show_plain
from chatbot.ui.suggestions import suggest_questions

WELCOME = "Ask about a paper, a method or a topic."
NOTHING_YET = "There are no papers yet. Add some in the Library tab, or with `chatbot ingest FILE`."
_MOST_PINS = 32  # whose questions are kept


class Pins:
    """The line, and the filter that the chat of a session is limited to.

    Attributes:
        pin: Gradio's state of it: the filter written down, or "" for all papers.
    """

    def __init__(self, bot: PaperChatbot) -> None:
        import gradio as gr

        self._bot, self.pin = bot, gr.State("")
        # Thought of once for each state of the index, which is the first argument.
        self._questions = lru_cache(_MOST_PINS)(lambda generation, pin: suggest_questions(bot.within(pin)))
        with gr.Row(elem_id="using", render=False) as self._row:
            self._line = gr.Markdown(self._tell(""), min_width=200)
            self._unpin = gr.Button("Use all papers", size="sm", scale=0, min_width=120, visible=False)

    def render(self) -> None:
        """Put the line here."""
        self._row.render()

    def welcome(self, pin: str = "") -> str:
        """Return what an empty conversation shows: questions to ask of the papers, or how to add some."""
        if not len(self._bot):
            return NOTHING_YET
        questions = self._questions(self._bot.index.manifest.generation, pin)
        asked = "".join(f"<li><a href='#ask'>{show_plain(question)}</a></li>" for question in questions)
        return f"{WELCOME}\n\n<ul>{asked}</ul>" if asked else WELCOME

    def follow(self, page: Any, chatbot: Any, changed: Any) -> None:
        """Keep the line up to date when ``page`` is loaded, papers have ``changed``, and the pin has."""
        import gradio as gr

        shown = [self._line, self._unpin, chatbot]
        self._unpin.click(lambda: "", None, self.pin, show_progress="hidden")
        gr.on(
            [page.load, changed.change, self.pin.change],
            self._update,
            self.pin,
            shown,
            trigger_mode="always_last",
            show_progress="hidden",
        )

    def _update(self, pin: str) -> tuple[Any, ...]:
        import gradio as gr

        return self._tell(pin), gr.Button(visible=bool(pin)), gr.Chatbot(placeholder=self.welcome(pin))

    def _tell(self, pin: str) -> str:
        self._bot.index.refresh()
        total = len(self._bot)
        papers = f"**using {len(self._bot.within(pin).scope())} of {total} papers**" if pin else f"{total} papers"
        return f"{papers} · {_who_answers(self._bot)}"


def _who_answers(bot: PaperChatbot) -> str:
    try:
        name = bot.answerer.model
    except ChatbotError as error:
        return f"answers in the papers' own words, because {error}"
    if name == EXTRACTIVE:
        return "answers in the papers' own words, each quotation with its source"
    return f"answers by {name}, each sentence checked against the passage it cites"
