"""Vectors for the single words of a text, always from the bundled model, with those of recent texts kept.

Knows the bundled model and a cache; knows nothing of which model an index uses: what was calibrated on these
vectors stays right with any.
"""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from chatbot.embedding.embedder import Embedder
from chatbot.embedding.minilm import MiniLM
from chatbot.records import Words

PIECES_KEPT = 65_536  # word pieces, 1.5 kB each: at most 100 MB, about 1,600 sentences


class WordModel:
    """Word vectors by text. A paper's sentences recur from question to question, and are computed once.

    Safe to use from several threads. In bfloat16 the last digits depend on the texts computed together (cosines stay
    above 0.999), so what was asked before can change no more than that.
    """

    def __init__(self, model: MiniLM, pieces_kept: int = PIECES_KEPT) -> None:
        self.model, self._room = model, pieces_kept
        self._known: OrderedDict[str, Words] = OrderedDict()  # least recently used first
        self._lock = Lock()

    def embed_words(self, texts: Sequence[str]) -> list[Words]:
        """Return, for each text, its word pieces with a unit vector each. Raises EmbeddingError."""
        with self._lock:
            found = {text: self._known[text] for text in texts if text in self._known}
            for text in found:
                self._known.move_to_end(text)
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        if missing:
            computed = dict(zip(missing, self.model.embed_words(missing), strict=True))
            found |= computed
            self._keep(computed)
        return [found[text] for text in texts]

    def _keep(self, computed: dict[str, Words]) -> None:
        with self._lock:
            for text, words in computed.items():
                if text not in self._known:
                    # A copy: what is computed is a view that would hold on to the whole padded batch.
                    self._known[text] = Words(words.spans, words.vectors.copy())
                    self._room -= len(words.spans)
            while self._room < 0:
                _, dropped = self._known.popitem(last=False)
                self._room += len(dropped.spans)


def load_words(embedder: Embedder) -> WordModel:
    """Return the word model; it shares the bundled model with ``embedder`` where that is it."""
    return WordModel(embedder if isinstance(embedder, MiniLM) else MiniLM())
