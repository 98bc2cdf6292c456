"""Compare texts word by word: how near the nearest word of one is to each word of another, and which it is.

Knows vectors of word pieces and where they stand; knows nothing of how they are made or what is concluded from them.
The idea is MaxSim (Khattab and Zaharia, "ColBERT", SIGIR 2020).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from chatbot.records import Words

Matrix = npt.NDArray[np.float32]


def best_matches(words: Matrix, others: Matrix) -> Matrix:
    """Return for each row of ``words`` the highest cosine with a row of ``others``, from 0 to 1; 0 without rows."""
    if not len(others):
        return np.zeros(len(words), np.float32)
    return np.asarray(np.clip(words @ others.T, 0, 1).max(axis=1), np.float32)


def nearest_word(words: Words, start: int, end: int, others: Words) -> tuple[int, float]:
    """Return where in the text of ``others`` the word nearest to that at ``start`` to ``end`` begins, and the cosine.

    The cosine is 0 when one of the two has no vector.
    """
    inside = [row for row, span in enumerate(words.spans) if start <= span[0] and span[1] <= end]
    if not inside or not len(others.vectors):
        return 0, 0.0
    cosines = (others.vectors @ words.vectors[inside].T).mean(axis=1)
    best = int(cosines.argmax())
    return others.spans[best][0], float(cosines[best])


def join_words(texts: Sequence[str], words: Sequence[Words]) -> Words:
    """Return the words of ``" ".join(texts)``, from those of each text."""
    spans, at = [], 0
    for text, found in zip(texts, words, strict=True):
        spans += [(at + start, at + end) for start, end in found.spans]
        at += len(text) + 1
    return Words(tuple(spans), np.concatenate([found.vectors for found in words]))


def unit_mean(vectors: Matrix) -> Matrix:
    """Return the unit mean of ``vectors``, shape (dimensions,); of none, zeros."""
    mean = vectors.mean(axis=0, dtype=np.float32) if len(vectors) else np.zeros(vectors.shape[1], np.float32)
    return np.asarray(mean / (np.linalg.norm(mean) + 1e-9))
