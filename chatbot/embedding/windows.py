"""Cut a passage's word pieces into windows that a model reads at once, and pool the vectors of its sentences in them.

A sentence's vector is the mean of its pieces as the model sees them in the passage, not by themselves (late chunking:
Günther et al., arXiv:2409.04701), so that each piece is computed once. Knows places of pieces; knows nothing of models.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from chatbot.embedding.embedder import Vectors, to_unit

WHOLE_IN_SENTENCE = 0.25  # of the passage's unit vector, added to that of each of its sentences
_LEAD = 0.25  # of a window, at most, for the title before the sentences that the first window had no room for
_Place = tuple[int, int]


class Pool(NamedTuple):
    """The pieces ``start`` to ``end`` of a window, markers counted, of which the mean is a vector.

    ``number`` 0 is the passage's, others are those of its sentences, from 1.
    """

    number: int
    start: int
    end: int


@dataclass(slots=True)
class Window:
    """Pieces that are read at once between two markers, by their numbers in the passage, and what is pooled of them."""

    pieces: list[int]
    pools: list[Pool]


def cut_windows(text: str, offsets: Sequence[_Place], sentences: Sequence[_Place], most: int) -> list[Window]:
    """Return windows of at most ``most`` pieces; ``offsets`` are the pieces' places in ``text``, the passage.

    The first is the passage as far as it goes. Sentences that end behind it are read in further ones, whole and
    together, behind the passage's first line, its title. Only of one that is too long for a window the rest is left
    out.
    """
    starts = [start for start, _ in offsets]
    lead = bisect_left(starts, text.find("\n") + 1)
    lead = lead if lead <= _LEAD * most else 0
    count = min(len(offsets), most)
    windows, before = [Window(list(range(count)), [Pool(0, 0, count + 2)])], 0
    for number, (start, end) in enumerate(sentences, 1):
        first, last = bisect_left(starts, start), bisect_left(starts, end)
        if last - before > most and first - before > lead:
            before = first - lead
            windows.append(Window(list(range(lead)), []))
        window = windows[-1]
        if len(windows) > 1:
            window.pieces += range(len(window.pieces) + before, min(last, most + before))
        window.pools.append(Pool(number, first - before + 1, min(last - before, most) + 1))
    return windows


def blend(vectors: Vectors, sizes: Vectors) -> Vectors:
    """Return unit vectors of a passage and its sentences; ``sizes`` are how many pieces each sentence has.

    ``vectors`` are the mean of the passage's first window, then each sentence's mean. The passage's becomes the middle
    of its own and of the mean of all its sentences' pieces, of which later windows have some; to each sentence's some
    of the passage's is added.
    """
    whole, own = to_unit(vectors[0]), vectors[1:]
    whole = to_unit(whole + to_unit(sizes @ own)) if len(own) else whole
    return np.vstack([whole, to_unit(to_unit(own) + WHOLE_IN_SENTENCE * whole)])
