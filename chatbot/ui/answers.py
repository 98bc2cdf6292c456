"""Write an answer as the Markdown that the chat shows, its marks linked to the panel of sources.

Knows Markdown and the JSON form of an answer; knows nothing of Gradio or of the papers behind it.
"""

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from chatbot.answers import Answer
from chatbot.markup import defuse_markdown, escape_addresses, flatten_text

# What turns the direction of all text after it; shown, it can do nothing.
_TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\ufffd")
_QUOTED_ADDRESS = re.compile(r"(?<!<)https?://[^\s<>”]+?(?=[.,;:!?)]*”)")  # Gradio takes the quotation mark along
_FENCED_OR_MARK = re.compile(r"```.*?```|\[(\d+)\]", re.DOTALL)


def format_answer(answer: Answer, whole: bool = True, place: int = 1) -> str:
    """Return the Markdown shown for ``answer``; see ``format_record``."""
    return format_record(answer.to_dict(), whole, place)


def format_record(record: Mapping[str, Any], whole: bool = True, place: int = 1) -> str:
    """Return the Markdown shown for the JSON form of an answer; with ``whole``, its sources under it.

    ``place`` is which answer of the conversation it is, from 1: its marks lead to ``anchor(place, number)``.
    """
    parts = []
    if record["standalone_question"] != record["question"]:
        searched = f"Searched for: {_as_said(flatten_text(record['standalone_question']))}"
        parts.append(f"*{searched}* [Edit](#searched-{place} 'Change what is searched for, and ask that instead')")
    parts.append(_link_marks(record, place))
    if whole and record["citations"]:
        titles: dict[str, list[str]] = {}
        for citation in record["citations"]:
            titles.setdefault(citation["title"], []).append(f"[{citation['number']}]")
        sources = [f"- {' '.join(numbers)} {defuse_markdown(title)}" for title, numbers in titles.items()]
        parts.append("**Sources**\n" + "\n".join(sources))
    if whole and record["withheld"]:
        items = [f"- {_as_said(s['text'])} *({_as_said(s['reason'])})*" for s in record["withheld"]]
        head = f"<details><summary>{len(items)} withheld, not supported by what they cite</summary>"
        parts.append("\n".join([head, "", *items, "</details>"]))
    if whole and record["notice"]:
        parts.append(f"*{defuse_markdown(record['notice'])}*")
    return disarm("\n\n".join(parts))


def anchor(place: int, number: int) -> str:
    """Return the id, on the page, of the passage that mark ``number`` of the answer at ``place`` cites."""
    return f"ref-{place}-{number}"


def disarm(text: str) -> str:
    """Return ``text``, of the same length, with signs made visible that would turn the direction of what follows."""
    return text.translate(_TURNING)


def show_text(text: str) -> str:
    """Return ``text``, whoever wrote it, as HTML that shows it and does nothing else."""
    return escape(disarm(text))


def show_line(text: str) -> str:
    """Return what ``show_text`` does, on one line."""
    return show_text(flatten_text(text))


def show_plain(text: str) -> str:
    """Return ``text``, whoever wrote it, as HTML that stays text in Markdown too: no mark-up, no formula."""
    return _escape_title(disarm(text))


def _as_said(text: str) -> str:
    """Return an unchecked text of a model, in which no address is a link: one could carry away what was asked."""
    return escape_addresses(defuse_markdown(text))


def _link_marks(record: Mapping[str, Any], place: int) -> str:
    quotes = {str(citation["number"]): citation["quote"] for citation in record["citations"]}

    def link(found: re.Match[str]) -> str:
        number = found[1]
        if number not in quotes:
            return found[0]
        return f'[[{number}]](#{anchor(place, int(number))} "{_escape_title(quotes[number])}")'

    return _FENCED_OR_MARK.sub(link, _QUOTED_ADDRESS.sub(r"<\g<0>>", _break_foreign_marks(record)))


def _break_foreign_marks(record: Mapping[str, Any]) -> str:
    """Return the answer's text, where a number in brackets that an abstract holds is no mark of this answer."""
    text = str(record["answer"])
    for sentence in record["sentences"]:
        words = defuse_markdown(flatten_text(sentence["text"]))
        if re.search(r"\[\d+\]", words):
            text = text.replace(words, re.sub(r"\[(?=\d+\])", "[\u200b", words))
    return text


def _escape_title(text: str) -> str:
    """Return ``text`` so that nothing in it ends a link's title, a table's cell or a formula."""
    return re.sub(r"[!-+/<-@\[-`{-~]", lambda sign: f"&#{ord(sign[0])};", flatten_text(text))
