"""Find the papers that a name means: a title or a part of it, an id, a coined name, a description, a place.

Knows papers and words; knows nothing of how the candidates were found or what they are named for.
"""

import re
from collections.abc import Sequence

from chatbot.comparing.requests import count_off, read_choice
from chatbot.questions import is_coined
from chatbot.records import Paper

STEM = 5  # letters that say that two words are forms of one
LEAST_COVERAGE = 0.75  # of a description's words, those that a paper must hold; in its title they count in full
IN_ABSTRACT = 0.7
CLEAR_LEAD = 0.15
MOST_MISSED = 0.5  # of a topic's words; "federated learning" is not spoken of where only learning is
MOST_CHOICES = 6
_FURNITURE = frozenset(
    "a about an and are by for from in is it its of on one ones paper papers study work works method that the this to"
    " uses using use which with article approach i meant mean dealing deals introduces proposes".split()
)
_SAYS_PAPER = re.compile(r"\b(?:papers?|ones?|work|study|article)\b", re.I)
_COINS = re.compile(
    r"\b(?:call(?:ed|ing)?|dubbed|term(?:ed|ing)?|named|naming|coined|propos(?:e|es|ing)|introduc(?:e|es|ing)"
    r"|present(?:s|ing)?|develop(?:s|ing)?|design(?:s|ing)?|devis(?:e|es|ing)|refer|is a (?:new|novel|simple))\b",
    re.I,
)
_LISTS = re.compile(
    r"\b(?:such as|e\.g\.|like|including|than|compared|over|outperform\w*|unlike|based on|existing)\b", re.I
)


def find_named(name: str, papers: Sequence[Paper]) -> list[Paper]:
    """Return the papers that ``name`` can mean, best first: one when it is clear, none when nothing fits."""
    words = [word for word in name.split() if word.lower() not in _FURNITURE]
    if len(words) == 1 and is_coined(words[0]):  # "the CCL paper"
        name = words[0]
    for rule in (_is_exactly, _is_exactly_in_any_case, _coins, _has_in_title):
        if found := [paper for paper in papers if rule(name, paper)]:
            return found[:MOST_CHOICES]
    return [] if is_coined(name) else _find_described(name, papers)


def pick_named(name: str, papers: Sequence[Paper]) -> list[Paper]:
    """Return those of a few papers that ``name`` fits best: several only when it fits them equally."""
    begun = [paper for paper in papers if len(name) > 2 and paper.name.lower().startswith(name.lower())]
    if found := find_named(name, papers) or begun:  # YOLO is YOLOv9 where no other row is
        return found
    scores = [_cover(_stems(name), paper) for paper in papers]
    best = max(scores, default=0.0)
    return [paper for paper, score in zip(papers, scores, strict=True) if best > 0 and score == best]


def rows_called(name: str, papers: Sequence[Paper]) -> Sequence[Paper]:
    """Return those of ``papers`` that ``name`` means, which may be places, as in "second one" and "last two"."""
    if counted := count_off(name, papers):
        return counted
    at = read_choice(name, len(papers))
    return pick_named(name, papers)[:1] if at is None else papers[at : at + 1]


def keep_about(topic: str, papers: Sequence[Paper]) -> list[Paper]:
    """Return those of ``papers`` that speak of most of ``topic`` in so many words; all, when fewer than two do."""
    kept = [paper for paper in papers if _cover(_stems(topic), paper) > MOST_MISSED] if _stems(topic) else []
    return kept if len(kept) > 1 else list(papers)


def _is_exactly(name: str, paper: Paper) -> bool:
    return name in {paper.id, paper.name} or _plain(name) == _plain(paper.title)


def _is_exactly_in_any_case(name: str, paper: Paper) -> bool:
    return _plain(name) in {_plain(paper.id), _plain(paper.name)}


def _coins(name: str, paper: Paper) -> bool:
    """Tell whether ``paper`` has the one-word ``name`` in its title, or is where the abstract introduces it."""
    found = _find(name, paper.head) if is_coined(name) else None
    return found is not None and (found.start() < len(paper.title) or introduces(paper, name))


def introduces(paper: Paper, name: str) -> bool:
    """Tell whether the abstract of ``paper`` gives the ``name`` to something."""
    if (found := _find(name, paper.head, len(paper.title))) is None:
        return False
    opened = max(paper.head.rfind(". ", 0, found.start()), len(paper.title))
    before = paper.head[opened : found.start()]
    cues = list(_COINS.finditer(before))
    return bool(cues) and not _LISTS.search(before[cues[-1].end() :])


def _has_in_title(name: str, paper: Paper) -> bool:
    """Tell whether the words of ``name`` stand side by side in the title."""
    words = [word for word in _plain(name).split() if word not in _FURNITURE]
    return len(words) > 1 and f" {' '.join(words)}" in f" {_plain(paper.title)}"


def _find_described(name: str, papers: Sequence[Paper]) -> list[Paper]:
    stems = _stems(name)
    if not stems or (len(stems) == 1 and not _SAYS_PAPER.search(name)):  # "weights" names no paper
        return []
    scores = [_cover(stems, paper) for paper in papers]
    best = max(scores, default=0.0)
    if best < LEAST_COVERAGE:
        return []
    near = [paper for paper, score in zip(papers, scores, strict=True) if score > best - CLEAR_LEAD]
    return near[:MOST_CHOICES]


def _cover(stems: Sequence[str], paper: Paper) -> float:
    """Return how much of ``stems`` the paper holds, from 0 to 1."""
    title, text = set(_stems(paper.title)), set(_stems(paper.head))
    return sum(1.0 if stem in title else IN_ABSTRACT * (stem in text) for stem in stems) / max(len(stems), 1)


def _stems(text: str) -> list[str]:
    words = [word for word in _plain(text).split() if word not in _FURNITURE]
    return list(dict.fromkeys(word.removesuffix("s")[:STEM] for word in words))


def _find(name: str, text: str, start: int = 0) -> re.Match[str] | None:
    return re.compile(rf"(?<![\w-]){re.escape(name)}s?(?!\w)").search(text, start)


def _plain(text: str) -> str:
    """Return the words of ``text`` in lower case with single blanks between them."""
    return " ".join(re.findall(r"[^\W_]+", text.lower()))
