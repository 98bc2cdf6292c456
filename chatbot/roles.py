"""Tell the role that each sentence of an abstract plays: background, objective, method, result or other.

Knows sentences, their vectors and their order; knows nothing of papers, models or what the roles are used for.
``python -m evals roles --write`` makes the weights.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chatbot.errors import ResourceError

Matrix = npt.NDArray[np.float64]

ROLES = ("background", "objective", "method", "result", "other")
CUES = ("always", "place", "first", "second", "last", "count", "length", *(f"fifth {part}" for part in range(1, 6)))

_PATH = Path(__file__).resolve().parent / "weights" / "roles.json"
_WORD = re.compile(r"[a-z]+|\d+|[^\w\s]")
# Unit vectors would hardly count beside the cues, which are up to 1 each, under one penalty on all weights.
_VECTOR_SCALE, _WORDS_SCALE = 4.0, 3.0


@dataclass(frozen=True, slots=True)
class RoleHead:
    """A linear-chain conditional random field (Lafferty et al., ICML 2001) over the sentences of an abstract.

    ``words`` are the words and pairs of words that it knows, each with its place. ``weights`` has shape (dimensions +
    cues + words, roles), ``moves`` (role, role that follows), ``start`` and ``end`` (roles,).
    """

    words: Mapping[str, int]
    weights: Matrix
    moves: Matrix
    start: Matrix
    end: Matrix

    def find(self, sentences: Sequence[str], vectors: npt.ArrayLike) -> Matrix:
        """Return what ``find_roles`` does, with these weights.

        The probabilities are the marginals of the chain, by the forward-backward algorithm.
        """
        if not sentences:
            return np.zeros((0, len(ROLES)))
        scores = measure_sentences(sentences, vectors, self.words) @ self.weights
        forward, backward = [self.start + scores[0]], [self.end]
        for row in scores[1:]:
            forward.append(row + np.logaddexp.reduce(forward[-1][:, None] + self.moves, axis=0))
        for row in scores[:0:-1]:
            backward.append(np.logaddexp.reduce(self.moves + row + backward[-1], axis=1))
        logs = np.array(forward) + np.array(backward[::-1])
        shares = np.exp(logs - logs.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    def save(self, made_by: str) -> None:
        """Write the file that ``load_head`` reads, with the note ``made_by``."""
        vector, cues, words = np.split(self.weights, [-len(self.words) - len(CUES), -len(self.words)])
        record = {
            "made_by": made_by,
            "roles": ROLES,
            "moves": self.moves.tolist(),
            "start": self.start.tolist(),
            "end": self.end.tolist(),
            "vector": vector.tolist(),
            "cues": dict(zip(CUES, cues.tolist(), strict=True)),
            "words": dict(zip(self.words, words.tolist(), strict=True)),
        }
        _PATH.write_text(json.dumps(record, separators=(",", ":")) + "\n")
        load_head.cache_clear()


@cache
def load_head() -> RoleHead:
    """Return the committed head.

    Raises ResourceError when its file is missing or was made for other roles or cues.
    """
    try:
        stored = json.loads(_PATH.read_text())
        made_for = tuple(stored["roles"]), tuple(stored["cues"])
        weights = np.array([*stored["vector"], *stored["cues"].values(), *stored["words"].values()])
        moves, start, end = (np.array(stored[key]) for key in ("moves", "start", "end"))
    except (OSError, KeyError, ValueError) as error:
        raise ResourceError(f"{_PATH.name} does not fit this program; install the package again") from error
    if made_for != (ROLES, CUES):
        raise ResourceError(f"{_PATH.name} was made for other roles or cues; install the package again")
    return RoleHead({word: at for at, word in enumerate(stored["words"])}, weights, moves, start, end)


def find_roles(sentences: Sequence[str], vectors: npt.ArrayLike) -> Matrix:
    """Return the probability of each of ``ROLES`` for each sentence of one abstract, shape (sentences, roles).

    ``vectors`` are those of the sentences by the bundled model, shape (sentences, 384); those of another model give
    nonsense. Raises ResourceError when the committed weights do not fit.
    """
    return load_head().find(sentences, vectors)


def measure_sentences(sentences: Sequence[str], vectors: npt.ArrayLike, words: Mapping[str, int]) -> Matrix:
    """Return what the head weighs in each sentence of one abstract, shape (sentences, dimensions + cues + words)."""
    cues, known = np.zeros((len(sentences), len(CUES))), np.zeros((len(sentences), len(words)))
    last = len(sentences) - 1
    for at, sentence in enumerate(sentences):
        place = at / max(last, 1)
        plain = (1, place, at == 0, at == 1, at == last, min(len(sentences) / 10, 2), min(len(sentence) / 200, 2))
        cues[at, : len(plain)] = plain
        cues[at, len(plain) + min(int(place * 5), 4)] = 1
        columns = [words[word] for word in read_words(sentence) if word in words]
        known[at, columns] = _WORDS_SCALE / max(len(columns), 1) ** 0.5
    return np.hstack([_VECTOR_SCALE * np.asarray(vectors), cues, known])


def read_words(sentence: str) -> set[str]:
    """Return the words and pairs of neighbouring words of a sentence: lower case, every number 0, ``<s>`` in front."""
    words = ["<s>", *("0" if word.isdigit() else word for word in _WORD.findall(sentence.lower()))]
    return {*words, *(f"{one} {other}" for one, other in pairwise(words))}
