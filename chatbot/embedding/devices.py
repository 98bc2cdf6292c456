"""On which device a model runs, in which number format, and how much it computes at once.

That is little on a processor, whose caches are small, and on a GPU what its memory holds. Knows torch and the hardware;
knows nothing of models or texts.
"""

import timeit
from collections.abc import Callable
from typing import TypeVar

from chatbot.errors import EmbeddingError

Result = TypeVar("Result")


class BatchSize:
    """How much is computed at once: on a GPU twice as much each time, until its memory is too small.

    It begins with ``on_cpu`` and ends at ``most``, which is ``on_gpu`` there, or at what fitted.
    """

    def __init__(self, device: str, on_cpu: int, on_gpu: int) -> None:
        self.size, self.most = on_cpu, on_cpu if device == "cpu" else on_gpu

    def fit(self, compute: Callable[[int], Result]) -> Result:
        """Return what ``compute`` makes of as much as it is told, less each time until the memory is enough.

        Raises EmbeddingError when nothing is little enough.
        """
        import torch

        while True:
            try:
                result = compute(self.size)
                self.size = min(2 * self.size, self.most)
                return result
            except torch.OutOfMemoryError as error:
                if self.size == 1:
                    raise EmbeddingError(
                        "the GPU has too little free memory to embed one text; end other programs that use it, or set "
                        "CUDA_VISIBLE_DEVICES= to embed without it"
                    ) from error
                self.size = self.most = self.size // 2
            torch.cuda.empty_cache()  # here, because the error above keeps alive what did not fit


def choose_device() -> tuple[str, str]:
    """Return device and number format: a GPU when there is one, with float16; bfloat16 on CPUs that are quicker in it.

    In both, vectors stay within cosine 0.9999 of float32. Which is quicker is tried: of CPUs with instructions for
    bfloat16, some take half the time in it and some 1.6 times.
    """
    import torch

    if torch.cuda.is_available():
        return "cuda", "float16"
    if torch.backends.mps.is_available():
        return "mps", "float32"
    has_bf16 = getattr(torch.cpu, "_is_avx512_bf16_supported", bool)
    return "cpu", "bfloat16" if has_bf16() and _is_quicker("bfloat16", "float32") else "float32"


def _is_quicker(dtype: str, other: str) -> bool:
    """Tell whether a product as the model's layers have it clearly takes less time in ``dtype`` than in ``other``."""
    import torch

    def measure(tried: torch.dtype) -> float:
        texts, weights = torch.ones(128, 384, dtype=tried), torch.ones(1536, 384, dtype=tried)
        return min(timeit.repeat(lambda: torch.nn.functional.linear(texts, weights), number=1, repeat=6))

    threads = available_threads()
    torch.set_num_threads(1)  # of several, one that waits for a core would decide
    try:
        return measure(getattr(torch, dtype)) < 0.8 * measure(getattr(torch, other))
    finally:
        torch.set_num_threads(threads)


def available_threads() -> int:
    """Return how many threads torch uses by default here."""
    import torch

    return int(torch.get_num_threads())
