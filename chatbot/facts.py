"""Find in a sentence what must not change when it is reworded: figures, names, negations and strong words.

Knows English scientific prose; knows nothing of papers, models or verdicts. Each ``…_missing`` or ``…_conflict``
function compares a claim with the text it cites and returns what does not agree, in words for the reader.
"""

import re
from dataclasses import dataclass

_SCALES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9, "billion": 1e9, "trillion": 1e12}
_UNITS = {
    "%": "%", "percent": "%", "per cent": "%", "percentage points": "%", "points": "%",
    "x": "x", "×": "x", "times": "x", "fold": "x", "-fold": "x",
    "ms": "ms", "milliseconds": "ms", "s": "s", "sec": "s", "second": "s", "seconds": "s", "minutes": "min",
    "hours": "h", "days": "d", "mb": "MB", "gb": "GB", "tb": "TB",
}  # fmt: skip
_NUMBER_WORDS = {
    "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "fifty": 50, "hundred": 100,
    "twice": 2, "double": 2, "doubles": 2, "doubled": 2, "two": 2, "triple": 3, "threefold": 3, "tenfold": 10,
    "half": 0.5, "halves": 0.5, "halved": 0.5, "third": 3, "thirds": 3, "quarter": 4,
}  # fmt: skip
_SOFT = {"two", "double", "twice", "half", "third", "thirds", "quarter", "hundred"}  # also used loosely
_UNIT_WORDS = "|".join(sorted(map(re.escape, [*_UNITS, *_SCALES]), key=len, reverse=True))
_FIGURE = re.compile(rf"(?<![\w.])[-+]?(\d+(?:,\d{{3}})+|\d+)(\.\d+)?\s?[\\]?(?:({_UNIT_WORDS})(?![A-Za-z]))?", re.I)
_POWER = re.compile(r"(\d+)\s*(?:\^|\*\*)\s*\{?(-?\d+)\}?")
_WITH_DIGIT = re.compile(r"(?<!\w)(?:[A-Za-z][A-Za-z/]*[-_]?\d[\w.-]*|\d+[A-Za-z]*-?D\b|[A-Za-z]+\d\w*)")
_WORD = re.compile(r"[A-Za-z][\w'’/-]*\w|[A-Za-z]")

_NEGATION = re.compile(
    r"\b(?:(?<!or )not(?! only)|no|never|none|nor|neither|cannot|without|nothing|hardly|\w+n['’]t)\b", re.I
)
# Words that say "not" in another way; near the same thing they agree with a negation.
_NEGATIVE = re.compile(
    r"\b(?:fail|lack|avoid|eliminat|remov|omit|ignor|prevent|instead|rather|unable|insufficien|absen|free|zero"
    r"|independen|irrespective|regardless|difficult|drop|avert|replac|unlike|contrary|unavailab"
    r"|unknown|unnecess|unrelia|unstabl|inaccura|indistinguish|prohibit|hinder|exclu|non|miss"
    r"|obviat|dispens|spare|unchang|neglect|overlook|struggl|refus|im(?:poss|prac)"
    r"|in(?:capab|effic|adequat|feasib|variant))\w*|-free\b|\bke(?:ep|pt)\w*\b[^.]{0,60}\bfrom\b",
    re.I,
)
_REACH = 6  # words that a negation reaches
_CLOSE = 2  # and those that it surely means
_STRONG = {
    "always": "always|invariably|all|every|any", "never": "never|not|no", "every": "every|all|each|any|across",
    "all": "all|every|each|any|entire|whole|across|both|various|arbitrary",
    "any": "any|arbitrary|every|all|each|no|not|without",
    "only": "only|sole|just|merely|single|exclusive|alone|no other|no need|without|not|instead|rather|unless|once",
    "first": "first|novel|new|initial|previously|unexplored|earliest|before|start|begin",
    "guarantee": "guarantee|prove|proof|ensure|theor",
    "guaranteed": "guarantee|prove|proof|ensure|theor",
    "guarantees": "guarantee|prove|proof|ensure|theor",
    "proves": "prove|proof|theor|guarantee|establish|show|demonstrat|lemma",
    "entirely": "entire|complete|full|whole|all|without|no|free",
    "completely": "entire|complete|full|whole|all|without|no|free",
    "perfectly": "perfect|exact|lossless", "universally": "universal|all|any",
    "impossible": "impossib|cannot|unable|infeasib|not", "best": "best|optimal|state-of-the-art|highest|top|outperform",
    "largest": "largest|biggest|most",
}  # fmt: skip
_COMPARISON = re.compile(
    r"\b(?:outperform\w*|surpass\w*|beats?|better than|worse than|superior\w*|exceed\w*|faster than|slower than"
    r"|more \w+ than|less \w+ than|fewer \w+ than|higher \w*\s?than|lower \w*\s?than|(?:larger|smaller) than"
    r"|improv\w* (?:on|over|upon)|advantage over|ahead of|dominat\w*)\b",
    re.I,
)
_AHEAD = re.compile(
    r"\b(?:(?:is|are|was|were) (?:outperformed|surpassed|beaten|exceeded) by|outperform\w*|surpass\w*|beats?"
    r"|exceed\w*|(?:better|faster|superior|more \w+) (?:than|to)|advantage over|ahead of)\b",
    re.I,
)
_COMPARES = re.compile(
    r"\b(?:outperform|surpass|beat|better|worse|superior|exceed|faster|slower|higher|lower|than|compar|improv"
    r"|advantage|state-of-the-art|best|match|competitive|compet|ahead|times|\d+x|speed|gain|reduc|excel|more|less"
    r"|fewer|baseline|against|over|versus|vs)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its unit ('' when none is written), and how it was written."""

    value: float
    unit: str
    text: str
    is_soft: bool = False


def find_figures(text: str) -> list[Figure]:
    """Return the figures of ``text``: digits and number words, but not those inside names such as CIFAR-10."""
    bare = _WITH_DIGIT.sub(lambda name: " " * len(name.group()), text.replace("\\%", "%"))
    found = [
        Figure(float(base) ** float(power), "", f"{base}^{power}")
        for base, power in _POWER.findall(bare)
        if abs(float(power)) <= 100
    ]
    for match in _FIGURE.finditer(_POWER.sub(" ", bare)):
        unit = (match[3] or "").lower()
        value = float(match[1].replace(",", "") + (match[2] or "")) * _SCALES.get(unit, 1)
        found.append(Figure(value, _UNITS.get(unit, ""), match[0].strip()))
    for match in _WORD.finditer(bare):
        if (value_of := _NUMBER_WORDS.get(match[0].lower())) is not None:
            unit = "x" if re.match(r"[ -]?(?:times|fold)", bare[match.end() :]) else ""
            found.append(Figure(float(value_of), unit, match[0], match[0].lower() in _SOFT and not unit))
    return found


def figures_missing(claim: str, source: str) -> list[str]:
    """Return the figures of ``claim`` that ``source`` does not have, with the same unit where both state one."""
    known = find_figures(source)
    return [
        figure.text
        for figure in find_figures(claim)
        if not figure.is_soft and not any(_same_figure(figure, other) for other in known)
    ]


def _same_figure(one: Figure, other: Figure) -> bool:
    same_unit = not one.unit or not other.unit or one.unit == other.unit
    return same_unit and abs(one.value - other.value) <= 1e-9 * max(abs(one.value), abs(other.value))


def find_names(text: str) -> list[str]:
    """Return the names of ``text``: coined words, acronyms, and words with a capital that do not open a sentence."""
    names = []
    for match in re.finditer(r"[^\W_][\w/+-]*(?:\.\d+)?", text):
        word = match.group().rstrip("-/+.")
        opens = not text[: match.start()].strip("\"'“‘([ ") or bool(re.search(r"[.:!?]\W*$", text[: match.start()]))
        coined = bool(re.search(r"[a-z0-9][A-Z]|[A-Z]{2}|[A-Z]\d|[A-Za-z]-?\d", word))
        if coined or (word[0].isupper() and len(word) > 1 and not opens):
            names.append(word)
    return list(dict.fromkeys(names))


def names_missing(claim: str, source: str) -> list[str]:
    """Return the names in ``claim`` that ``source`` has neither written out nor as initials."""
    known = _joined_words(source)
    short = {_squeeze(name) for name in find_names(source)}
    return [
        name
        for name in find_names(claim)
        if not _is_known(name, known) and not _has_initials(name, source) and not _spells_out(claim, name, short)
    ]


def _joined_words(text: str) -> set[str]:
    """Return the words of ``text``, and runs of two and three of them written as one: "pre training", "pretraining"."""
    words = [_squeeze(word) for word in re.findall(r"[^\W_]+", text)]
    return {"".join(words[at : at + size]) for size in (1, 2, 3) for at in range(len(words) - size + 1)}


def _is_known(name: str, known: set[str]) -> bool:
    key = _squeeze(name)
    if key in known or key.removesuffix("s") in known or f"{key}s" in known:
        return True
    if name[1:].islower() and any(word.startswith(key[: max(6, len(key) - 3)]) for word in known if len(key) > 4):
        return True
    parts = [part for part in re.split(r"[-/+]", name) if part]
    return len(parts) > 1 and all(_is_known(part, known) for part in parts)


def _has_initials(name: str, source: str) -> bool:
    """Tell whether ``name`` is an acronym of three letters or more for neighbouring words of ``source``."""
    letters = re.sub(r"[^A-Z]", "", name).lower()
    words = [word.lower() for word in re.findall(r"[A-Za-z]+", source) if len(word) > 2]
    return len(letters) >= 3 and letters in "".join(word[0] for word in words)


def _spells_out(claim: str, name: str, short: set[str]) -> bool:
    """Tell whether ``name`` is part of the spelled-out form of an acronym that the source uses."""
    words = re.findall(r"[A-Za-z]+", claim)
    for size in range(2, 6):
        for at in range(len(words) - size + 1):
            run = words[at : at + size]
            if name in run and "".join(word[0] for word in run).lower() in short:
                return True
    return False


def _squeeze(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def negation_conflict(claim: str, source: str) -> str:
    """Return what is wrong when one of the two denies what the other states, '' when nothing is.

    What a negation denies are the words behind it. Where the other text has one of them, it must have a negation,
    or a word to the same effect, near the first of them; where it has none, anywhere.
    """
    for denied, stems in _denials(claim):
        if not _is_denied(stems, source):
            return f"the passage does not say “{denied}”"
    for denied, stems in _denials(source):
        if set(stems[:_CLOSE]) & _stems(claim) and not _is_denied(stems[:_CLOSE], claim):
            return f"the passage says “{denied}”"
    return ""


def _denials(text: str) -> list[tuple[str, list[str]]]:
    """Return each negation of ``text`` with the stems of the words that it reaches, up to the end of the clause."""
    found = []
    for match in _NEGATION.finditer(text):
        clause = re.split(r"[,;:.](?:\s|$)", text[match.end() :], maxsplit=1)[0]
        stems = [word.lower()[:5] for word in _WORD.findall(clause)[:_REACH] if len(word) > 3]
        found.append((match.group(), stems))
    return found


def _stems(text: str) -> set[str]:
    return {word.lower()[:5] for word in _WORD.findall(text)}


def _is_denied(stems: list[str], text: str) -> bool:
    """Tell whether ``text`` has a negative word near the first of ``stems`` that it has, or anywhere if it has none."""
    present = _stems(text)
    first = next((stem for stem in stems if stem in present), None)
    if first is None:
        return bool(_NEGATION.search(text) or _NEGATIVE.search(text))
    words = [match.span() for match in re.finditer(r"\S+", text)]
    for found in _WORD.finditer(text):
        if found.group().lower()[:5] == first:
            at = next(index for index, (start, end) in enumerate(words) if start <= found.start() < end)
            near = text[words[max(at - _REACH, 0)][0] : words[min(at + _REACH, len(words) - 1)][1]]
            if _NEGATION.search(near) or _NEGATIVE.search(near):
                return True
    return False


def strong_words_missing(claim: str, source: str) -> list[str]:
    """Return words that claim more than ``source`` does: always, every, first, only, guaranteed and the like."""
    lower = source.lower()
    return [
        word.lower()
        for word in dict.fromkeys(_WORD.findall(claim))
        if (as_strong := _STRONG.get(word.lower())) and not re.search(rf"\b(?:{as_strong})", lower)
    ]


def comparison_conflict(claim: str, source: str) -> str:
    """Return what is wrong with a claim that one thing beats another, '' when nothing is.

    The source must compare too, and where both name the same two things, the same one must be ahead.
    """
    if not _COMPARISON.search(claim):
        return ""
    if not _COMPARES.search(source):
        return "the cited passage compares nothing"
    if (ahead := _winner(claim)) and _winner(source) == ahead[::-1]:
        return f"the passage puts {ahead[1]} ahead of {ahead[0]}"
    return ""


def _winner(text: str) -> tuple[str, str] | None:
    """Return the names before and after "outperforms" or its like, the winner first; None when it is unclear."""
    if not (verb := _AHEAD.search(text)):
        return None
    before, after = find_names(text[: verb.start()]), find_names(f"x {text[verb.end() :]}")
    if not before or not after:
        first = re.match(r"\W*([A-Z]\w+)", text)
        before = [first[1]] if first and not before else before
    if not before or not after or before[0] == after[0]:
        return None
    pair = (before[0], after[0])
    return pair[::-1] if verb.group().lower().endswith(" by") else pair
