"""Read a question: what it asks for, one thing or several, and which of its words say what it is about.

Knows words that say nothing; knows nothing of papers, vectors or earlier turns.
"""

import re
import unicodedata
from dataclasses import replace
from itertools import takewhile

from chatbot.errors import InputError
from chatbot.intents import asks_link, find_fields, find_kind, find_wants, split_parts
from chatbot.records import Kind, Question

_WORD = re.compile(r"[^\W_](?:[\w@%+]|[-.'’/](?=\w))*")
# Words that ask, point or link, and words about papers as such: they say nothing of a paper's subject.
_GENERIC = frozenset(
    """
    a about abstract abstracts actually after again all already also am among an and another any anybody anyone
    anything approach approaches are article articles as at author authors b based be because been before being
    between bit both btw but by call called can cannot cant collection compare compared contrast could deal
    dealing deals describe did diff differ difference different diffs do does doesnt done dont down each either
    else every everybody everyone everything exist exists explain find for from get gets give given go goes
    gonna got had has have having he help her here his how however hows i if in indexed into is isnt it its
    just kind know less let lets like list literature look looking looks made make makes many me meant mention
    mentioned more most much my name need no nor not now of off ok okay on one ones only or other others our
    out over own paper papers per please pls point present presented presents propose proposed proposes
    publication publications rather really report reported reporting reports s same say says see seriously she
    should show shows so some somebody someone something sorry sort studied studies study such summarise
    summarised summarize summary tell than thanks that the their them then there these they thing things this
    those though through to too two under up use used uses using versus very via vs w walk wanna want was way
    ways we well were what what's whats when where whether which while who whom whose why will with within
    without work working works would wrote yes yet you your
    """.split()
)
_COINED = re.compile(r"(?=[\w.+-]*$)[\w-]*(?:[A-Z][\w-]*[A-Z0-9]|[a-z][A-Z]|[A-Za-z]-?\d)[\w.+-]*")
_HOW_MANY = re.compile(
    r"(?:\bhow many|\b(?:what|which) number of|\bwhat(?:'s| is| was| are| were) the (?:number|count|amount) of"
    r"|^\W*number of)"
    r" ((?:[\w/-]+ ?){1,6})",
    re.I,
)
_PLURAL = re.compile(r"[^s]s$|^(?:people|children|criteria|corpora)$", re.I)
_UNITS = {"times", "percent", "percentage", "fold", "seconds", "minutes", "hours", "days", "bits", "bytes"}


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
    kind = find_kind(text, len({_name(word) for word in _WORD.findall(text) if is_coined(word)}))
    whole = _read(text, 0, len(text), kind)
    places = split_parts(text)
    if places and find_fields(front := text[: places[0][0]]):  # as in "give me the authors and how fast it is"
        places.insert(0, (0, len(front)))
    parts = tuple(_read(text, start, end, kind) for start, end in places)
    if len(parts) < 2:
        return whole
    of_record = whole.of_record if all(part.of_record for part in parts) else ()
    return replace(whole, parts=parts, of_record=of_record)


def take_as(kind: Kind, question: Question) -> Question:
    """Return ``question`` as one of another ``kind``."""
    return replace(question, kind=kind, parts=tuple(replace(part, kind=kind) for part in question.parts))


def _read(whole: str, first: int, last: int, kind: Kind) -> Question:
    """Return what the part of ``whole`` from ``first`` to ``last`` asks for."""
    text = whole[first:last]
    found = [match.span() for match in _WORD.finditer(text)]
    # Of which papers have code, "code" is the subject.
    says_nothing = [is_generic(text[a:b]) or (kind != "which" and asks_link(text, a)) for a, b in found]
    words = tuple(place for place, nothing in zip(found, says_nothing, strict=True) if not nothing)
    names = dict.fromkeys(_name(text[start:end]) for start, end in words if is_coined(text[start:end]))
    return Question(
        text=text,
        kind=kind,
        words=tuple((first + start, first + end) for start, end in words),
        phrases=tuple(_phrases(text, words)),
        names=tuple(names),
        wants=find_wants(text),
        of_record=find_fields(text),
        counted=_find_counted(text),
    )


def _find_counted(text: str) -> str:
    """Return the word for the things whose number is asked for; nothing for a unit, which has other spellings."""
    asked = _HOW_MANY.search(text)
    words: list[str] = list(takewhile(lambda word: not is_generic(word), asked[1].split())) if asked else []
    if not words or words[0].lower() in _UNITS | {"points"}:  # of a score, and not those of a cloud
        return ""
    noun = next(filter(_PLURAL.search, words), words[-1])
    return "" if noun.lower() in _UNITS else re.split("[-/]", noun)[-1]


def _name(word: str) -> str:
    """Return a coined word without its genitive, and an acronym without the s of its plural."""
    name = _without_genitive(word)
    return name[:-1] if name.endswith("s") and name[:-1].isalpha() and name[:-1].isupper() else name


def is_generic(word: str) -> bool:
    """Tell whether ``word`` only asks, points or links."""
    lower = word.lower().replace("’", "'")
    return lower in _GENERIC or lower.removesuffix("'s") in _GENERIC or lower.endswith("n't")


def is_coined(word: str) -> bool:
    """Tell whether ``word`` is a made-up one, such as LiNeS, GPT-4 or PC-DARTS's."""
    return bool(_COINED.fullmatch(_without_genitive(word)))


def _without_genitive(word: str) -> str:
    return word.removesuffix("'s").removesuffix("’s")


def _phrases(text: str, words: tuple[tuple[int, int], ...]) -> list[str]:
    """Return runs of content words with nothing but blanks between them."""
    runs: list[list[int]] = []
    for start, end in words:
        if runs and not text[runs[-1][1] : start].strip():
            runs[-1][1] = end
        else:
            runs.append([start, end])
    return list(dict.fromkeys(text[start:end] for start, end in runs))
