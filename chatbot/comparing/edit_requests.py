"""Read what a turn asks to change in the grid under discussion: rows, columns, order, form.

Knows English commands; knows nothing of papers or of what the cells hold.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from chatbot.comparing.phrases import (
    CANONICAL,
    COLUMNS_SAID,
    MASK,
    canonical_aspect,
    mask,
    split_aspects,
    split_names,
    strip_edges,
    unmask_all,
)
from chatbot.comparing.requests import COUNTED, FORM_ASKED, FORMATS, Request
from chatbot.comparison import ASPECTS

_REMOVE = re.compile(
    r"\b(?:drop|remove|delete|lose|forget|discard|exclude|hide|omit|get rid of|leave out|without"
    r"|^no(?= [\w -]+ columns?\b)|take\b.*\b(?:out|off|away)|can go|don't (?:need|care|want)|do not (?:need"
    r"|want))\b",
    re.I,
)
_REMOVE_PLAINLY = re.compile(
    r"\W*(?:(?:please|now|and|then|so|ok|just) )*(?:drop|remove|delete|discard|exclude|hide|omit|get rid of"
    r"|leave out|take)\b",
    re.I,
)
_ADD = re.compile(
    r"\b(?:add(?:ing)?|includ(?:e|ing)|insert|append|bring in|put\b.*\bin|throw\b.*\b(?:in|into)|also|another|one more"
    r"|as well|too|i'd like|now a)\b",
    re.I,
)
_ADD_PLAINLY = re.compile(r"\b(?:add(?:ing)?|includ(?:e|ing)|insert|append|bring in|put|throw)\b", re.I)
_KEEP = re.compile(
    r"\b(?:(?:keep|show|want|leave|need|give)\b.*\b(?:only|just)|(?:only|just) (?:keep|show)|nothing but)\b"
    r"|^\W*(?:only|just) (?=the\b|.*\bcolumns?\b|.*,)",
    re.I,
)
_SORT = re.compile(r"\b(?:sort\w*|order(?:ed)?|arrange|rank|alphabetical\w*)\b", re.I)
_SORT_KEY = re.compile(r"\b(?:by|on)\s+(?:the\s+)?(?P<key>[\w -]+?)(?:\s*(?:column|please|[,.;?!].*|$))", re.I)
_BACKWARDS = re.compile(
    r"\b(?:newest|latest|recent|descending|reverse\w*|backwards?|largest|highest|z to a|z-a)\b", re.I
)
_EXPORT = re.compile(rf"\b({'|'.join(FORMATS)})\b", re.I)
_EXPORT_ASKED = re.compile(
    r"\b(?:export|as|in|give|get|save|download|make|format|convert|turn|write|please|show|print|table|grid|same)\b",
    re.I,
)
_SWAP = re.compile(
    r"^\W*(?:(?:please|now|and|then|so|ok|can you|could you) )*(?:swap(?: out)?|replace"
    r"|exchange) (?P<old>.+?) (?:for|with|by) (?P<new>.+)$",
    re.I,
)
_BUT = re.compile(
    r"\b(?:everything|everyone|all|any(?:thing)?|the (?:rest|others?)|others)\b(?: \w+){0,2}? (?:but"
    r"|except(?: for)?|besides|other than|apart from)\b",
    re.I,
)
_ALSO_NAMED = re.compile(r"^\W*(?:and|plus|also|with)(?: (?:also|the))? ⟦\d+⟧(?: (?:too|as well|paper))?\W*$", re.I)
_UNDOES = re.compile(
    r"\W*(?:please )?(?:undo|go back|revert|take that back)(?: (?:that|it|this))?(?: please)?\W*", re.I
)
FEW_WORDS = 10
_IS_QUESTION = re.compile(
    r"^\W*(?:and |so |but )?(?:what(?! (?:if you|about (?:adding|sorting|ordering)))|which|who|why|when|where"
    r"|how(?! about (?:adding|includ|sort|order))|do|does|did|is|are|has|have|was|were|explain|describe|tell me"
    r"|summari[sz]e)\b"
    r"|,\s*(?:how|what|why|where|when)\b[^?]*\?\W*$",
    re.I,
)
_WHICH = re.compile(
    r"^\W*(?:and |so |but )?(?:which|who|what|do|does|is|are)\b.*?"
    r"\bof (?:them|these|those|the (?:two|three|four|five))\b"
    r"|^\W*(?:and |so )?which (?:ones?|papers?|methods?|approach(?:es)?|rows?)\b"
    r"|^\W*(?:and |so )?which of the (?:remaining|other|rest|rows|papers)\b|^\W*(?:do |does )?any (?:of (?:them"
    r"|these)|with|that)\b",
    re.I,
)
_ANOTHER = re.compile(
    r"^\W*(?:and |also |plus )*(?:yet )?(?:another|one more)(?: one)?\W+(?!(?:paper|work|method)\b)", re.I
)


def asks_undo(text: str) -> bool:
    """Tell whether ``text`` asks for no more than to take the last change back."""
    return _UNDOES.fullmatch(text) is not None


def read_edit(text: str, known: Sequence[str], columns: Sequence[str], before: str) -> Request | None:
    """Return what ``text`` asks of the grid under discussion, None when it asks for no edit.

    ``columns`` are the grid's, ``before`` is the question of the turn before.
    """
    masked, pieces = mask(text, [name for name in known if name.lower() not in FORMATS])
    bare = MASK.sub(" ", masked)
    asks, count = bool(_IS_QUESTION.search(bare)), len(bare.split())
    if (
        (form := _EXPORT.search(bare))
        and (count <= 2 or _EXPORT_ASKED.search(bare))
        and count <= FEW_WORDS
        and not (asks and not FORM_ASKED.search(bare))
    ):
        return Request("export", form=FORMATS[form[1].lower()])
    if _SORT.search(bare) and count <= FEW_WORDS + 2 and not (asks or _ADD_PLAINLY.search(bare)):
        return _read_sort(text, bare, columns)
    if _WHICH.search(bare) and not COLUMNS_SAID.search(bare):
        return Request("which")
    if asks and not COLUMNS_SAID.search(bare):
        return None
    request = _read_columns(masked, columns, before) or (None if COLUMNS_SAID.search(masked) else _read_rows(masked))
    if request is None:
        return None
    return replace(request, names=unmask_all(request.names, pieces), aspects=unmask_all(request.aspects, pieces))


def _read_sort(text: str, bare: str, columns: Sequence[str]) -> Request:
    asked, key, backwards = _SORT_KEY.search(text), _SORT_KEY.search(bare), bool(_BACKWARDS.search(bare))
    wanted = canonical_aspect(asked["key"]).lower() if asked else ""
    if own := next((column for column in columns if column.lower().rstrip("?") == wanted.rstrip("?")), ""):
        return Request("sort", key=own, backwards=backwards)
    named = canonical_aspect(key["key"]).lower() if key else "title"
    if re.search(r"\b(?:year|date|old|new|time|recent)", named):
        named = "year"
    elif re.search(r"title|name|alphabet|paper", named):
        named = "title"
    return Request("sort", key=named, backwards=backwards)


def _read_columns(masked: str, columns: Sequence[str], before: str) -> Request | None:
    """Return the request with ``aspects`` as the columns that the grid is to have, None when it is not of columns."""
    said = bool(COLUMNS_SAID.search(masked))
    but = _BUT.search(masked)
    removes, keeps = bool(_REMOVE.search(masked)) and not but, bool(but or _KEEP.search(masked))
    if removes or keeps:
        meant = [column for column in columns if _names_column(column, masked)]
        listed = [canonical_aspect(piece) for piece in split_names(COLUMNS_SAID.sub(" ", masked))]
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
        front, *_, named = COLUMNS_SAID.split(masked)
        pieces = split_aspects(named) or split_aspects(strip_edges(re.sub(r"\bas (?:a|another)\W*$", "", front)))
    elif (another := _ANOTHER.match(masked)) and re.search(r"\bcolumns?\b", before, re.I):
        pieces = split_aspects(masked[another.end() :])
    else:
        pieces = [canonical_aspect(piece) for piece in split_names(masked)] if _ADD.search(masked) else []
        if not pieces or any(piece not in ASPECTS for piece in pieces):
            return None
    return Request("set columns", aspects=tuple(dict.fromkeys([*columns, *pieces]))) if pieces else None


def _read_rows(masked: str) -> Request | None:
    if swap := _SWAP.match(masked):
        return Request("swap papers", (strip_edges(swap["old"]), *split_names(swap["new"])))
    if _REMOVE.search(masked) and (but := _BUT.search(masked)):
        return Request("keep papers", tuple(split_names(masked[but.end() :])))
    removes, keeps = _REMOVE.search(masked), _KEEP.search(masked)
    if (removes or keeps) and (counted := COUNTED.search(masked)):
        return Request("remove papers" if removes else "keep papers", (counted[0],))
    if _ALSO_NAMED.match(masked):
        return Request("add papers", tuple(split_names(masked)))
    if removes:
        names = split_names(
            re.sub(r"\bcan go\b|\b(?:out|off)\b(?: (?:of )?the (?:list|grid|table))?", " ", masked, flags=re.I)
        )
        plainly = _REMOVE_PLAINLY.match(masked) if len(masked.split()) <= FEW_WORDS else None
        if plainly and not names:  # "the paper" is no name, and yet what is to go
            names = list(filter(None, [masked[plainly.end() :].strip(" .!")]))
        return Request("remove papers", tuple(names), plain=bool(plainly)) if names else None
    if keeps:
        names = split_names(masked)
        return Request("keep papers", tuple(names), plain=False) if names else None
    if _ADD.search(masked):
        names = split_names(
            re.sub(
                r"\b(?:in )?(?:as well|too)\b|\b(?:in|into|to) (?:the|this) (?:grid|table|list|comparison)\b",
                " ",
                masked,
                flags=re.I,
            )
        )
        return Request("add papers", tuple(names), plain=bool(_ADD_PLAINLY.search(masked))) if names else None
    return None


def _names_column(column: str, text: str) -> bool:
    words = [word for word, aspect in CANONICAL.items() if aspect == column] or [column]
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.I) for word in words)
