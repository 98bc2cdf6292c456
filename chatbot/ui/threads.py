"""What a conversation is while it is open on the page, and how it is stored and opened again.

Knows the store of conversations, of which each visitor sees their own, and the form of the chat's messages; knows
nothing of how questions are answered.
"""

from collections.abc import Mapping
from contextlib import suppress
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
    """The open conversation: its id in the store ("" before the first answer), and what there is of each question.

    That is its turn, the HTML of its sources, the JSON form of its answer, empty while there is none, and the number
    under which that is stored, 0 while it is not.
    """

    thread: str = ""
    turns: tuple[Turn, ...] = ()
    panels: tuple[str, ...] = ()
    records: tuple[Mapping[str, Any], ...] = ()
    stored: tuple[int, ...] = ()

    @property
    def panel(self) -> str:
        """Return the HTML of all sources; the page shows those of one answer."""
        return "".join(self.panels) or NO_SOURCES

    def cut(self, count: int) -> "Conversation":
        """Return the first ``count`` turns."""
        return replace(self, **{name: getattr(self, name)[:count] for name in ("turns", "panels", "records", "stored")})

    def add(self, turn: Turn, panel: str, record: Mapping[str, Any], stored: int = 0) -> "Conversation":
        """Return the conversation with one more turn."""
        return Conversation(
            self.thread,
            (*self.turns, turn),
            (*self.panels, panel),
            (*self.records, record),
            (*self.stored, stored),
        )


def name_visitor(request: Any) -> str:
    """Return whose conversations a request of the page is about: whoever is signed in, or else the local user."""
    return request.username or LOCAL_USER


def take_back(bot: PaperChatbot, user: str, talk: Conversation, count: int) -> Conversation:
    """Return the first ``count`` turns of ``talk``, and take the answers of the others out of the store.

    What another window has added stays there. Raises ThreadsBroken.
    """
    gone = [number for number in talk.stored[count:] if number]
    if talk.thread and gone:
        with suppress(ThreadMissing):  # it was deleted in another window
            bot.threads.take_back(user, talk.thread, gone)
    return talk.cut(count)


def keep(bot: PaperChatbot, user: str, talk: Conversation, answer: Answer, panel: str) -> tuple[Conversation, str]:
    """Add ``answer`` to ``talk`` and to its stored thread, a new one when there is none.

    Returns what the conversation is then, and what went wrong with storing it, if anything.
    """
    turn, record = bot.turn(answer), answer.to_dict()
    try:
        try:
            bot.threads.find(user, talk.thread)
        except ThreadMissing:
            talk = replace(talk, thread=bot.threads.create(user).id, stored=(0,) * len(talk.turns))
        number = bot.threads.append(user, talk.thread, answer)
    except ChatbotError as error:
        return talk.add(turn, panel, record), f"⚠️ Not kept: {error}"
    return talk.add(turn, panel, record, number), ""


def hold(bot: PaperChatbot, user: str, talk: Conversation, answer: Answer, panel: str) -> tuple[Conversation, str]:
    """Add ``answer`` to ``talk`` alone, which is stored nowhere; else as ``keep``."""
    return talk.add(bot.turn(answer), panel, answer.to_dict()), ""


def judge(bot: PaperChatbot, user: str, talk: Conversation, place: int, liked: bool, reason: str) -> str:
    """Keep what the reader thinks of the answer at ``place``, from 0; return what to tell them."""
    record = talk.records[place] if place < len(talk.records) else {}
    if not record:
        return "Not kept, for there is no whole answer here; ask again."
    try:
        bot.feedback.add(record, liked, reason, user)
    except ChatbotError as error:
        return f"Not kept. {error}"
    return "Thank you, that is kept."


def restore(bot: PaperChatbot, user: str, id: str) -> tuple[list[dict[str, str]], Conversation]:
    """Return a stored thread as messages and as a conversation to go on with. Raises ThreadMissing."""
    records = bot.threads.answers(user, id)
    messages = []
    for place, record in enumerate(records, 1):
        messages.append({"role": "user", "content": record["question"]})
        messages.append({"role": "assistant", "content": format_record(record, place=place)})
    panels = tuple(format_sources(place, record, bot.paper) for place, record in enumerate(records, 1))
    stored = tuple(record["number"] for record in records)
    return messages, Conversation(id, tuple(bot.resume(user, id)), panels, tuple(records), stored)
