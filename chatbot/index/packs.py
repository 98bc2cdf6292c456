"""Pieces of a text with their vectors as one string, so that Chroma keeps them without a graph of their own.

Knows places in a text and unit vectors; knows nothing of papers or of Chroma. A vector is kept in 8 bits a number,
which changes a cosine by about a thousandth; one that was read and is written again stays as it is.
"""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pybase64 import b64decode, b64encode

Vectors = npt.NDArray[np.float32]
_BETWEEN = " "  # two versions: none of the letters that are in one


class Pack(NamedTuple):
    """``places`` are start and end of each piece, shape (pieces, 2); ``vectors`` (pieces, dimensions)."""

    places: npt.NDArray[np.uint32]
    vectors: Vectors

    @property
    def whole(self) -> int:
        """Return how many pieces have a vector."""
        return int(self.vectors.any(axis=1).sum())


def write_pack(digest: str, places: Sequence[tuple[int, int]], vectors: Vectors, older: str = "") -> str:
    """Return the pieces at ``places`` of the text with the hash ``digest``, before those of an ``older`` pack."""
    rows = np.zeros(len(places), _row(vectors.shape[1]))
    if len(places):
        largest = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), np.float32(1e-9))
        rows["place"] = places
        rows["vector"] = np.rint(vectors * (127 / largest))
    version = f"{digest}:{vectors.shape[1]}:{b64encode(rows.tobytes()).decode()}"
    return _BETWEEN.join([version, older]) if older else version


def read_pack(packed: str, digest: str) -> Pack | None:
    """Return the pieces of the text with the hash ``digest``; None when they are not there.

    Raises ValueError for what is no pack.
    """
    for version in packed.split(_BETWEEN):
        whose, dtype, content = _read_version(version)
        if digest == whose:
            rows = np.frombuffer(content, dtype)
            return Pack(rows["place"], _read_vectors(rows))
    return None


def read_newest(packs: Sequence[str]) -> list[Vectors]:
    """Return the vectors of the newest text of each pack, in one go. Raises ValueError for what is no pack."""
    opened = [open_newest(packed) for packed in packs]
    return read_rows([rows for _, rows in opened], opened[0][0]) if opened else []


def open_newest(packed: str) -> tuple[int, bytes]:
    """Return the dimensions and the rows of the newest text of a pack, for ``read_rows``.

    Raises ValueError for what is no pack.
    """
    _, dtype, rows = _read_version(packed.partition(_BETWEEN)[0])
    if len(rows) % dtype.itemsize:
        raise ValueError("rows that are cut off")
    return dtype["vector"].shape[0], rows


def read_rows(contents: Sequence[bytes], dimensions: int) -> list[Vectors]:
    """Return the vectors of some packs' rows, in one go."""
    dtype = _row(dimensions)
    vectors = _read_vectors(np.frombuffer(b"".join(contents), dtype))
    ends = np.cumsum([0, *(len(content) // dtype.itemsize for content in contents)]).tolist()
    return [vectors[start:end] for start, end in pairwise(ends)]


def _read_version(version: str) -> tuple[str, Any, bytes]:
    """Return the hash of the text, the kind of rows, and the rows as bytes."""
    digest, dimensions, rows = version.split(":")
    return digest, _row(int(dimensions)), b64decode(rows, validate=True)


def _read_vectors(rows: Any) -> Vectors:
    vectors = rows["vector"].astype(np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
    return np.asarray(vectors / np.maximum(lengths, np.float32(1)))


@cache
def _row(dimensions: int) -> Any:
    return np.dtype([("place", "<u4", (2,)), ("vector", "i1", (dimensions,))])
