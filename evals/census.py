"""Count the question set as a whole: types and splits, coverage of the papers, names given away, words taken over.

Knows questions and papers; knows nothing of the rules that the counts are held to.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from chatbot.records import Paper
from evals.questions import Sample

GRAM = 5
_WORD = re.compile(r"\w+(?:[.-]\w+)*")
# A word that somebody coined: a capital or a digit after its first character, and a letter in it.
_COINED = re.compile(r"(?=.*[A-Za-z])[\w.-]+[A-Z0-9][\w.-]*")


@dataclass(frozen=True, slots=True)
class Census:
    """The set as a whole.

    ``counts`` are questions by type and split. ``unnamed`` is the share of the answerable questions that do not name
    the work, ``covered`` how many questions each paper has, ``overlap`` by question the largest share of its runs of
    five words that stands in one relevant paper.
    """

    counts: Mapping[tuple[str, str], int]
    unnamed: float
    covered: Mapping[str, int]
    overlap: Mapping[str, float]

    def total(self, type: str = "", split: str = "") -> int:
        """Return how many questions there are, of one type or all, of one split or both."""
        return sum(n for (of_type, part), n in self.counts.items() if type in ("", of_type) and split in ("", part))


def take_census(samples: Sequence[Sample], papers: Mapping[str, Paper]) -> Census:
    """Return what the set counts; ``papers`` are the corpus by id."""
    answerable = [sample for sample in samples if sample.expected == "answered"]
    holders = Counter(name for paper in papers.values() for name in _coined_names(paper))
    common = {name for name, count in holders.items() if count > 1}
    unnamed = [not _names_a_paper(sample, relevant_papers(sample, papers), common) for sample in answerable]
    asked = Counter(key for sample in answerable for key in sample.papers)
    return Census(
        counts=Counter((sample.type, sample.split) for sample in samples),
        unnamed=sum(unnamed) / max(len(unnamed), 1),
        covered={key: asked[key] for key in papers},
        overlap={sample.id: _overlap(sample, relevant_papers(sample, papers)) for sample in samples},
    )


def relevant_papers(sample: Sample, papers: Mapping[str, Paper]) -> list[Paper]:
    """Return those relevant papers of ``sample`` that are there, its carrier among them when it is relevant."""
    known = {**papers, sample.carrier.id: sample.carrier} if sample.carrier else papers
    return [known[key] for key in sample.papers if key in known]


def _coined_names(paper: Paper) -> set[str]:
    """Return the coined words of a paper and its runs of three capitalised words, such as a method's full name."""
    words = _WORD.findall(paper.text)
    runs = zip(words, words[1:], words[2:], strict=False)
    names = [word for word in words if _COINED.fullmatch(word)]
    names += [" ".join(run) for run in runs if all(word[0].isupper() for word in run)]
    return set(map(_spell, names))


def _names_a_paper(sample: Sample, relevant: Sequence[Paper], common: Collection[str]) -> bool:
    """Tell whether a turn holds a paper's title, the name before its colon, or a coined name that it alone has."""
    names = {_spell(name) for paper in relevant for name in (paper.name, paper.title)}
    names |= {name for paper in relevant for name in _coined_names(paper)} - set(common)
    return any(f" {name} " in f" {_spell(turn)} " for turn in sample.turns for name in names)


def _spell(text: str) -> str:
    """Return the words of ``text`` in small letters, without a plural's ending, between single blanks."""
    return " ".join(word.lower().removesuffix("s") for word in _WORD.findall(text))


def _overlap(sample: Sample, relevant: Sequence[Paper]) -> float:
    shares = [0.0]
    for turn in sample.turns:
        asked = _runs(turn)
        shares += [len(asked & _runs(paper.text)) / max(len(asked), 1) for paper in relevant]
    return max(shares)


def _runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[at : at + GRAM]) for at in range(len(words) - GRAM + 1)}
