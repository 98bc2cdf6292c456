"""Take a request for a grid apart: names kept whole, lists of names and of columns.

Knows English lists and the words around names; knows nothing of papers or of what is asked.
"""

import re
from collections.abc import Sequence

_ALIASES = {
    "approach": "method approach approaches technique techniques",
    "problem": "problem problems motivation motivations goal goals objective task",
    "key idea": "idea ideas key_idea novelty contribution contributions main_idea",
    "data": "data dataset datasets data_sets data_set setting data_or_setting benchmarks",
    "results": "result results finding findings outcome outcomes performance",
    "code": "code link links repository repo source_code code_link",
}
CANONICAL = {word.replace("_", " "): aspect for aspect, words in _ALIASES.items() for word in words.split()}

_QUOTED = re.compile(r"[\"“”]([^\"“”]{3,300})[\"“”]")
MASK = re.compile(r"⟦(\d+)⟧")
_CONNECTOR = re.compile(
    r"\s*(?:[,;:]|\.(?=\s|$))\s*|\s+(?:and|&|or|with|vs\.?|versus|against|to|from|next to|alongside|between|than)\s+",
    re.I,
)
COLUMNS_SAID = re.compile(r"\bcolumns?\b\s*(?:(?:about|called|for|named|on|with|saying|that says)\b|:)?\s*", re.I)
_LIST = re.compile(r"\s*(?:,\s*and|[,;]|\band\b|\bplus\b)\s*", re.I)
# Words that ask and connect at the edges of a name; "the one", "paper" and the like are names' own furniture.
_EDGES = frozenset(
    """
    a about add adding again against all also an and any apart append are as at back be between both bring but
    by can common compare compared compares comparing comparison cons contrast could delete describe did differ
    difference differences different differs discard distinguish distinguishes do does drop each everyone
    exclude explain for forget from get give go grid grids has have hide how i i'd i'll id in include including
    insert into is it its just keep kindly leave let let's lets like line list look lose make me my need new
    next now of off ok okay omit on one's only or other our out please pros put related remove rest rid row
    rows see set sets show side side-by-side similar similarities so stack table tables tabulate take tell than
    thanks that the them then there these they this those three throw to together too two under up us used
    versus vs want we well were what what's where which will with without would you your
    """.split()
)


def aspect_words() -> str:
    """Return a pattern of the words by which the default columns are called."""
    return "|".join(sorted(map(re.escape, CANONICAL), key=len, reverse=True))


def canonical_aspect(text: str) -> str:
    """Return the default column that ``text`` means, or ``text`` itself without a leading article."""
    shown = re.sub(
        r"^(?:the|a|an|their|its|columns?(?: for| on)?)\s+", "", " ".join(text.split()).strip(' ."“”,;:'), flags=re.I
    )
    return CANONICAL.get(shown.lower().rstrip("?"), shown)


def mask(text: str, known: Sequence[str]) -> tuple[str, list[str]]:
    """Return ``text`` with quoted pieces and ``known`` names, longest first, as ``⟦0⟧``, and what stood there."""
    pieces: list[str] = []

    def keep(piece: str) -> str:
        pieces.append(piece)
        return f"⟦{len(pieces) - 1}⟧"

    masked = _QUOTED.sub(lambda found: keep(found[1]), re.sub("[⟦⟧]", " ", text))
    for name in sorted(known, key=len, reverse=True):
        flags = re.I if " " in name or "-" in name else 0
        masked = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", lambda found: keep(found[0]), masked, flags=flags)
    return masked, pieces


def unmask(text: str, pieces: Sequence[str]) -> str:
    """Return ``text`` with what ``mask`` took out of it."""
    return MASK.sub(lambda found: pieces[int(found[1])], text)


def unmask_all(texts: Sequence[str], pieces: Sequence[str]) -> tuple[str, ...]:
    """Return each of ``texts`` once, unmasked."""
    return tuple(dict.fromkeys(unmask(text, pieces) for text in texts))


def split_aspects(text: str) -> list[str]:
    """Return the columns in a list such as "data, results and code"."""
    return [aspect for piece in _LIST.split(text) if (aspect := canonical_aspect(_strip_tail(piece)))]


def _strip_tail(text: str) -> str:
    return re.sub(r"\s*\b(?:please|too|as well|instead|thanks)\W*$|[.!]+$", "", text, flags=re.I)


def split_names(masked: str) -> list[str]:
    """Return the pieces of ``masked`` between commas and connecting words that are more than asking."""
    names = [strip_edges(piece) for piece in _CONNECTOR.split(masked)]
    return list(dict.fromkeys(name for name in names if name and not _is_furniture(name)))


def strip_edges(text: str) -> str:
    """Return ``text`` without the words that ask and connect around a name."""
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
