"""What a language model claims, what it was shown, and what the check found.

Knows only data; knows nothing of how claims are read, checked or shown.
"""

from dataclasses import dataclass

from chatbot.answers import Verdict
from chatbot.records import Paper, Span


@dataclass(frozen=True, slots=True)
class Mark:
    """A place that a model cites: the number of a paper, and of a sentence in it, None for the paper as a whole."""

    paper: int
    sentence: int | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of a model's answer without its marks; ``bullet`` and ``new_line`` say how it was laid out."""

    text: str
    marks: tuple[Mark, ...]
    bullet: bool = False
    new_line: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """A paper as a model is shown it: ``number`` from 1, and its sentences, numbered from 1 too."""

    number: int
    paper: Paper
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """A claim with what the check found: where it stands (paper and sentence), or why it does not pass.

    ``moved`` marks a claim that another passage than the cited one supports.
    """

    claim: Claim
    verdict: Verdict
    sources: tuple[tuple[Paper, Span], ...] = ()
    reason: str = ""
    moved: bool = False
