"""Choose the sentence of an abstract that fills a cell of the grid, or none when it states nothing.

Knows what sentences about problems, methods, data, results and code look like, and the roles given to them; knows
nothing of how roles are found, of retrieval or of models.
"""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from chatbot.answers import EXTRACTIVE
from chatbot.comparison import NOT_STATED, Cell
from chatbot.figures import has_count
from chatbot.records import Match, Paper, Question, Span

SURE = 0.62  # of a free column: the probability from which a sentence is taken to state it
SURE_LISTED = 0.47  # and of a question put to every row, where to miss one is as bad as to list one too many
# Of a default column: the score from which a sentence fills it. An abstract nearly always says what it does.
LEAST = {"problem": 0.4, "approach": 0.2, "key idea": 0.2, "data": 0.5, "results": 0.3, "code": 0.5}
BACKGROUND, OBJECTIVE, METHOD, RESULT = range(4)
Matrix = npt.NDArray[np.float64]

_TROUBLE = re.compile(
    r"\b(?:however|but|challeng\w*|limit(?:s|ed|ations?)|difficult\w*|suffer\w*|lacks?|fails?|failure|unable"
    r"|unclear|cannot|costly|expensive|degrad\w+|gap|issues?|unfortunately|despite|hard|poor\w*|remains?|yet|require"
    r"|overlook\w*|ignor\w+|drawbacks?|prohibitive\w*|bottleneck|little|hinder\w*|unstable|vulnerable|important)\b",
    re.I,
)
_PROPOSES = re.compile(
    r"\b(?:we|this (?:paper|work|article|study)|authors?) (?:\w+ )?(?:propose|introduce|present|develop|design|describe"
    r"|suggest|put forward|stud(?:y|ies)|investigate|explore|examine|argue|address|frame|derive|formulate)\w*",
    re.I,
)
_EXPLAINS = re.compile(
    r"\b(?:by [a-z]+ing|specifically|consists? of|leverag\w+|exploit\w*|instead of|first(?:ly)?|key|core|novelty|idea"
    r"|insight|which (?:enables|allows)|based on|through|uses?|using|such that|so that|module|mechanism|constructs?)\b",
    re.I,
)
_DATA_NOUN = re.compile(
    r"(?<!our )(?<!new )\b(?:data-?\s?sets?|bench-?marks?|corpus|corpora|(?:test|training) sets?|collections"
    r"|real[- ]world data)\b",
    re.I,
)
_NAMED_DATA = re.compile(
    r"\b(?:on|in|from|across|over|including|as|e\.g\.,?|i\.e\.,?) (?:the )?(?:\d+ )?[A-Z][\w+-]*[A-Z\d][\w+-]*"
    r"|\([A-Z][\w+-]*[A-Z\d][\w+-]*,"
)
_MATERIAL = re.compile(
    r"\b(?:simulations?|tasks?|scenarios?|families|samples|real[- ]world|synthetic|images?|graphs?|corpora|domains)\b",
    re.I,
)
_TRIED = re.compile(
    r"\b(?:experiments?|evaluat\w+|validat\w+|verif\w+|demonstrat\w+|tested|conducted|outperform\w*|achiev\w+|improv\w+"
    r"|empirical\w*|surpass\w*|compar\w+|applied|applying|trained)\b",
    re.I,
)
_GAINS = re.compile(
    r"\b(?:results?|outperform\w*|achiev\w+|demonstrat\w+|shows? that|improv\w+|state-of-the-art|sota|surpass\w*"
    r"|superior\w*|reduc\w+|faster|better|competitive|confirms?|accuracy|we (?:prove|show|find|observe))\b",
    re.I,
)
_FIGURE = re.compile(r"\d+(?:\.\d+)?\s*(?:\\?%|x\b|×|times|points?)|\d+\.\d+|\bby up to\b")
_LINK = re.compile(r"https?://|\bgithub\b|\bwww\.|\.(?:com|org|io)/", re.I)
_CODE = re.compile(r"\b(?:codes?|implementations?|repository|software|package|toolkit)\b", re.I)
_RELEASED = re.compile(r"\b(?:availab\w+|releas\w+|open-?\s?sourc\w+|found at|public\w*|are at|is at)\b", re.I)


def fill_cell(aspect: str, paper: Paper, spans: Sequence[Span], roles: Matrix) -> Cell:
    """Return the cell of a default column; ``roles`` has the probabilities of ``spans``, shape (sentences, 5)."""
    scores = _SCORES[aspect](paper, spans, roles) if spans else np.zeros(0)
    best = int(scores.argmax()) if len(scores) else 0
    return make_cell(paper, aspect, spans[best] if len(scores) and scores[best] >= LEAST[aspect] else None)


def fill_free_cell(aspect: str, question: Question, match: Match, confidence: float, least: float = SURE) -> Cell:
    """Return the cell of any other column, from the ``match`` of its question.

    ``confidence`` is the probability that the paper answers it; from ``least`` on it is taken to.
    """
    span = match.spans[int(match.evidence.argmax())]
    if confidence < least or (question.counted and not has_count(span.text, question.counted)):
        return make_cell(match.hit.paper, aspect, None)
    return make_cell(match.hit.paper, aspect, span)


def make_cell(paper: Paper, aspect: str, span: Span | None, text: str = "", model: str = EXTRACTIVE) -> Cell:
    """Return the cell that quotes ``span``, which ``text`` puts into a model's words; without a span, not stated."""
    if span is None:
        return Cell(paper.id, aspect, NOT_STATED, "", None, None, "not stated", model)
    return Cell(paper.id, aspect, text or span.text, span.text, span.start, span.end, "supported", model)


def question_of(aspect: str) -> str:
    """Return a free column as a question."""
    asks = aspect.endswith("?") or re.match(
        r"(?:how|what|which|why|who|does|do|is|are|can|needs?|uses?|handles?)\b", aspect, re.I
    )
    return aspect if asks else f"What is the {aspect}?"


def _score_problem(paper: Paper, spans: Sequence[Span], roles: Matrix) -> Matrix:
    trouble, proposes = _count(_TROUBLE, spans), _see(_PROPOSES, spans)
    before = np.cumsum(proposes) == 0  # what follows the proposal is no longer the problem
    likely = roles[:, BACKGROUND] + 0.6 * roles[:, OBJECTIVE]
    near = np.arange(len(spans)) / len(spans)  # the gap is told after what is known
    return np.asarray(likely * (0.5 + 0.25 * trouble + 0.2 * near) * (0.5 + 0.5 * before))


def _score_approach(paper: Paper, spans: Sequence[Span], roles: Matrix) -> Matrix:
    said = 0.7 * _see(_PROPOSES, spans) + 0.5 * roles[:, METHOD] + 0.4 * roles[:, OBJECTIVE]
    if paper.name != paper.title:  # a method with a name of its own is told where the name first stands
        first = next((at for at, span in enumerate(spans) if paper.name in span.text), None)
        said = said + 0.35 * (np.arange(len(spans)) == first)
    late = np.arange(len(spans)) / len(spans)
    return said - 0.3 * roles[:, BACKGROUND] - 0.2 * late - _see(_LINK, spans)


def _score_idea(paper: Paper, spans: Sequence[Span], roles: Matrix) -> Matrix:
    after = np.arange(len(spans)) - int(_score_approach(paper, spans, roles).argmax())
    near = np.select([after == 0, after == 1, after == 2, after == 3, after < 0], [0.15, 0.5, 0.35, 0.2, -0.5], 0.0)
    told = 0.4 * roles[:, METHOD] + 0.25 * _see(_EXPLAINS, spans) + near - _see(_LINK, spans)
    return np.asarray(told - 0.6 * roles[:, RESULT] - 0.4 * _see(_TRIED, spans) - 0.3 * _see(_FIGURE, spans))


def _score_data(paper: Paper, spans: Sequence[Span], roles: Matrix) -> Matrix:
    noun, named, material = _see(_DATA_NOUN, spans), _see(_NAMED_DATA, spans), _see(_MATERIAL, spans)
    tried = 0.2 * _see(_TRIED, spans) + 0.25 * roles[:, RESULT]
    return tried * (1 + noun + named) + 0.3 * noun + 0.2 * named + 0.15 * material - 0.5 * _see(_LINK, spans)


def _score_results(paper: Paper, spans: Sequence[Span], roles: Matrix) -> Matrix:
    return 0.8 * roles[:, RESULT] + 0.3 * _see(_GAINS, spans) + 0.3 * _see(_FIGURE, spans) - 0.4 * _see(_LINK, spans)


def _score_code(paper: Paper, spans: Sequence[Span], roles: Matrix) -> Matrix:
    code, released = _see(_CODE, spans), _see(_RELEASED, spans)
    return 0.7 * _see(_LINK, spans) * (0.5 + 0.5 * np.maximum(code, released)) + 0.5 * code * released * (
        roles[:, METHOD] < 0.5
    )


_SCORES = {
    "problem": _score_problem,
    "approach": _score_approach,
    "key idea": _score_idea,
    "data": _score_data,
    "results": _score_results,
    "code": _score_code,
}


def _see(pattern: re.Pattern[str], spans: Sequence[Span]) -> Matrix:
    return np.array([float(bool(pattern.search(span.text))) for span in spans])


def _count(pattern: re.Pattern[str], spans: Sequence[Span]) -> Matrix:
    """Return how often ``pattern`` stands in each sentence, three times at most."""
    return np.array([min(len(pattern.findall(span.text)), 3.0) for span in spans])
