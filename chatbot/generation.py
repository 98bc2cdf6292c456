"""One text in the making, shared by the thread that generates it and the thread that reads it.

Knows transformers' streamer and stopping rules, deadlines and stop sequences; knows nothing of models or messages.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from queue import Empty
from threading import Event, Lock
from typing import Any

from chatbot.errors import ModelError


class Generation:
    """Iterate over it to read the text; the writer gives ``streamer`` and ``should_stop`` to transformers.

    ``timeout`` is in seconds from now to the last token. ``left`` is set by a reader who wants no more, ``error``
    by a writer who failed.
    """

    def __init__(self, tokenizer: Any, timeout: float | None) -> None:
        from transformers import TextIteratorStreamer

        self.left = Event()
        self.error: Exception | None = None
        self.read_whole = False
        self._stopped_late = False
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout if timeout else None
        self.streamer = TextIteratorStreamer(
            tokenizer, skip_prompt=True, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )

    def __iter__(self) -> Iterator[str]:
        """Yield text as it comes. Raises ModelError at the deadline, even while the model is within a step."""
        while True:
            try:
                text = self.streamer.text_queue.get(timeout=self.remaining)
            except Empty:
                raise self._too_late() from None
            if text == self.streamer.stop_signal:
                break
            if text:
                yield text
        if self._stopped_late:
            raise self._too_late()
        self.read_whole = True

    @property
    def remaining(self) -> float | None:
        """Return the seconds until the deadline, None when there is none."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def should_stop(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        """Tell transformers, after each token, whether to end; the result has shape (1,)."""
        import torch

        self._stopped_late = self.remaining == 0
        return torch.full((input_ids.shape[0],), self._is_over(), device=input_ids.device, dtype=torch.bool)

    @contextmanager
    def holding(self, turn: Lock) -> Iterator[None]:
        """Hold ``turn``, for which others may have to finish first. Raises ModelError when that takes too long."""
        while not turn.acquire(timeout=0.1):
            if self._is_over():
                raise self._too_late()
        try:
            yield
        finally:
            turn.release()

    def end(self, error: Exception | None = None) -> None:
        """Tell the reader that nothing more will come."""
        self.error = error
        self.streamer.on_finalized_text("", stream_end=True)

    def _is_over(self) -> bool:
        return self.left.is_set() or self.remaining == 0

    def _too_late(self) -> ModelError:
        return ModelError(
            f"the language model was not done after {self._timeout:g} s; allow more with CHATBOT_MODEL_TIMEOUT",
            "timeout",
        )


def cut_at_stop(pieces: Iterable[str], stops: Sequence[str]) -> Iterator[str]:
    """Yield the text of ``pieces`` up to the first of ``stops``, holding back what may be the start of one."""
    held = ""
    for piece in pieces:
        held += piece
        found = [place for place in (held.find(stop) for stop in stops) if place >= 0]
        if found:
            if min(found):
                yield held[: min(found)]
            return
        ready = len(held) - max((_overlap(held, stop) for stop in stops), default=0)
        if ready:
            yield held[:ready]
        held = held[ready:]
    if held:
        yield held


def _overlap(text: str, stop: str) -> int:
    """Return how many characters at the end of ``text`` are the start of ``stop``."""
    return next((size for size in range(len(stop) - 1, 0, -1) if text.endswith(stop[:size])), 0)
