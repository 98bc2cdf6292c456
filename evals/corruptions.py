"""Spoil true sentences in known ways, so that a checker can be tested: each corruption makes one kind of lie.

Knows claims and the papers they are about; knows nothing of how they are checked. All choices come from a seeded
generator.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random

from chatbot.facts import find_names
from chatbot.figures import find_figures
from chatbot.records import Paper

_NUMBER = re.compile(r"(?<![\w.-])\d+(?:\.\d+)?(?![\w-])")
_UNIT = re.compile(r"\s?(?:%|percent\b|[a-zA-Z-]+)")
_RANGE = re.compile(r"\W*(?:x|times)?\s*(?:to|and|-|–)\s*")
_VERB = re.compile(
    r"\b(is|are|was|were|can|will|does|do|has|have)\b(?! (?:not|no|never)\b)"
    r"|\b((?:achiev|adapt|add|allow|attain|beat|bring|captur|combin|contain|cut|depend|ensur|exceed|extend|gain"
    r"|generat|giv|improv|includ|introduc|keep|lead|learn|let|limit|mak|need|offer|outperform|preserv|prevent|process"
    r"|project|provid|reach|reduc|rel(?=i)|requir|run|sav|show|speed|support|surpass|tak|train|treat|tun|updat|us|work)"
    r"(?:e?s|ies))\b(?= \w)"
)
_DENIAL = re.compile(r"\b(?:does not|do not|is not|are not|cannot|can not|not|never|without|no)\b")
_POSITIVE = {"without": "with", "cannot": "can", "does not": "does", "do not": "do", "is not": "is", "are not": "are"}


@dataclass(frozen=True, slots=True)
class TrueClaim:
    """A sentence that its paper supports; ``start`` is where the first evidence begins in the paper's text."""

    id: str
    text: str
    paper: Paper
    start: int
    split: str


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A corrupted claim, and the paper it cites (None: one that does not exist)."""

    kind: str
    text: str
    cited: Paper | None


def swap_citation(claim: TrueClaim, others: Sequence[TrueClaim], random: Random) -> Spoilt | None:
    """Cite another paper."""
    return Spoilt("citation swapped", claim.text, random.choice(others).paper)


def invent_citation(claim: TrueClaim, others: Sequence[TrueClaim], random: Random) -> Spoilt | None:
    """Cite a paper that was never shown."""
    return Spoilt("citation invented", claim.text, None)


def change_figure(claim: TrueClaim, others: Sequence[TrueClaim], random: Random) -> Spoilt | None:
    """Change one number, keeping its form, to one that the paper does not have."""
    found = list(_NUMBER.finditer(claim.text))
    if not found:
        return None
    number, known = random.choice(found), find_figures(claim.paper.text)
    places = len(number.group().partition(".")[2])
    while True:
        value = f"{float(number.group()) * random.uniform(0.5, 2) + random.choice((1, 2, 3)):.{places}f}"
        is_written = re.search(rf"(?<![\d.]){re.escape(value)}(?!\d)", claim.paper.text)
        if not is_written and all(figure.value != float(value) for figure in known):
            text = claim.text[: number.start()] + value + claim.text[number.end() :]
            return Spoilt("figure changed", text, claim.paper)


def negate(claim: TrueClaim, others: Sequence[TrueClaim], random: Random) -> Spoilt | None:
    """Put a "not" where there is none, or take one away."""
    if denial := _DENIAL.search(claim.text):
        word = _POSITIVE.get(denial.group(), "")
        text = " ".join((claim.text[: denial.start()] + word + claim.text[denial.end() :]).split())
        return Spoilt("negated", text, claim.paper)
    if not (verb := _VERB.search(claim.text)):
        return None
    word = verb.group()
    negated = f"{word} not" if verb[1] else f"does not {re.sub(r'(?<=sh|ch|ss)es$|s$', '', word)}"
    return Spoilt("negated", claim.text[: verb.start()] + negated + claim.text[verb.end() :], claim.paper)


def swap_name(claim: TrueClaim, others: Sequence[TrueClaim], random: Random) -> Spoilt | None:
    """Put the name of another paper's method in the place of this one's."""
    own = claim.paper.name
    rivals = [other.paper.name for other in others if other.paper.name != other.paper.title]
    rivals = [name for name in rivals if name.lower() not in claim.paper.text.lower()]
    spoken = own if own in claim.text else next((n for n in find_names(claim.text) if n in claim.paper.title), "")
    if not spoken or not rivals:
        return None
    return Spoilt("name swapped", claim.text.replace(spoken, random.choice(rivals)), claim.paper)


def merge_claims(claim: TrueClaim, others: Sequence[TrueClaim], random: Random) -> Spoilt | None:
    """Add what another paper found, citing only this one."""
    other = random.choice(others).text
    return Spoilt("papers merged", f"{claim.text.rstrip('.')}, and {other[0].lower()}{other[1:]}", claim.paper)


def exchange_figures(claim: TrueClaim, others: Sequence[TrueClaim], random: Random) -> Spoilt | None:
    """Exchange two figures of one unit in a claim with two names; the ends of a range stay."""
    found = [(match, match.end(), _UNIT.match(claim.text, match.end())) for match in _NUMBER.finditer(claim.text)]
    pairs = [
        (one, two)
        for (one, end, unit), (two, _, other) in combinations(found, 2)
        if one.group() != two.group()
        and (unit and other and unit.group().strip() == other.group().strip())
        and not _RANGE.fullmatch(claim.text[end : two.start()])
    ]
    if not pairs or len(find_names(claim.text)) < 2:
        return None
    one, two = random.choice(pairs)
    between = claim.text[one.end() : two.start()]
    text = claim.text[: one.start()] + two.group() + between + one.group() + claim.text[two.end() :]
    return Spoilt("figures exchanged", text, claim.paper)


CORRUPTIONS = (swap_citation, invent_citation, change_figure, exchange_figures, negate, swap_name, merge_claims)


def spoil(claims: Sequence[TrueClaim], rounds: int = 3, seed: int = 0) -> list[tuple[TrueClaim, Spoilt]]:
    """Return the different results of ``rounds`` of every corruption of every claim that it can be applied to."""
    random = Random(seed)
    found: dict[tuple[str, Spoilt], tuple[TrueClaim, Spoilt]] = {}
    for claim in claims:
        others = [other for other in claims if other.paper.id != claim.paper.id]
        for corrupt in CORRUPTIONS * rounds:
            spoilt = corrupt(claim, others, random)
            if spoilt and (spoilt.text, spoilt.cited) != (claim.text, claim.paper):
                found[claim.id, spoilt] = (claim, spoilt)
    return list(found.values())
