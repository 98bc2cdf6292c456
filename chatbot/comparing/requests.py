"""Read the comparison that a turn asks for, and which paper it picks when it was asked back.

Knows English words of asking for tables; knows nothing of papers: which of them a name means is ``naming``'s work.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from chatbot.comparing.phrases import COLUMNS_SAID, aspect_words, mask, split_aspects, split_names, unmask, unmask_all
from chatbot.comparison import TableFormat
from chatbot.conversation import ORDINALS
from chatbot.records import Paper

Action = Literal[
    "compare", "add papers", "remove papers", "keep papers", "swap papers", "set columns", "sort", "export", "which"
]

_ASKS_PLAINLY = re.compile(
    r"\b(?:compar(?:e|es|ed|ing|ison)|contrast|versus|vs|side[ -]by[ -]side|next to|line up|stack up|against|tabulate"
    r"|(?:table|grid) of|in (?:a|one) (?:table|grid))\b",
    re.I,
)
_ASKS = re.compile(r"\b(?:distinguish\w*|differs?|differences?|different|apart|in common|similarit\w+)\b", re.I)
_TOPIC = re.compile(
    r"^(?:the |all |all the |those |these |your )*(?:(?P<before>.+?)[- ](?:papers|works|methods|approaches|abstracts)"
    r"|(?:papers|works|methods|approaches|abstracts|ones) (?:about|on|for|that|which|using|dealing with|in|with) "
    r"(?:use |are about |deal with )?(?P<after>.+))$",
    re.I,
)
_AFTER_NAMES = r"(?:(?<=⟧)|(?<=compare)|(?<=compared)|(?<=differ)|(?<=them)|(?<=these)|(?<=other))"
_BY = r"(?:by|in terms of|(?:with|in) (?:respect|regard) to|as regards|as to|regarding|concerning|when it comes to)"
_ASPECTS_AFTER = re.compile(
    rf"(?:{_AFTER_NAMES}|(?<=\bone)|(?<=\bpaper)|(?<=\bpapers))\s+{_BY}\s+(?P<by>.+)$"
    rf"|{_AFTER_NAMES}\s+(?:on|in)\s+(?!(?:an?|one|the) (?:table|grid)\b)(?!common\b)(?P<on>.+)$"
    rf"|\s+by\s+(?P<words>(?:{aspect_words()})(?:\W+(?:and )?(?:{aspect_words()}))*)\W*$"
    r"|(?<=⟧):\s*(?!.*\b(?:what|how|which|why|where|who|do|does|is|are|compare|contrast|please)\b)(?P<list>[^⟦]+)$",
    re.I,
)
_ASPECTS_BEFORE = re.compile(
    r"^(?:on|in terms of|regarding|by|concerning) (?P<list>.+?), (?=(?:how|compare|what|where)\b)", re.I
)
_ASPECTS_OF = re.compile(
    rf"\b(?:the )?(?P<list>(?:{aspect_words()})(?:(?:,| and|, and) (?:the )?(?:{aspect_words()}))*)"
    r" (?:of|used (?:by|in)|in|from|reported by)\s+(?=⟦|the\b)"
    rf"|(?<=⟧)['’]s (?P<own>{aspect_words()})\b|\bthat of\s+(?=⟦)",
    re.I,
)

MOST_EARLIER = 6
_POINTS_BACK = re.compile(
    r"\b(it|them|these|those|both|the two|all (?:two|three|four|five|2|3|4|5)|the (?:first|last) (?:two|three"
    r"|four|2|3|4)|they|(?:this|that)(?= (?:paper|one|work|method|with|to|and|against)\b))\b"
    r"(?! (?:in common|papers about))",
    re.I,
)
FORMATS: dict[str, TableFormat] = {
    "latex": "latex", "tex": "latex", "csv": "csv", "excel": "csv", "spreadsheet": "csv", "markdown": "markdown",
    "md": "markdown", "json": "json",
}  # fmt: skip
FORM_ASKED = re.compile(
    rf"[\s,;:]+(?:as|in|to)\s+(?:an? )?({'|'.join(FORMATS)})(?: table| grid| file)?(?: please)?\W*$", re.I
)
_NUMBERS = ("two", "three", "four", "five")
COUNTED = re.compile(rf"\b(first|last) ({'|'.join(_NUMBERS)}|[2-5])\b", re.I)
_STARTS_OVER = re.compile(r"^\W*(?:ok |now )?(?:start over|start again|fresh start|another (?:grid|table))\W+", re.I)


@dataclass(frozen=True, slots=True)
class Request:
    """What a turn asks of a grid. ``names`` are papers as the user calls them; ``aspects`` are columns.

    ``plain`` tells that it was asked for in so many words. ``topic`` stands for all papers about it; ``points_back``
    is "it", "them" or "the first two", for papers told before.
    """

    action: Action
    names: tuple[str, ...] = ()
    aspects: tuple[str, ...] = ()
    topic: str = ""
    plain: bool = True
    key: str = ""
    backwards: bool = False
    form: TableFormat = "markdown"
    points_back: str = ""

    def earlier(self, papers: Sequence[Paper], latest: Sequence[Paper]) -> Sequence[Paper]:
        """Return those of the ``papers`` told before that are pointed at; ``latest`` are those of the last turn."""
        if self.points_back in {"it", "that", "this"}:
            return latest[:1]
        if self.points_back in {"both", "the two"}:
            return papers[-2:]
        return (count_off(self.points_back, papers) or papers[:MOST_EARLIER]) if self.points_back else ()


def count_off(text: str, papers: Sequence[Paper]) -> Sequence[Paper]:
    """Return those of ``papers`` that "the first two" or "the last three" are; none when ``text`` counts no such."""
    if (found := COUNTED.search(text)) is None:
        return ()
    count = int(found[2]) if found[2].isdigit() else _NUMBERS.index(found[2].lower()) + 2
    return papers[:count] if found[1].lower() == "first" else papers[-count:]


def asks_to_compare(text: str) -> bool:
    """Tell whether ``text`` has words of comparing at all."""
    return bool(_ASKS_PLAINLY.search(text) or _ASKS.search(text))


def read_comparison(text: str, known: Sequence[str] = ()) -> Request | None:
    """Return the comparison that ``text`` asks for, None when it asks for none.

    ``known`` are titles, ids and names of papers, which are read as one piece where they stand in ``text``.
    """
    plain = bool(_ASKS_PLAINLY.search(text))
    if not asks_to_compare(text):
        return None
    form: TableFormat = "markdown"
    text = _STARTS_OVER.sub("", text)
    if asked := FORM_ASKED.search(text):
        form, text = FORMATS[asked[1].lower()], text[: asked.start()]
    masked, pieces = mask(text, known)
    masked, aspects = _take_aspects(masked)
    names = split_names(COUNTED.sub(" ", masked))
    topics = [found for name in names if (found := _TOPIC.match(name))]
    if len(names) == 1 and topics:
        topic = topics[0]["before"] or topics[0]["after"]
        return Request("compare", (), unmask_all(aspects, pieces), unmask(topic, pieces), plain, form=form)
    back = _POINTS_BACK.search(masked)
    pointed = back[1].lower() if back and len(names) < 2 else ""
    return Request(
        "compare",
        unmask_all(names, pieces),
        unmask_all(aspects, pieces),
        plain=plain,
        form=form,
        points_back=pointed,
    )


def read_choice(text: str, count: int) -> int | None:
    """Return which of ``count`` papers, from 0, "2" or "the second one" picks; None when it does not count them."""
    bare = text.lower().strip(" .!()#")
    if bare.isdecimal() and 1 <= int(bare) <= count:
        return int(bare) - 1
    found = re.search(rf"(?:^|\b(?:the|that|mean) )({'|'.join(ORDINALS)})(?: (?:one|paper))?\W*$", text, re.I)
    at = ORDINALS[found[1].lower()] if found else count
    return at % count if -count <= at < count else None


def _take_aspects(masked: str) -> tuple[str, list[str]]:
    """Return the text without the columns that it asks for, and the columns."""
    if found := _ASPECTS_BEFORE.match(masked):
        return masked[found.end() :], split_aspects(found["list"])
    if found := COLUMNS_SAID.search(masked):
        return masked[: found.start()], split_aspects(masked[found.end() :])
    if found := _ASPECTS_AFTER.search(masked):
        listed = found["by"] or found["on"] or found["words"] or found["list"]
        return masked[: found.start()], split_aspects(listed.rstrip(" ?"))
    owned = [found["list"] or found["own"] or "" for found in _ASPECTS_OF.finditer(masked)]
    return _ASPECTS_OF.sub(" ", masked), split_aspects(",".join(owned))
