"""Read a question: what kind of answer it wants, and which of its words say what it is about.

Knows English question words; knows nothing of papers, vectors or earlier turns.
"""

import re
import unicodedata

from chatbot.errors import InputError
from chatbot.records import Kind, Question

_WORD = re.compile(r"[^\W_](?:[\w@%+]|[-.'’/](?=\w))*")
# Words that ask, point or link, and words about papers as such: they say nothing of a paper's subject.
_GENERIC = frozenset(
    """
    a about abstract abstracts after again all also am among an and another any anybody anyone anything approach
    approaches are article articles as at author authors based be because been before being between both but by
    call called can collection compare compared contrast could deal deals dealing describe did differ difference
    different do does done down each either else every everything everybody explain exist exists find for from
    get gets give given go goes got had has have having he help her here his how however i if in indexed into is
    it its just know less let lets like list literature look looking looks made make makes many me mention
    mentioned more most much my name need no nor not now of off on one ones only or other others our out over
    own paper papers per please pls point present presented presents propose proposed proposes publication
    publications rather really report reported reporting reports s same say says see she should show shows so
    some somebody someone something study studied studies such summarize summary tell than thanks that the their
    them then there these they thing things this those though through to too two under up use used uses using
    versus very via vs walk want was way ways we well were what whats what's when where whether which while who
    whom whose why will with within without work works would wrote yes yet you your
    """.split()
)
_COINED = re.compile(r"[\w-]*(?:[A-Z][\w-]*[A-Z0-9]|[a-z][A-Z]|[A-Za-z]-?\d)[\w.-]*")
_WHICH = re.compile(
    r"\b(?:which|what|list|name|find|show|give|all|any|every|other|many)\b(?:\W+\w+){0,4}?\W+"
    r"(?:papers|works|articles|abstracts|studies|publications|authors|methods|approaches|algorithms)\b"
    r"|\b(?:papers|works|articles|abstracts|studies) (?:here |indexed )?(?:that|which|about|on|using|with|dealing)\b"
    r"|\b(?:anything|everything|something|all) (?:here |indexed )?(?:on|about|that|which|related)\b"
    r"|^(?:so |and )?where (?:is|are|does|do)\b|\bwho (?:else )?(?:uses?|studies|works on)\b"
    r"|\bwhich (?:of (?:them|these|those|the)|ones)\b",
    re.I,
)
_COMPARE = re.compile(
    r"\b(?:compar(?:e|ed|ing|ison)\b|contrast\b|differs?\b|differences?\b|different from\b|distinguish\w*"
    r"|versus\b|vs\b|in common\b|similarit\w+|both\b|either\b|two (?:papers|works|methods|approaches)\b"
    r"|as opposed to\b|unlike\b|whereas\b|the other(?: one)?\b|in one (?:paper|work)\b"
    r"|each (?:of|one|paper|method|do|does|claim|use|make|find|deal|decide|propose)\b"
    r"|\w+ or [^?]*: (?:what|which|how)\b|and (?:what|how) (?:in|does|is|about)\b)",
    re.I,
)
_FIGURE = re.compile(
    r"\bhow (?:much|many|long|big|fast|large|often|small|far|accurate|quick\w*)\b"
    r"|\bpercent\w*\b|\bby what (?:share|factor)"
    r"|\b(?:score|accuracy|error|rate|percentage|share|number|size|speed-?up|fraction|ratio|mIoU|figures?|cost)s?\b",
    re.I,
)
# Of "code" and "link", only those that can be had: no "code generation", no "link prediction".
_LINK = re.compile(
    r"\b(?:codes?(?! ?(?:generat|complet|search|review|synthes|book|length|understand|summari|model|translat))"
    r"|(?:(?<!\w )|(?<=\ba )|(?<=\bany )|(?<=\bthe )|(?<=\bits )|(?<=\btheir )|(?<=\bcode )|(?<=\bproject ))"
    r"links?(?! ?(?:between|predict|load|weight|sign|analy|format|function|structur|rate|quality|capacit|fail|level"
    r"|adapt))"
    r"|repo|repository|github|urls?|implementation|download|open.?source[d]?)\b",
    re.I,
)
_OF_RECORD = {
    "authors": r"who (?:wrote|authored|published)\b|who (?:is|are|were) (?:the )?(?:\w+ )?(?:co-?)?authors?\b"
    r"|(?:what are|list|name|give|show|tell)(?: me)? (?:the )?(?:names of )?(?:the )?authors?(?: of\b|\W*$)"
    r"|(?:written|authored) by (?:whom|who)\b|by whom\b",
    "year": r"(?:when|(?:what|which) year) (?:was|were|did|is) .{1,100}\b(?:published|come out)\b"
    r"|(?:publication|publishing) (?:year|date)\b|(?:year|date) of publication\b",
    "venue": r"where (?:was|were|is|did) .{1,100}\b(?:published|accepted)\b"
    r"|(?:what|which) (?:conference|journal|venue)\b",
    "affiliations": r"affiliat(?:ed|ions?)\b"
    r"|(?:which|what) (?:universit\w+|institut\w+|labs?)\b.*\b(?:authors?|wrote)\b",
    "number of citations": r"how (?:many times|often)\b.*\bcited\b|how many citations (?:does|has|did)\b",
}
_ASKS_RECORD = {field: re.compile(rf"\b(?:{pattern})", re.I) for field, pattern in _OF_RECORD.items()}
_BACKGROUND = re.compile(
    r"\b(?:why|problems?|limit\w*|drawback\w*|challeng\w*|motivat\w*|existing|prior|earlier|previous\w*|obstacle\w*"
    r"|weakness\w*|issues?|shortcoming\w*|hard|difficult\w*|poor|caus\w+|wrong|fail\w*|suffer\w*|lack\w*|flaw\w*)\b",
    re.I,
)
_HOW = re.compile(
    r"\bhow (?:do|does|is|are|can|did|to)\b|\b(?:explain|procedure|mechanism|in what way|by (?:what|which)|walk me)\b",
    re.I,
)
_OVERVIEW = re.compile(
    r"^\W*(?:what(?:'s| is| are|s) (?!the\b)(?:\S+ ?){1,8}\W*$"
    r"|(?:tell me about|summari[sz]e|describe|introduce|explain)\b"
    r"|what (?:do|does) (?:\S+ ){1,6}(?:do|propose)\W*$)",
    re.I,
)


def clean_question(text: str, max_chars: int, what: str = "question") -> str:
    """Return ``text``, which is ``what``, on one line without control characters.

    Raises InputError when nothing is left or it is longer than ``max_chars``.
    """
    text = re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", text)  # colours and cursor moves of a terminal
    visible = "".join(" " if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} else char for char in text)
    question = " ".join(visible.split())
    if not question:
        raise InputError(f"the {what} is empty; type a {what} about the indexed papers")
    if len(question) > max_chars:
        raise InputError(f"the {what} has {len(question):,} characters; at most {max_chars:,} are allowed")
    return question


def read_question(text: str) -> Question:
    """Return what ``text`` asks for. Any text can be read; one with no content words has no ``words``."""
    found = [(match.start(), match.end()) for match in _WORD.finditer(text)]
    words = tuple((start, end) for start, end in found if not (is_generic(text[start:end]) or _LINK.match(text, start)))
    names = tuple(
        dict.fromkeys(text[start:end].removesuffix("'s") for start, end in words if is_coined(text[start:end]))
    )
    kind: Kind = "single"
    if _COMPARE.search(text):
        kind = "compare"
    elif _WHICH.search(text):
        kind = "which"
    return Question(
        text=text,
        kind=kind,
        words=words,
        phrases=tuple(_phrases(text, words)),
        names=names,
        wants_figure=bool(_FIGURE.search(text)),
        wants_link=bool(_LINK.search(text)),
        wants_background=bool(_BACKGROUND.search(text)),
        wants_method=bool(_HOW.search(text)),
        wants_overview=bool(_OVERVIEW.search(text)),
        of_record=tuple(field for field, asked in _ASKS_RECORD.items() if asked.search(text)),
    )


def is_generic(word: str) -> bool:
    """Tell whether ``word`` only asks, points or links."""
    lower = word.lower().replace("’", "'")
    return lower in _GENERIC or lower.removesuffix("'s") in _GENERIC


def is_coined(word: str) -> bool:
    """Tell whether ``word`` is a made-up one, such as LiNeS, GPT-4 or PC-DARTS's."""
    return bool(_COINED.fullmatch(word.removesuffix("'s")))


def _phrases(text: str, words: tuple[tuple[int, int], ...]) -> list[str]:
    """Return runs of content words with nothing but blanks between them."""
    runs: list[list[int]] = []
    for start, end in words:
        if runs and not text[runs[-1][1] : start].strip():
            runs[-1][1] = end
        else:
            runs.append([start, end])
    return list(dict.fromkeys(text[start:end] for start, end in runs))
