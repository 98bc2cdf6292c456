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
        whose, rows = _read_version(version)
        if digest in ("", whose):
            return Pack(rows["place"], _read_vectors(rows))
    return None


def match_packs(packs: Sequence[str], vector: Vectors) -> list[float]:
    """Return for each pack the cosine between ``vector`` and the nearest sentence of its newest text; -1 without one.

    Raises ValueError for what is no pack.
    """
    rows = [_read_version(packed.partition(_BETWEEN)[0])[1] for packed in packs]
    cosines = _read_vectors(np.concatenate(rows)) @ vector if rows else np.zeros(0)
    ends = np.cumsum([len(each) for each in rows]).tolist()
    return [float(cosines[end - len(each) : end].max(initial=-1)) for each, end in zip(rows, ends, strict=True)]


def _read_version(version: str) -> tuple[str, Any]:
    digest, dimensions, rows = version.split(":")
    return digest, np.frombuffer(b64decode(rows, validate=True), _row(int(dimensions)))


def _read_vectors(rows: Any) -> Vectors:
    vectors = rows["vector"].astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.float32(1)))


def _row(dimensions: int) -> Any:
    return np.dtype([("place", "<u4", (2,)), ("vector", "i1", (dimensions,))])
