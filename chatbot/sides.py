"""Find the two papers that a question sets side by side, whatever its wording: two parts, each best covered by another.

Knows matches, and the marks and words between the parts of a sentence; knows nothing of how answers are made.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from chatbot.records import Match, Question

GAIN = 0.5  # word pieces of the question that two papers cover more than the best one alone
LOOKED_AT = 4  # papers
_LEAST = 2  # word pieces in a part
_BETWEEN = re.compile(
    r"[,;:.?!–—…]|\s-\s|\b(?:and|or|vs|versus|against|while|whereas|unlike|but"
    r"|(?:compared?|opposed|contrast\w*|next|differs?|different|beside) (?:to|with|from))\b",
    re.I,
)


def find_sides(question: Question, matches: Sequence[Match]) -> list[Match]:
    """Return the matches (best first), two of them with their ``side`` set where the question is about both.

    It is cut in two where two of the papers together cover most of it, each its part: the sum over word pieces of the
    best cosine. When that is more by ``GAIN`` than what one paper covers of the whole, these two are meant.
    """
    if len(matches) < 2:
        return list(matches)
    pieces = np.argsort(matches[0].starts, kind="stable")
    covered = np.stack([match.words.max(axis=0)[pieces] for match in matches[:LOOKED_AT]]).astype(np.float64)
    before, whole = covered.cumsum(axis=1), covered.sum(axis=1)
    gain, sides = GAIN, (-1, -1)
    for cut in _cuts(question, [matches[0].starts[piece] for piece in pieces]):
        first = before[:, cut - 1]
        both = first[:, None] + (whole - first)[None, :]
        np.fill_diagonal(both, 0)
        one, other = np.unravel_index(both.argmax(), both.shape)
        if both[one, other] - whole.max() >= gain:
            gain, sides = both[one, other] - whole.max(), (int(one), int(other))
    return [replace(match, side=sides.index(at) + 1 if at in sides else 0) for at, match in enumerate(matches)]


def _cuts(question: Question, starts: Sequence[int]) -> Iterator[int]:
    """Yield before which of the word pieces that begin at ``starts`` a new part of the sentence may begin."""
    ends = dict(question.words)
    end = 0
    for at, start in enumerate(starts):
        if _LEAST <= at <= len(starts) - _LEAST and end <= start and _BETWEEN.search(question.text, end, start):
            yield at
        end = max(end, ends.get(start, 0))
