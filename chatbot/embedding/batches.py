"""How much a device computes at once: little on a processor, whose caches are small; on a GPU what its memory holds.

Knows torch's word for memory that is full; knows nothing of models or texts.
"""

from collections.abc import Callable
from typing import TypeVar

from chatbot.errors import EmbeddingError

Result = TypeVar("Result")


class BatchSize:
    """How much is computed at once, halved for good whenever the device's memory is too small for it."""

    def __init__(self, device: str, on_cpu: int, on_gpu: int) -> None:
        self.size = on_cpu if device == "cpu" else on_gpu

    def fit(self, compute: Callable[[int], Result]) -> Result:
        """Return what ``compute`` makes of as much as it is told, less each time until the memory is enough.

        Raises EmbeddingError when nothing is little enough.
        """
        import torch

        while True:
            try:
                return compute(self.size)
            except torch.OutOfMemoryError as error:
                if self.size == 1:
                    raise EmbeddingError(
                        "the GPU has too little free memory to embed one text; end other programs that use it, or set "
                        "CUDA_VISIBLE_DEVICES= to embed without it"
                    ) from error
                self.size //= 2
            torch.cuda.empty_cache()
