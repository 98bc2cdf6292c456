"""The line above the chat: what answers, and from which papers; those it is limited to are pinned in the library.

Knows Gradio and the pipeline; knows nothing of how papers are chosen.
"""

from typing import Any

from chatbot.errors import ChatbotError
from chatbot.models import EXTRACTIVE
from chatbot.pipeline import PaperChatbot

WELCOME = "Ask about a paper, a method or a topic."
NOTHING_YET = "There are no papers yet. Add some in the Library tab, or with `chatbot ingest FILE`."


class Pins:
    """The line, and the filter that the chat of a session is limited to.

    Attributes:
        pin: Gradio's state of it: the filter written down, or "" for all papers.
    """

    def __init__(self, bot: PaperChatbot) -> None:
        import gradio as gr

        self._bot, self.pin = bot, gr.State("")
        with gr.Row(elem_id="using", render=False) as self._row:
            self._line = gr.Markdown(self._tell(""), min_width=200)
            self._unpin = gr.Button("Use all papers", size="sm", scale=0, min_width=120, visible=False)

    def render(self) -> None:
        """Put the line here."""
        self._row.render()

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

        return self._tell(pin), gr.Button(visible=bool(pin)), gr.Chatbot(placeholder=welcome(self._bot))

    def _tell(self, pin: str) -> str:
        self._bot.index.refresh()
        total = len(self._bot)
        papers = f"**using {len(self._bot.within(pin).scope())} of {total} papers**" if pin else f"{total} papers"
        return f"{papers} · {_who_answers(self._bot)}"


def welcome(bot: PaperChatbot) -> str:
    """Return what an empty conversation shows."""
    return WELCOME if len(bot) else NOTHING_YET


def _who_answers(bot: PaperChatbot) -> str:
    try:
        name = bot.answerer.model
    except ChatbotError as error:
        return f"answers in the papers' own words, because {error}"
    if name == EXTRACTIVE:
        return "answers in the papers' own words, each quotation with its source"
    return f"answers by {name}, each sentence checked against the passage it cites"
