"""The sentences of a text with their vectors as one string, so that Chroma keeps them without a graph of their own.

Knows places in a text and unit vectors; knows nothing of papers or of Chroma. A vector is kept in 8 bits a number,
which changes a cosine by about a thousandth; one that was read and is written again stays as it is.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
_BETWEEN = " "  # two versions: none of the letters that are in one


class Pack(NamedTuple):
    """``places`` are start and end of each sentence, shape (sentences, 2); ``vectors`` (sentences, dimensions)."""

    places: npt.NDArray[np.uint32]
    vectors: Vectors


def write_pack(digest: str, places: Sequence[tuple[int, int]], vectors: Vectors, older: str = "") -> str:
    """Return the sentences at ``places`` of the text with the hash ``digest``, before those of an ``older`` pack."""
    rows = np.zeros(len(places), _row(vectors.shape[1]))
    if len(places):
        rows["place"] = places
        largest = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), np.float32(1e-9))
        rows["vector"] = np.rint(vectors * (127 / largest))
    version = f"{digest}:{vectors.shape[1]}:{b64encode(rows.tobytes()).decode()}"
    return _BETWEEN.join([version, older]) if older else version


def read_pack(packed: str, digest: str = "") -> Pack | None:
    """Return the sentences of the text with the hash ``digest``, without it the newest; None when there are none.

    Raises ValueError for what is no pack.
    """
    for version in packed.split(_BETWEEN):
        whose, dimensions, rows = version.split(":")
        if digest in ("", whose):
            found = np.frombuffer(b64decode(rows, validate=True), _row(int(dimensions)))
            vectors = found["vector"].astype(np.float32)
            lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
            return Pack(found["place"], vectors / np.maximum(lengths, np.float32(1)))
    return None


def _row(dimensions: int) -> Any:
    return np.dtype([("place", "<u4", (2,)), ("vector", "i1", (dimensions,))])
