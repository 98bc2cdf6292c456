"""How much a device computes at once: little on a processor, whose caches are small; on a GPU what its memory holds.

Knows torch's word for memory that is full; knows nothing of models or texts.
"""

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
