"""Find the figures of a sentence, with their units, and which of them the text that it cites does not have.

Knows how English scientific prose writes numbers; knows nothing of what they measure (see ``exchange``).
"""

import re
from dataclasses import dataclass

_SCALES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9, "billion": 1e9, "trillion": 1e12}
_UNITS = {
    "%": "%", "percent": "%", "per cent": "%", "percentage points": "%", "points": "%",
    "x": "x", "×": "x", "times": "x", "fold": "x", "-fold": "x",
    "ms": "ms", "milliseconds": "ms", "s": "s", "sec": "s", "second": "s", "seconds": "s", "minute": "min",
    "minutes": "min", "hour": "h", "hours": "h", "day": "d", "days": "d", "mb": "MB", "gb": "GB", "tb": "TB",
}  # fmt: skip
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_DIGITS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9}
_NUMBER_WORDS = _TENS | _DIGITS | {
    "single": 1, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19, "hundred": 100,
    "twice": 2, "double": 2, "doubles": 2, "doubled": 2, "triple": 3, "threefold": 3, "tenfold": 10,
    "half": 0.5, "halves": 0.5, "halved": 0.5, "third": 3, "thirds": 3, "quarter": 4,
}  # fmt: skip
_SOFT = {"one", "single", "two", "double", "twice", "half", "third", "thirds", "quarter", "hundred"}  # used loosely too
_UNIT_WORDS = "|".join(sorted(map(re.escape, [*_UNITS, *_SCALES]), key=len, reverse=True))
_FIGURE = re.compile(rf"(?<![\w.])[-+]?(\d+(?:,\d{{3}})+|\d+)(\.\d+)?\s?[\\]?(?:({_UNIT_WORDS})(?![A-Za-z]))?", re.I)
_WORDED = re.compile(
    rf"\b({'|'.join(_NUMBER_WORDS)})(?:-({'|'.join(_DIGITS)}))?\b"
    rf"(?: ({'|'.join(_SCALES)})\b)?([ -]?(?:times|fold)\b)?",
    re.I,
)
_WORDS_BEFORE, _WORDS_BEHIND, _STEM = 5, 2, 6  # of what is counted; and letters that forms of a word share
_ONE_UNIT = re.compile(r"\ban? (second|minute|hour|day)\b", re.I)
_HEDGE = re.compile(r"\b(?:about|around|roughly|approximately|nearly|almost|some|circa|ca\.)\s*$|[~≈]\s*$", re.I)
_POWER = re.compile(r"(\d+)\s*(?:\^|\*\*)\s*\{?(-?\d+)\}?")
_WITH_DIGIT = re.compile(r"(?<!\w)(?:[A-Za-z][A-Za-z/]*[-_]?\d[\w.-]*|\d+[A-Za-z]*-?D\b|[A-Za-z]+\d\w*)")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its unit ('' when none is written), how it was written, and where; ``is_soft``: loosely meant."""

    value: float
    unit: str
    text: str
    start: int
    is_soft: bool = False


def find_figures(text: str) -> list[Figure]:
    """Return the figures of ``text``: digits and number words, but not those inside names such as CIFAR-10."""
    bare = _WITH_DIGIT.sub(_blank, text.replace("\\%", " %"))
    found = [
        Figure(float(match[1]) ** float(match[2]), "", f"{match[1]}^{match[2]}", match.start())
        for match in _POWER.finditer(bare)
        if abs(float(match[2])) <= 100
    ]
    for match in _FIGURE.finditer(_POWER.sub(_blank, bare)):
        unit = (match[3] or "").lower()
        value = float(match[1].replace(",", "") + (match[2] or "")) * _SCALES.get(unit, 1)
        found.append(Figure(value, _UNITS.get(unit, ""), match[0].strip(), match.start()))
    return [*found, *_find_words(bare)]


def _find_words(text: str) -> list[Figure]:
    """Return the figures written as words: twenty-two, ten million, three times, a second."""
    found = []
    for match in _WORDED.finditer(text):
        first, second, scale, unit = (part.lower() for part in match.groups(""))
        value = _NUMBER_WORDS[first] + _NUMBER_WORDS.get(second, 0)
        is_soft = first in _SOFT and not unit and not scale
        found.append(Figure(value * _SCALES.get(scale, 1), "x" if unit else "", match[0], match.start(), is_soft))
    for match in _ONE_UNIT.finditer(text):
        found.append(Figure(1.0, _UNITS[f"{match[1].lower()}s"], match[0], match.start(), is_soft=True))
    return found


def has_count(text: str, noun: str) -> bool:
    """Tell whether a figure stands in ``text`` up to five words before a form of ``noun``, or right behind it."""
    words, figures = list(re.finditer(r"[\w.,%']+", text)), find_figures(text)
    near = [
        (words[max(at - _WORDS_BEFORE, 0)].start(), words[min(at + _WORDS_BEHIND, len(words) - 1)].end())
        for at, word in enumerate(words)
        if _stem(word[0]) == _stem(noun)
    ]
    return any(first <= figure.start < last for figure in figures for first, last in near)


def _stem(word: str) -> str:
    plain = word.lower().strip(".,'")
    return re.sub(r"ies$", "y", re.sub(r"(?<=ss|sh|ch|.x)es$|(?<!s)s$", "", plain))[:_STEM]


def figures_missing(claim: str, source: str) -> list[str]:
    """Return the figures of ``claim`` that ``source`` does not have, with the same unit where both state one.

    A figure that the claim calls approximate may be a rounded one of the source.
    """
    known = find_figures(source)
    return [
        figure.text
        for figure in find_figures(claim)
        if not figure.is_soft and not any(same_figure(figure, other, _is_hedged(claim, figure)) for other in known)
    ]


def same_figure(one: Figure, other: Figure, rounded: bool = False) -> bool:
    """Tell whether two figures are the same, or ``one`` is ``other`` ``rounded`` to as many decimals as it has."""
    if one.unit and other.unit and one.unit != other.unit:
        return False
    if rounded and one.value == round(other.value, len(one.text.partition(".")[2].rstrip("% "))):
        return True
    return abs(one.value - other.value) <= 1e-9 * max(abs(one.value), abs(other.value))


def _is_hedged(text: str, figure: Figure) -> bool:
    return bool(_HEDGE.search(text[: figure.start]))


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())
