"""The list of stored conversations at the left of the page, and what can be done to the open one.

Knows Gradio and the store of conversations; knows nothing of how answers look. Each visitor has their own.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from html import escape
from types import SimpleNamespace
from typing import Any

from chatbot.errors import ChatbotError, ThreadMissing
from chatbot.pipeline import PaperChatbot
from chatbot.threads import NAME_CHARS
from chatbot.ui.answers import disarm
from chatbot.ui.sources import NO_SOURCES
from chatbot.ui.threads import Conversation, name_visitor, restore, take_back

_DOWNLOAD = "(text, name) => window.chatbotDownload(text, name)"


def follow_chat(bot: PaperChatbot, chat: Any, talk: Any, sources: Any) -> None:
    """Let the buttons of the chat that take back what was said do the same to ``talk`` and ``sources``."""
    own = partial(_for_visitor, bot)
    chat.chatbot.clear(own(_clear), talk, [chat.chatbot, talk, sources], show_progress="hidden")
    chat.chatbot.undo(own(_take_back), talk, [talk, sources], show_progress="hidden")


def build_sidebar(bot: PaperChatbot, page: Any, chat: Any, talk: Any, sources: Any) -> None:
    """Put the list at the left; ``chat``, ``talk`` and ``sources`` change when a conversation is opened."""
    import gradio as gr

    parts = _lay_out()
    opened = [chat.chatbot, talk, sources]
    own = partial(_for_visitor, bot)
    for event in (
        parts.listed.input(own(_open), parts.listed, opened, show_progress="hidden"),
        parts.new.click(_start_anew, None, opened, show_progress="hidden"),
        parts.really.click(own(_drop), talk, opened, show_progress="hidden"),
    ):
        # The chat keeps a second copy of what it shows, in a form that only Gradio makes.
        event.success(lambda shown: shown, chat.chatbot, chat.chatbot_state, show_progress="hidden")
    shown = [parts.listed, parts.tools, parts.name, parts.sure]
    parts.name.submit(own(_rename), [talk, parts.name, parts.sought], shown, show_progress="hidden")
    parts.delete.click(lambda: gr.Row(visible=True), None, parts.sure, show_progress="hidden")
    parts.spare.click(lambda: gr.Row(visible=False), None, parts.sure, show_progress="hidden")
    written = [parts.written, parts.file_name]
    parts.export.click(own(_write), talk, written, show_progress="hidden").success(None, written, js=_DOWNLOAD)
    page.load(own(_tell_user), None, parts.user, show_progress="hidden")
    changed = [page.load, sources.change, parts.sought.change]
    # What is typed while the list is still being read must not be lost.
    gr.on(
        changed,
        own(_show_list),
        [talk, parts.sought],
        shown,
        trigger_mode="always_last",
        show_progress="hidden",
    )


def _for_visitor(bot: PaperChatbot, work: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``work`` as Gradio calls it, told whose page it is; a known error becomes a message on the page."""
    import gradio as gr

    def handle(request: gr.Request, *given: Any) -> Any:
        try:
            return work(bot, name_visitor(request), *given)
        except ChatbotError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return handle


def _lay_out() -> SimpleNamespace:
    import gradio as gr

    parts = SimpleNamespace()
    with gr.Sidebar(open=False, width=300, elem_id="threads"):
        parts.new = gr.Button("New conversation", variant="primary", size="sm", elem_id="new-thread")
        parts.sought = gr.Textbox(label="Search", max_length=NAME_CHARS, elem_id="thread-search")
        parts.listed = gr.Radio([], label="Conversations", elem_id="thread-list")
        with gr.Column(visible=False) as parts.tools:
            parts.name = gr.Textbox(label="Name of the open one", max_length=NAME_CHARS, submit_btn="Rename")
            parts.export = gr.Button("Export as Markdown", size="sm")
            parts.delete = gr.Button("Delete …", size="sm")
            with gr.Row(visible=False) as parts.sure:
                parts.really = gr.Button("Really delete", variant="stop", size="sm", min_width=80)
                parts.spare = gr.Button("Keep", size="sm", min_width=80)
        parts.user = gr.HTML()
        parts.written, parts.file_name = gr.Textbox(visible=False), gr.Textbox(visible=False)
    return parts


def _tell_user(bot: PaperChatbot, user: str) -> str:
    return f"<p class='note'><bdi>{escape(user)}</bdi> · <a href='./logout'>Sign out</a></p>" if user else ""


def _show_list(bot: PaperChatbot, user: str, now: Conversation, text: str) -> tuple[Any, ...]:
    import gradio as gr

    names = {thread.id: disarm(thread.name) or "(no name)" for thread in bot.threads.list(user, text)}
    current = now.thread if now.thread in names else None
    return (
        gr.Radio([(name, key) for key, name in names.items()], value=current),
        gr.Column(visible=current is not None),
        names.get(now.thread, ""),
        gr.Row(visible=False),
    )


def _open(bot: PaperChatbot, user: str, id: str) -> tuple[Any, ...]:
    messages, now = restore(bot, user, id)
    return messages, now, now.panel


def _start_anew() -> tuple[Any, ...]:
    return [], Conversation(), NO_SOURCES


def _take_back(bot: PaperChatbot, user: str, now: Conversation) -> tuple[Any, ...]:
    left = take_back(bot, user, now, max(len(now.turns) - 1, 0))
    return (left, left.panel) if left.turns else _clear(bot, user, left)[1:]


def _clear(bot: PaperChatbot, user: str, now: Conversation) -> tuple[Any, ...]:
    left = take_back(bot, user, now, 0)
    if left.thread:
        bot.threads.delete_empty(user, left.thread)
    return _start_anew()


def _drop(bot: PaperChatbot, user: str, now: Conversation) -> tuple[Any, ...]:
    if now.thread:
        with suppress(ThreadMissing):  # it was deleted in another window
            bot.threads.delete(user, now.thread)
    return _start_anew()


def _rename(bot: PaperChatbot, user: str, now: Conversation, name: str, text: str) -> tuple[Any, ...]:
    bot.threads.rename(user, now.thread, name)
    return _show_list(bot, user, now, text)


def _write(bot: PaperChatbot, user: str, now: Conversation) -> tuple[str, str]:
    return bot.export(user, now.thread), bot.threads.find(user, now.thread).name
