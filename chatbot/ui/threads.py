"""What a conversation is while it is open on the page, and how it is stored and opened again.

Knows the store of conversations and the form of the chat's messages; knows nothing of how questions are answered.
The page has one user, the local one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chatbot.answers import Answer
from chatbot.conversation import Turn
from chatbot.errors import ChatbotError, ThreadMissing
from chatbot.pipeline import PaperChatbot
from chatbot.threads import LOCAL_USER
from chatbot.ui.answers import format_record
from chatbot.ui.sources import NO_SOURCES, format_sources


@dataclass(frozen=True, slots=True)
class Conversation:
    """The open conversation: its id in the store ("" before the first answer), and what there is of each answer.

    That is its turn, the HTML of its sources, and its JSON form, empty while there is none.
    """

    thread: str = ""
    turns: tuple[Turn, ...] = ()
    panels: tuple[str, ...] = ()
    records: tuple[Mapping[str, Any], ...] = ()

    @property
    def panel(self) -> str:
        """Return the HTML of all sources; the page shows those of one answer."""
        return "".join(self.panels) or NO_SOURCES

    def cut(self, count: int) -> "Conversation":
        """Return the first ``count`` turns; without any it is a new conversation."""
        kept = {name: getattr(self, name)[:count] for name in ("turns", "panels", "records")}
        return replace(self, **kept) if count else Conversation()

    def add(self, turn: Turn, panel: str, record: Mapping[str, Any]) -> "Conversation":
        """Return the conversation with one more turn."""
        return Conversation(self.thread, (*self.turns, turn), (*self.panels, panel), (*self.records, record))


def keep(bot: PaperChatbot, talk: Conversation, answer: Answer) -> tuple[Conversation, str]:
    """Store ``answer`` at the end of its thread, a new one when there is none; return what went wrong, if anything."""
    try:
        try:
            bot.threads.find(LOCAL_USER, talk.thread)
        except ThreadMissing:
            talk = replace(talk, thread=bot.threads.create(LOCAL_USER).id)
        bot.threads.append(LOCAL_USER, talk.thread, answer)
    except ChatbotError as error:
        return talk, f"⚠️ Not kept: {error}"
    return talk, ""


def judge(bot: PaperChatbot, talk: Conversation, place: int, liked: bool, reason: str) -> str:
    """Keep what the reader thinks of the answer at ``place``, from 0; return what to tell them."""
    try:
        asked = talk.turns[place].question
        records = bot.threads.answers(LOCAL_USER, talk.thread)
        bot.feedback.add(next(r for r in reversed(records) if r["standalone_question"] == asked), liked, reason)
    except (ChatbotError, IndexError, StopIteration) as error:
        return f"Not kept. {error}"
    return "Thank you, that is kept."


def restore(bot: PaperChatbot, id: str) -> tuple[list[dict[str, str]], Conversation]:
    """Return a stored thread as messages and as a conversation to go on with. Raises ThreadMissing."""
    records = bot.threads.answers(LOCAL_USER, id)
    messages = []
    for place, record in enumerate(records, 1):
        messages.append({"role": "user", "content": record["question"]})
        messages.append({"role": "assistant", "content": format_record(record, place=place)})
    panels = tuple(format_sources(place, record, bot.paper) for place, record in enumerate(records, 1))
    return messages, Conversation(id, tuple(bot.resume(LOCAL_USER, id)), panels, tuple(records))
