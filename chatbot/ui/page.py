"""The page: the chat, the sources beside it, and the conversations at the left, with Gradio.

Knows what lies where and what happens on which event; leaves texts to the other modules of this folder.
"""

import json
import os
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from chatbot.conversation import Turn
from chatbot.errors import ChatbotError
from chatbot.library import MOST_BYTES
from chatbot.pipeline import PaperChatbot
from chatbot.tools import Watch, call_watched, let_pass
from chatbot.ui.answers import disarm, format_answer
from chatbot.ui.api import check_calls, offer_api
from chatbot.ui.compare import build_compare
from chatbot.ui.evaluate import build_evaluate
from chatbot.ui.library import build_library
from chatbot.ui.pins import Pins
from chatbot.ui.policy import limit_page
from chatbot.ui.runs import find_runs
from chatbot.ui.sidebar import build_sidebar, follow_chat
from chatbot.ui.sources import NO_ANSWER, NO_SOURCES, format_sources
from chatbot.ui.suggestions import suggest_follow_ups
from chatbot.ui.threads import Conversation, hold, judge, keep, name_visitor, take_back

_GRADIO = {  # read when gradio is imported and when a page is made
    "GRADIO_ANALYTICS_ENABLED": "False",
    # With every call it would sum up the last 10,000 in a table of their own, which takes longer and longer.
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(10**9),
}
for _name, _value in _GRADIO.items():
    os.environ.setdefault(_name, _value)

TITLE = "Paper Chatbot"
REASONS = ("Wrong", "Not what I asked", "Missed a paper", "Should have abstained")


def build_page(bot: PaperChatbot, watch: Watch = let_pass, read_only: bool = False) -> Any:
    """Return the page as a Gradio Blocks, ready to launch with ``launch_options``.

    With ``read_only`` it keeps nothing of what its visitors do, and shows nothing that was kept before: no
    conversations, feedback, changes of the library or evaluations.

    Every growing answer, grid and reason, and what programs are told, passes ``watch`` (with Gradio's request and the
    question), which may raise a ChatbotError.
    """
    import gradio as gr

    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_height=True, fill_width=True) as page:
        talk, pins = gr.State(Conversation()), Pins(bot)
        sources: Any = gr.HTML(NO_SOURCES, elem_id="sources", elem_classes="sources", render=False)
        to_compare = gr.Textbox(visible="hidden", elem_id="to-compare")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Chat", id="chat"), gr.Row(elem_id="room"):
                with gr.Column(scale=3, min_width=340, elem_id="chat"):
                    chat = _build_chat(bot, watch, talk, sources, pins, read_only)
                    follow_ups = gr.HTML(elem_id="follow-ups")
                with gr.Column(scale=2, min_width=340, elem_id="beside"):
                    gr.Markdown("## Sources")
                    sources.render()
            with gr.Tab("Compare", id="compare"):
                build_compare(bot, to_compare, watch)
            with gr.Tab("Library", id="library") as library:
                pins.follow(page, chat.chatbot, build_library(bot, library, pins.pin, read_only))
            if not read_only and (runs := find_runs(bot)):
                with gr.Tab("Evaluate", id="evaluate") as evaluate:
                    build_evaluate(runs, evaluate)
        _build_why(bot, talk, watch)
        follow_chat(bot, chat, talk, sources)
        if not read_only:
            build_sidebar(bot, page, chat, talk, sources)
        sources.change(
            lambda now, pin: _format_follow_ups(suggest_follow_ups(bot.within(pin), now.turns)),
            [talk, pins.pin],
            follow_ups,
            show_progress="hidden",
        )
        offer_api(bot, page, watch)
    return page


def launch_options() -> dict[str, Any]:
    """Return what ``launch`` has to be given: how the page looks, acts, and where it may load from."""
    import gradio as gr

    here = Path(__file__).parent
    # The visitor's own fonts: the bold face that Gradio brings lacks most letters.
    theme = gr.themes.Default(primary_hue="blue", font=["system-ui", "sans-serif"], font_mono=["monospace"])
    readable = theme.set(
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover="*primary_700",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
    )
    return {
        "theme": readable,
        "css_paths": here / "page.css",
        "js": (here / "page.js").read_text(encoding="utf-8"),
        "max_file_size": MOST_BYTES,
        "footer_links": ["api", "settings"],
        "app_kwargs": {"middleware": [limit_page(), check_calls()]},
    }


def _build_chat(bot: PaperChatbot, watch: Watch, talk: Any, sources: Any, pins: Pins, read_only: bool) -> Any:
    import gradio as gr

    def reply(
        message: str, history: list[dict[str, Any]], known: Conversation, pin: str, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        user, asked = name_visitor(request), known
        try:
            # The page may have taken turns back (undo, retry): as many are left as it still shows questions.
            before = take_back(bot, user, known, sum(shown["role"] == "user" for shown in history))
            place = len(before.turns) + 1
            # Should the user stop the answer, its question still counts.
            asked = before.add(Turn(message, ()), NO_ANSWER, {})
            yield "…", asked, gr.skip()
            for answer in watch(request, message, bot.within(pin).stream(message, before.turns)):
                yield format_answer(answer, whole=False, place=place), asked, gr.skip()
            panel = format_sources(place, answer.to_dict(), bot.paper)
            now, notice = (hold if read_only else keep)(bot, user, before, answer, panel)
            yield "\n\n".join(filter(None, [format_answer(answer, place=place), notice])), now, now.panel
        except ChatbotError as error:
            yield f"⚠️ {error}", asked, asked.panel

    def rate(known: Conversation, request: gr.Request, given: gr.LikeData) -> None:
        if given.liked in ("", None):  # the opinion was taken back
            return
        message = given.index[0] if isinstance(given.index, list | tuple) else given.index
        reason = given.liked if isinstance(given.liked, str) else ""
        gr.Info(judge(bot, name_visitor(request), known, message // 2, given.liked is True, reason))

    gr.Markdown(f"# {TITLE}")
    pins.render()
    chat = gr.ChatInterface(
        reply,
        additional_inputs=[talk, pins.pin],
        additional_outputs=[talk, sources],
        chatbot=gr.Chatbot(
            placeholder=pins.welcome(),
            elem_id="answers",
            label="Answers",
            show_label=False,
            buttons=["copy"],
            feedback_options=("Like", "Dislike", *REASONS),
        ),
        fill_width=True,
        analytics_enabled=False,
    )
    if not read_only:
        chat.chatbot.like(rate, talk, None)
    return chat


def _build_why(bot: PaperChatbot, talk: Any, watch: Watch) -> None:
    """Let the page ask why a paper is not cited: what it writes in the one hidden field is answered in the other."""
    import gradio as gr

    def tell(now: Conversation, asked: str, request: gr.Request) -> str:
        question = json.loads(asked)
        try:
            record, name = now.records[question["place"] - 1], question["name"]
            told = call_watched(watch, request, name, lambda: bot.why_not(record, name))
        except ChatbotError as error:
            told = str(error)
        return json.dumps({"place": question["place"], "told": disarm(told)})

    asked = gr.Textbox(visible="hidden", elem_id="why-asked")
    told = gr.Textbox(visible=False)
    asked.change(tell, [talk, asked], told, show_progress="hidden").success(
        None, told, js="(told) => window.chatbotTell(told)"
    )


def _format_follow_ups(questions: Sequence[str]) -> str:
    return "".join(
        f"<button type='button' data-ask='{escape(question)}'><bdi>{escape(question)}</bdi></button>"
        for question in questions
    )
