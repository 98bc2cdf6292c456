"""Find papers for a query: dense and lexical candidates, fused, then smoothed over their neighbours.

Knows scores; knows nothing of how vectors are made or stored, nor of answers. The weights were tuned on
Cranfield and SciFact's training queries (``python -m evals retrieval``).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from chatbot.records import Hit, Paper, Ranks

Vector = npt.NDArray[np.float32]
Scores = dict[str, float]

CANDIDATES = 100  # papers from each side, and papers that are fused
WEIGHTS = {"passage": 1.2, "words": 1.0, "pairs": 0.2, "sentence": 0.8}
LOOKED_AT = 40  # of them from each side, those whose vectors are looked at
RESCORED = 50  # of these, those that feedback and smoothing look at
FEEDBACK_PAPERS, FEEDBACK_WEIGHT = 3, 0.4
NEIGHBOURS, SMOOTHING = 4, 0.4
_ROUNDING = 5e-3  # of a cosine, between what the index's graph tells and the product of the vectors it gives


class Searchable(Protocol):
    """What retrieval needs of an index."""

    def nearest_passages(self, vector: Vector, limit: int) -> Scores:
        """Return cosines by paper id."""

    def abstract_vectors(self, paper_ids: Sequence[str]) -> dict[str, Vector]:
        """Return unit vectors by paper id, shape (1 + sentences, dimensions): the whole abstract's comes first."""

    def match_words(self, query: str, limit: int) -> tuple[Scores, Scores]:
        """Return BM25 scores by paper id, for words and for pairs."""

    def papers(self, paper_ids: Sequence[str]) -> dict[str, Paper]:
        """Return papers by id."""


class Candidates(NamedTuple):
    """What each side found for a query, by paper id; ``vectors`` are of those looked at, see ``abstract_vectors``."""

    passages: Scores
    words: Scores
    pairs: Scores
    vectors: dict[str, Vector]


def search(index: Searchable, query: str, embed_query: Callable[[str], Vector], top_k: int) -> tuple[list[Hit], Vector]:
    """Return the ``top_k`` papers for ``query``, best first, and its unit vector, which ``embed_query`` makes.

    Four scores (cosine of the abstract, of its nearest sentence, BM25 of words and of word pairs) are each
    scaled to 0…1 over the candidates and added. The query vector is then moved towards the best papers
    (Rocchio feedback) and the candidates scored again, and each paper's score is mixed with those of its nearest
    neighbours among the candidates (score regularisation: Diaz, "Regularizing ad hoc retrieval scores", CIKM 2005).
    """
    limit = max(CANDIDATES, top_k)
    found, vector = _find(index, query, embed_query, limit)
    best = _order(found, vector, limit)[:top_k]
    papers = index.papers([key for key, _, _ in best])
    dense, lexical = _rank(found.passages), _rank(found.words)
    there = [(papers[key], score, cosine) for key, score, cosine in best if key in papers]
    hits = [
        Hit(rank, paper, score, cosine, Ranks(dense.get(paper.id), lexical.get(paper.id), rank))
        for rank, (paper, score, cosine) in enumerate(there, 1)
    ]
    return hits, vector


def _find(index: Searchable, query: str, embed_query: Callable[[str], Vector], limit: int) -> tuple[Candidates, Vector]:
    words, pairs = index.match_words(query, limit)
    vector = embed_query(query)
    passages = index.nearest_passages(vector, limit)
    looked_at = dict.fromkeys([*_best(words, LOOKED_AT), *_best(passages, LOOKED_AT)])
    return Candidates(passages, words, pairs, index.abstract_vectors(list(looked_at))), vector


def _order(found: Candidates, vector: Vector, limit: int) -> list[tuple[str, float, float]]:
    """Return id, score and cosine of the best ``limit`` candidates."""
    passages, known = found.passages, found.vectors
    sentences = {key: float((each[1:] @ vector).max()) for key, each in known.items() if len(each) > 1}
    parts = {"passage": passages, "words": found.words, "pairs": found.pairs, "sentence": sentences}
    first = _fuse(parts)
    ranked = _best(first, limit)
    vectors = {key: known[key][0] for key in ranked[:RESCORED] if key in known}
    if not vectors:
        return []
    feedback = _move_towards(vector, [(vectors[key], first[key]) for key in ranked[:FEEDBACK_PAPERS] if key in vectors])
    near = {key: float(each @ feedback) + _deeper(passages, key, float(each @ vector)) for key, each in vectors.items()}
    fused = _fuse(parts | {"passage": near})
    ids = [key for key in _best(fused, limit) if key in vectors]
    matrix = np.stack([vectors[key] for key in ids])
    scores = _smooth(np.array([fused[key] for key in ids], np.float32), matrix)
    final = [(ids[at], float(scores[at]), float(matrix[at] @ vector)) for at in np.argsort(-scores, kind="stable")]
    # Those behind keep their order, scaled to come after.
    tail = [key for key in ranked if key not in vectors]
    scale = min(final[-1][1] / (first[tail[0]] or 1.0), 1.0) if tail else 1.0
    return final + [(key, first[key] * scale, passages.get(key, 0.0)) for key in tail]


def _fuse(parts: Mapping[str, Scores]) -> Scores:
    total: Scores = {}
    for name, scores in parts.items():
        if not scores:
            continue
        low, high = min(scores.values()), max(scores.values())
        for paper_id, score in scores.items():
            scaled = (score - low) / (high - low) if high > low else 1.0
            total[paper_id] = total.get(paper_id, 0.0) + WEIGHTS[name] * scaled
    return total


def _deeper(passages: Scores, key: str, first: float) -> float:
    """Return how much nearer than its ``first`` passage another passage of a full text is; 0 for an abstract."""
    gain = passages.get(key, 0.0) - first
    return gain if gain > _ROUNDING else 0.0


def _best(scores: Scores, count: int) -> list[str]:
    return sorted(scores, key=lambda paper_id: (-scores[paper_id], paper_id))[:count]


def _rank(scores: Scores) -> dict[str, int]:
    return {paper_id: rank for rank, paper_id in enumerate(_best(scores, len(scores)), 1)}


def _move_towards(vector: Vector, best: Sequence[tuple[Vector, float]]) -> Vector:
    centre = sum((weight * towards for towards, weight in best), np.zeros_like(vector))
    moved = (1 - FEEDBACK_WEIGHT) * vector + FEEDBACK_WEIGHT * centre / (np.linalg.norm(centre) or 1.0)
    return np.asarray(moved / (np.linalg.norm(moved) or 1.0), np.float32)


def _smooth(scores: npt.NDArray[np.float32], matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    if len(scores) <= NEIGHBOURS:
        return scores
    affinity = np.clip(matrix @ matrix.T, 0, None)
    np.fill_diagonal(affinity, 0)
    cut = np.partition(affinity, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS, None]
    affinity = np.where(affinity >= cut, affinity, 0) ** 2
    affinity /= np.maximum(affinity.sum(axis=1, keepdims=True), 1e-9)
    return np.asarray((1 - SMOOTHING) * scores + SMOOTHING * (affinity @ scores), np.float32)
