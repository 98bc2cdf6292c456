"""Read what a turn asks of a grid: a new comparison, or an edit of the one under discussion.

Knows English words of asking for tables; knows nothing of papers: which of them a name means is ``naming``'s work.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from chatbot.comparison import ASPECTS, TableFormat

Action = Literal["compare", "add papers", "remove papers", "keep papers", "set columns", "sort", "export", "which"]

_ALIASES = {
    "approach": "methods? method approach approaches technique techniques",
    "problem": "problem problems motivation motivations goal goals objective task",
    "key idea": "idea ideas key_idea novelty contribution contributions main_idea",
    "data": "data dataset datasets data_sets data_set setting data_or_setting benchmarks",
    "results": "result results finding findings outcome outcomes performance",
    "code": "code link links repository repo source_code code_link",
}
_CANONICAL = {word.replace("_", " "): aspect for aspect, words in _ALIASES.items() for word in words.split()}

_ASKS_PLAINLY = re.compile(
    r"\b(?:compar(?:e|es|ed|ing|ison)|contrast|versus|vs|side by side|next to|line up|stack up|against"
    r"|(?:table|grid) of|in (?:a|one) (?:table|grid))\b",
    re.I,
)
_ASKS = re.compile(r"\b(?:differs?|differences?|different|apart|in common|similarit\w+)\b", re.I)
_QUOTED = re.compile(r"[\"“”]([^\"“”]{3,300})[\"“”]")
_MASK = re.compile(r"⟦(\d+)⟧")
_CONNECTOR = re.compile(
    r"\s*(?:[,;:]|\.(?=\s|$))\s*|\s+(?:and|or|with|vs\.?|versus|against|to|from|next to|alongside|between|than)\s+",
    re.I,
)
_LIST = re.compile(r"\s*(?:,\s*and|[,;]|\band\b|\bplus\b)\s*", re.I)
# Words that ask and connect at the edges of a name; "the one", "paper" and the like are names' own furniture.
_EDGES = frozenset(
    """
    a also again all an and any are as at be bring between by can compare compared comparing comparison compares
    contrast could describe did differ difference differences different differs do does drop each explain for forget
    from get give go grid grids how i i'd i'll id in include into is it its just kindly leave let let's lets like
    line list look lose make me my need next now of off on one's only or other our out please put remove rest see
    set sets show side stack table tables take tell than that the them then there these this those three throw to
    together too two under up us versus vs want we well were what what's where which will with would you your
    apart common similarities similar against add too insert append keep thanks so ok okay but both everyone row rows
    """.split()
)
_TOPIC = re.compile(
    r"^(?:the |all |all the |those |these |your )*(?:(?P<before>.+?)[- ](?:papers|works|methods|approaches|abstracts)"
    r"|(?:papers|works|methods|approaches|abstracts|ones) (?:about|on|for|that|which|using|dealing with|in|with) "
    r"(?:use |are about |deal with )?(?P<after>.+))$",
    re.I,
)
_COLUMNS_SAID = re.compile(r"\bcolumns?\b\s*(?:(?:about|called|for|named|on|with|saying|that says)\b|:)?\s*", re.I)
_ASPECTS_AFTER = re.compile(
    r"(?:(?<=⟧)|(?<=\bone)|(?<=\bpaper)|(?<=\bpapers)|(?<=\bcompare)|(?<=\bcompared)|(?<=\bdiffer)|(?<=\bthem)|(?<=\bthese)|(?<=\bother))"
    r"\s+(?:by|in terms of|with respect to|regarding|when it comes to)\s+(?P<by>.+)$"
    r"|(?:(?<=⟧)|(?<=\bcompare)|(?<=\bcompared)|(?<=\bdiffer)|(?<=\bthem)|(?<=\bthese)|(?<=\bother))"
    r"\s+(?:on|in)\s+(?!(?:an?|one|the) (?:table|grid)\b)(?P<on>.+)$",
    re.I,
)
_ASPECTS_BEFORE = re.compile(
    r"^(?:on|in terms of|regarding|by|concerning) (?P<list>.+?), (?=(?:how|compare|what|where)\b)", re.I
)

_REMOVE = re.compile(
    r"\b(?:drop|remove|delete|lose|forget|discard|exclude|hide|omit|get rid of|leave out|without"
    r"|take\b.*\b(?:out|off|away)|can go|don't (?:need|care|want)|do not (?:need|want))\b",
    re.I,
)
_ADD = re.compile(
    r"\b(?:add|include|insert|append|bring in|put\b.*\bin|throw\b.*\b(?:in|into)|also|another|one more"
    r"|as well|too|i'd like|now a)\b",
    re.I,
)
_KEEP = re.compile(
    r"\b(?:(?:keep|show|want|leave|need|give)\b.*\b(?:only|just)|(?:only|just) (?:keep|show)|nothing but)\b", re.I
)
_SORT = re.compile(r"\b(?:sort\w*|order(?:ed)?|arrange|rank|alphabetical\w*)\b", re.I)
_SORT_KEY = re.compile(r"\b(?:by|on)\s+(?:the\s+)?(?P<key>[\w -]+?)(?:\s*(?:column|please|,.*|$))", re.I)
_BACKWARDS = re.compile(
    r"\b(?:newest|latest|recent|descending|reverse\w*|backwards?|largest|highest|z to a|z-a)\b", re.I
)
_FORMATS: dict[str, TableFormat] = {
    "latex": "latex", "tex": "latex", "csv": "csv", "excel": "csv", "spreadsheet": "csv", "markdown": "markdown",
    "md": "markdown", "json": "json",
}  # fmt: skip
_EXPORT = re.compile(rf"\b({'|'.join(_FORMATS)})\b", re.I)
_EXPORT_ASKED = re.compile(
    r"\b(?:export|as|in|give|get|save|download|format|convert|turn|write|please|show|print|table|grid|same)\b", re.I
)
FEW_WORDS = 10
_WHICH = re.compile(
    r"^\W*(?:and |so |but )?(?:which|who|what|do|does|is|are)\b.*?"
    r"\b(?:of (?:them|these|those|the (?:two|three|four|five))|ones?)\b"
    r"|^\W*(?:and |so )?which (?:paper|method|approach)s?\b",
    re.I,
)
_ANOTHER = re.compile(
    r"^\W*(?:and |also |plus )*(?:yet )?(?:another|one more)(?: one)?\W+(?!(?:paper|work|method)\b)", re.I
)


@dataclass(frozen=True, slots=True)
class Request:
    """What a turn asks of a grid. ``names`` are papers as the user calls them; ``aspects`` are columns.

    ``plain`` tells that a comparison was asked for in so many words. ``topic`` stands for all papers about it.
    """

    action: Action
    names: tuple[str, ...] = ()
    aspects: tuple[str, ...] = ()
    topic: str = ""
    plain: bool = True
    key: str = ""
    backwards: bool = False
    form: TableFormat = "table"


def canonical_aspect(text: str) -> str:
    """Return the default column that ``text`` means, or ``text`` itself without a leading article."""
    shown = re.sub(
        r"^(?:the|a|an|their|its|columns?(?: for| on)?)\s+", "", " ".join(text.split()).strip(' ."“”,;:'), flags=re.I
    )
    return _CANONICAL.get(shown.lower().rstrip("?"), shown)


def read_comparison(text: str, known: Sequence[str] = ()) -> Request | None:
    """Return the comparison that ``text`` asks for, None when it asks for none.

    ``known`` are titles, ids and names of papers, which are read as one piece where they stand in ``text``.
    """
    plain = bool(_ASKS_PLAINLY.search(text))
    if not plain and not _ASKS.search(text):
        return None
    masked, pieces = _mask(text, known)
    masked, aspects = _take_aspects(masked)
    names = _split_names(masked)
    topics = [found for name in names if (found := _TOPIC.match(name))]
    if len(names) == 1 and topics:
        topic = topics[0]["before"] or topics[0]["after"]
        return Request("compare", (), _unmask_all(aspects, pieces), _unmask(topic, pieces), plain)
    return Request("compare", _unmask_all(names, pieces), _unmask_all(aspects, pieces), "", plain)


def read_edit(text: str, known: Sequence[str], columns: Sequence[str], before: str) -> Request | None:
    """Return what ``text`` asks of the grid under discussion, None when it asks for no edit.

    ``columns`` are the grid's, ``before`` is the question of the turn before.
    """
    masked, pieces = _mask(text, known)
    bare = _MASK.sub(" ", masked)
    if (
        (form := _EXPORT.search(bare))
        and (len(bare.split()) <= 2 or _EXPORT_ASKED.search(bare))
        and len(bare.split()) <= FEW_WORDS
    ):
        return Request("export", form=_FORMATS[form[1].lower()])
    if _SORT.search(bare) and len(bare.split()) <= FEW_WORDS + 2:
        return _read_sort(bare)
    if _WHICH.search(bare) and not _COLUMNS_SAID.search(bare):
        return Request("which")
    request = _read_columns(masked, columns, before) or _read_rows(masked)
    if request is None:
        return None
    return Request(request.action, _unmask_all(request.names, pieces), _unmask_all(request.aspects, pieces))


def _read_sort(text: str) -> Request:
    key = _SORT_KEY.search(text)
    named = canonical_aspect(key["key"]).lower() if key else "title"
    if re.search(r"year|date|old|new|time|recent", named):
        named = "year"
    elif re.search(r"title|name|alphabet|paper", named):
        named = "title"
    return Request("sort", key=named, backwards=bool(_BACKWARDS.search(text)))


def _read_columns(masked: str, columns: Sequence[str], before: str) -> Request | None:
    """Return the request with ``aspects`` as the columns that the grid is to have, None when it is not of columns."""
    said = bool(_COLUMNS_SAID.search(masked))
    removes, keeps = bool(_REMOVE.search(masked)), bool(_KEEP.search(masked))
    if removes or keeps:
        meant = [column for column in columns if _names_column(column, masked)]
        listed = [canonical_aspect(piece) for piece in _split_names(_COLUMNS_SAID.sub(" ", masked))]
        if not said and any(piece not in columns and piece not in ASPECTS for piece in listed):
            return None
        wanted = list(dict.fromkeys([*(column for column in columns if column in listed or column in meant)]))
        if keeps and not removes:
            added = [piece for piece in listed if piece in ASPECTS and piece not in wanted]
            kept = [*wanted, *added]
            return Request("set columns", aspects=tuple(kept)) if kept else None
        if not wanted:
            return None
        return Request("set columns", aspects=tuple(column for column in columns if column not in wanted))
    if said:
        front, *_, named = _COLUMNS_SAID.split(masked)
        pieces = _split_aspects(named) or _split_aspects(_strip_edges(re.sub(r"\bas (?:a|another)\W*$", "", front)))
    elif (another := _ANOTHER.match(masked)) and re.search(r"\bcolumns?\b", before, re.I):
        pieces = _split_aspects(masked[another.end() :])
    else:
        pieces = [canonical_aspect(piece) for piece in _split_names(masked)] if _ADD.search(masked) else []
        if not pieces or any(piece not in ASPECTS for piece in pieces):
            return None
    return Request("set columns", aspects=tuple(dict.fromkeys([*columns, *pieces]))) if pieces else None


def _read_rows(masked: str) -> Request | None:
    if _REMOVE.search(masked):
        names = _split_names(
            re.sub(r"\bcan go\b|\b(?:out|off)\b(?: (?:of )?the (?:list|grid|table))?", " ", masked, flags=re.I)
        )
        return Request("remove papers", tuple(names)) if names else None
    if _KEEP.search(masked):
        names = _split_names(masked)
        return Request("keep papers", tuple(names)) if names else None
    if _ADD.search(masked):
        names = _split_names(
            re.sub(
                r"\b(?:in )?(?:as well|too)\b|\b(?:in|into|to) (?:the|this) (?:grid|table|list|comparison)\b",
                " ",
                masked,
                flags=re.I,
            )
        )
        return Request("add papers", tuple(names)) if names else None
    return None


def _names_column(column: str, text: str) -> bool:
    words = [word for word, aspect in _CANONICAL.items() if aspect == column] or [column]
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.I) for word in words)


def _mask(text: str, known: Sequence[str]) -> tuple[str, list[str]]:
    """Return ``text`` with quoted pieces and ``known`` names, longest first, as ``⟦0⟧``, and what stood there."""
    pieces: list[str] = []

    def keep(piece: str) -> str:
        pieces.append(piece)
        return f"⟦{len(pieces) - 1}⟧"

    masked = _QUOTED.sub(lambda found: keep(found[1]), text)
    for name in sorted(known, key=len, reverse=True):
        flags = re.I if " " in name or "-" in name else 0
        masked = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", lambda found: keep(found[0]), masked, flags=flags)
    return masked, pieces


def _unmask(text: str, pieces: Sequence[str]) -> str:
    return _MASK.sub(lambda found: pieces[int(found[1])], text)


def _unmask_all(texts: Sequence[str], pieces: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_unmask(text, pieces) for text in texts))


def _take_aspects(masked: str) -> tuple[str, list[str]]:
    """Return the text without the columns that it asks for, and the columns."""
    if found := _ASPECTS_BEFORE.match(masked):
        return masked[found.end() :], _split_aspects(found["list"])
    if found := _COLUMNS_SAID.search(masked):
        return masked[: found.start()], _split_aspects(masked[found.end() :])
    if found := _ASPECTS_AFTER.search(masked):
        return masked[: found.start()], _split_aspects(found["by"] or found["on"])
    return masked, []


def _split_aspects(text: str) -> list[str]:
    return [aspect for piece in _LIST.split(text) if (aspect := canonical_aspect(_strip_tail(piece)))]


def _strip_tail(text: str) -> str:
    return re.sub(r"\s*\b(?:please|too|as well|instead|thanks)\W*$|[.!]+$", "", text, flags=re.I)


def _split_names(masked: str) -> list[str]:
    """Return the pieces of ``masked`` between commas and connecting words that are more than asking."""
    names = [_strip_edges(piece) for piece in _CONNECTOR.split(masked)]
    return list(dict.fromkeys(name for name in names if name and not _is_furniture(name)))


def _strip_edges(text: str) -> str:
    words = text.strip(" ?!.,;:").split()
    while words and words[0].lower().strip("?!.,") in _EDGES:
        words.pop(0)
    while words and words[-1].lower().strip("?!.,") in _EDGES:
        words.pop()
    return " ".join(words).strip(" ?!.,;:")


def _is_furniture(name: str) -> bool:
    return all(
        word.lower() in {"paper", "papers", "one", "ones", "work", "method", "methods", "study"}
        for word in name.split()
    )
