"""Find things that a claim has exchanged: which figure belongs to which, who does what to whom.

Knows the order of words in English sentences; knows nothing of what the words mean. Only words that both texts have,
once each, are compared, so that a claim in quite other words passes.
"""

import re
from collections import Counter
from dataclasses import dataclass
from itertools import combinations

from chatbot.figures import find_figures

_WORD = re.compile(r"[A-Za-z][\w'’+-]*\w")
_JOINED = re.compile(r"\W*(?:and|or|vs\.?|versus)\W*", re.I)
_COMPARED = re.compile(r"\b(?:over|than|against|versus|vs|compared|outperform\w*|surpass\w*|beats?|exceeds?)\b", re.I)
_PARENTHESIS = re.compile(r"\([^()]*\)")
_OBJECT = re.compile(r" (?:by )?(?:the|an?|its|their|our|all|other|another|each|most|[A-Z])\b|(?: \w+ly)? by\b| [A-Z]")
_BY = re.compile(r"(?: \w+ly)? by\b")
_SMALL = frozenset(
    """
    the a an of to and or by its their our this that these those which who where when than then as is are was were be
    been can will not also only from with into both each all some any it they we such most more other
    """.split()
)  # words that do not make things alike when they stand beside them, nor are compared themselves
_PLACES = frozenset("in on at under over for per using after before against".split())  # these, only when before them
_STEM = 5
_REACH = 60  # characters on each side of a verb in which the one who does it, and what it is done to, stand


@dataclass(frozen=True, slots=True)
class _Item:
    """A word or a figure of a text: a key that is the same in other texts, and what stands before and behind it.

    ``unit`` is that of a figure, None for words.
    """

    key: str
    start: int
    end: int
    before: str
    behind: str
    unit: str | None


def exchange_conflict(claim: str, source: str) -> str:
    """Return what ``claim`` says the other way round than a sentence of ``source``, '' when there is nothing."""
    own = _read(claim)
    for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z(])", source):
        other = _read(sentence)
        shared = [key for key in own if key in other]
        if found := _find_exchanged(claim, own, sentence, other, shared):
            return f"the passage has “{found[0]}” and “{found[1]}” the other way round"
        if verb := _find_reversed(claim, own, sentence, other, shared):
            return f"the passage has “{verb}” the other way round"
    return ""


def _read(text: str) -> dict[str, _Item]:
    """Return the words of more than three letters and the figures that stand in ``text`` once, in their order."""
    words = [
        (m.group().lower()[:_STEM], m.start(), m.end())
        for m in _WORD.finditer(text)
        if m.group().lower() not in _SMALL and (len(m.group()) > 3 or m.group().isupper())
    ]
    figures = find_figures(text)
    places = [(figure.start, figure.start + len(figure.text)) for figure in figures]
    words = [word for word in words if not any(start <= word[1] < end for start, end in places)]
    units = {f"{figure.value:g}": figure.unit for figure in figures}
    items = [*words, *((f"{figure.value:g}", *place) for figure, place in zip(figures, places, strict=True))]
    counts = Counter(key for key, _, _ in items)
    found = {}
    for key, start, end in sorted(items, key=lambda item: item[1]):
        if counts[key] == 1:
            before, behind = re.search(r"([\w-]+) $", text[:start]), re.match(r" ([\w-]+)", text[end:])
            found[key] = _Item(key, start, end, _alike(before), _alike(behind, _PLACES), units.get(key))
    return found


def _alike(found: re.Match[str] | None, no: frozenset[str] = frozenset()) -> str:
    return "" if not found or found[1].lower() in _SMALL | no else found[1].lower()


def _find_exchanged(
    claim: str, own: dict[str, _Item], source: str, other: dict[str, _Item], shared: list[str]
) -> tuple[str, str] | None:
    """Return two alternatives that go with each other's counterparts: "A on X, B on Y" for "B on X, A on Y"."""
    pairs = [
        (one, two)
        for one, two in combinations(shared, 2)
        if _are_alternatives(claim, own[one], own[two]) or _are_alternatives(source, other[one], other[two])
    ]
    kept = [other[one].start < other[two].start for one, two in pairs]
    for (pair, same), (rest, also) in combinations(zip(pairs, kept, strict=True), 2):
        if same != also and not set(pair) & set(rest) and _interleave(own, pair, rest):
            left, right = own[pair[0]], own[pair[1]]
            return claim[left.start : left.end], claim[right.start : right.end]
    return None


def _are_alternatives(text: str, one: _Item, two: _Item) -> bool:
    """Tell whether two items are of one kind: figures, joined by "and", compared names, or with the same neighbour."""
    if one.unit is not None or two.unit is not None:
        return one.unit == two.unit
    if one.behind == two.behind != "" or one.before == two.before != "":
        return True
    first, last = sorted((one, two), key=lambda item: item.start)
    between = _PARENTHESIS.sub("", text[first.end : last.start])
    are_names = all(re.search("[A-Z]{2}|[a-z][A-Z]", text[item.start : item.end]) for item in (one, two))
    return bool(_JOINED.fullmatch(between) or (are_names and _COMPARED.search(between)))


def _interleave(items: dict[str, _Item], pair: tuple[str, str], rest: tuple[str, str]) -> bool:
    """Tell whether one of each pair stands before the others: "A on X, B on Y" or "A and B on X and Y"."""
    return max(items[pair[0]].start, items[rest[0]].start) < max(items[pair[1]].start, items[rest[1]].start)


def _find_reversed(claim: str, own: dict[str, _Item], source: str, other: dict[str, _Item], shared: list[str]) -> str:
    """Return the verb whose two sides are exchanged, unless one of the texts has it in the passive."""
    for verb in shared:
        word = claim[own[verb].start : own[verb].end]
        ends = claim[own[verb].end :], source[other[verb].end :]
        if not word.islower() or word.endswith("ing") or not all(_OBJECT.match(end) for end in ends):
            continue
        in_claim, in_source = _sides(own, shared, verb), _sides(other, shared, verb)
        kept = in_claim[0] & in_source[0] or in_claim[1] & in_source[1]
        turned = in_claim[0] & in_source[1] and in_claim[1] & in_source[0]
        passive = bool(_BY.match(ends[0])) != bool(_BY.match(ends[1]))
        if turned and not kept and not passive:
            return word
    return ""


def _sides(items: dict[str, _Item], shared: list[str], verb: str) -> tuple[set[str], set[str]]:
    middle = items[verb]
    before = {key for key in shared if middle.start - _REACH <= items[key].start < middle.start}
    return before, {key for key in shared if middle.end <= items[key].start <= middle.end + _REACH}
