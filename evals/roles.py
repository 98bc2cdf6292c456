"""Train the head that tells the roles of sentences, and score one on abstracts it has not seen.

Knows labelled abstracts, how a chain is fitted and its scores; leaves features and inference to the chatbot. The
committed head is fitted to CSAbstruct (Cohan et al., "Pretrained Language Models for Sequential Sentence
Classification", EMNLP 2019).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import bootstrap
from sklearn.metrics import confusion_matrix, f1_score

from chatbot.embedding.minilm import MiniLM
from chatbot.errors import InputError
from chatbot.roles import ROLES, RoleHead, measure_sentences, read_words
from evals.jsonl import read_jsonl

# Both were chosen by cross-validation within the training file.
RAREST_WORD = 40  # sentences of the training file that a word or pair has to stand in
PENALTY = 20.0  # of squared weights, against the summed log-likelihood of the abstracts
STEPS = 100
DIGITS = 3
AGREED = 0.8


@dataclass(frozen=True, slots=True)
class Labelled:
    """An abstract with the place in ``ROLES`` of each sentence, and its vectors, shape (sentences, dimensions).

    ``confidences`` is how sure the annotators were of each role, 0 to 1, or empty where that is not known.
    """

    sentences: tuple[str, ...]
    roles: tuple[int, ...]
    confidences: tuple[float, ...]
    vectors: Any = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class RoleScore:
    """How a head did. ``low`` and ``high`` bound micro-F1 (95%, bootstrap over abstracts).

    ``matrix`` counts sentences by true role and by role found, shape (roles, roles).
    """

    sentences: int
    micro: float
    low: float
    high: float
    macro: float
    matrix: list[list[int]]


def read_labelled(path: Path) -> list[Labelled]:
    """Return the abstracts of a JSON Lines file with ``sentences``, ``labels`` and, where known, ``confs``.

    Raises InputError when the file cannot be read, is empty or has other fields.
    """
    try:
        read = [_read_record(record) for record in read_jsonl(path)]
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give a JSON Lines file") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} needs lines with sentences and, for each, a label of {ROLES} ({error})") from error
    if not read:
        raise InputError(f"{path} is empty; give a JSON Lines file with sentences and labels")
    vectors = MiniLM().embed_texts([text for sentences, _, _ in read for text in sentences])
    cuts = np.cumsum([len(sentences) for sentences, _, _ in read])[:-1]
    return [Labelled(*parts, part) for parts, part in zip(read, np.split(vectors, cuts), strict=True)]


def _read_record(record: dict[str, Any]) -> tuple[tuple[str, ...], tuple[int, ...], tuple[float, ...]]:
    sentences, roles = tuple(record["sentences"]), tuple(ROLES.index(label) for label in record["labels"])
    confidences = tuple(map(float, record.get("confs", ())))
    if not len(sentences) == len(roles) > 0 or len(confidences) not in (0, len(roles)):
        raise ValueError("a line has not as many labels or confs as sentences")
    return sentences, roles, confidences


def train_roles(abstracts: Sequence[Labelled]) -> RoleHead:
    """Return the head under which the labels are likeliest, less a penalty on large weights, rounded for its file.

    An abstract counts by how sure its annotators were.
    """
    counts = Counter(word for abstract in abstracts for text in abstract.sentences for word in read_words(text))
    kept = sorted(word for word, count in counts.items() if count >= RAREST_WORD)
    words = {word: column for column, word in enumerate(kept)}
    values = [np.float32(measure_sentences(each.sentences, each.vectors, words)) for each in abstracts]
    roles = [torch.tensor(abstract.roles) for abstract in abstracts]
    sure = torch.tensor([float(np.mean(abstract.confidences or 1)) for abstract in abstracts])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the steps along the chain are too small to share out
    try:
        padded = torch.nn.utils.rnn.pad_sequence(roles, batch_first=True, padding_value=-1)
        chain = _fit_chain(torch.from_numpy(np.concatenate(values)), padded, sure / sure.mean())
    finally:
        torch.set_num_threads(threads)
    return RoleHead(words, *(np.round(part.double().numpy(), DIGITS) for part in chain))


def _fit_chain(values: torch.Tensor, roles: torch.Tensor, sure: torch.Tensor) -> list[torch.Tensor]:
    """Return the weights, moves, start and end of the chain, as ``RoleHead`` has them.

    ``values`` has shape (sentences, features), ``roles`` (abstracts, longest abstract) with -1 for no sentence, and
    ``sure`` (abstracts,). The loss is convex and the search (L-BFGS) starts at zero, so nothing is left to chance.
    """
    count = len(ROLES)
    shapes = ((values.shape[1], count), (count, count), (count,), (count,))
    weights, moves, start, end = chain = [torch.zeros(shape, requires_grad=True) for shape in shapes]
    search: Any = torch.optim.LBFGS(chain, max_iter=STEPS, line_search_fn="strong_wolfe")

    def measure_loss() -> float:
        search.zero_grad()
        scores = torch.zeros(*roles.shape, count).masked_scatter((roles >= 0)[..., None], values @ weights)
        surprise = (_surprise(scores, roles, moves, start, end) * sure).sum()
        penalty = PENALTY / 2 * torch.cat([part.flatten() for part in chain]).square().sum()
        loss: Any = (surprise + penalty) / len(roles)
        loss.backward()
        return float(loss.detach())

    search.step(measure_loss)
    return [part.detach() for part in chain]


def _surprise(
    scores: torch.Tensor, roles: torch.Tensor, moves: torch.Tensor, start: torch.Tensor, end: torch.Tensor
) -> torch.Tensor:
    """Return minus the log-likelihood of each row of ``roles`` (-1 after its end), shape (abstracts,)."""
    real, true = roles >= 0, roles.clamp(min=0)
    reached = start + scores[:, 0]
    for at in range(1, roles.shape[1]):
        further = torch.logsumexp(reached[:, :, None] + moves, dim=1) + scores[:, at]
        reached = torch.where(real[:, at, None], further, reached)
    of_path = (scores.gather(2, true[..., None])[..., 0] * real).sum(1)
    of_path = of_path + (moves[true[:, :-1], true[:, 1:]] * real[:, 1:]).sum(1)
    final = true.gather(1, real.sum(1, keepdim=True) - 1)[:, 0]
    return torch.logsumexp(reached + end, dim=1) - of_path - start[true[:, 0]] - end[final]


def score_roles(head: RoleHead, abstracts: Sequence[Labelled], only_agreed: bool = False) -> RoleScore | None:
    """Score the likeliest role of each sentence, or of those alone whose annotators were at least ``AGREED`` sure.

    Returns None when fewer than two abstracts have such sentences, too few for an interval.
    """
    true, found = [], []
    for abstract in abstracts:
        kept = np.ones(len(abstract.roles), np.bool_)
        if only_agreed:
            kept = np.array(abstract.confidences or [0] * len(kept)) >= AGREED
        if kept.any():
            true.append(np.array(abstract.roles)[kept])
            found.append(head.find(abstract.sentences, abstract.vectors).argmax(axis=1)[kept])
    if len(true) < 2:
        return None
    right = [(one == other).sum() for one, other in zip(true, found, strict=True)]
    expected, guessed = np.concatenate(true), np.concatenate(found)
    return RoleScore(
        len(expected),
        float(f1_score(expected, guessed, average="micro")),
        *_bound_share(right, [len(one) for one in true]),
        float(f1_score(expected, guessed, average="macro")),
        confusion_matrix(expected, guessed, labels=range(len(ROLES))).tolist(),
    )


def _bound_share(right: Sequence[int], counted: Sequence[int]) -> tuple[float, float]:
    """Return the 95% interval of the share of right sentences; micro-F1 is that share, each having one role."""

    def share(right: np.ndarray, counted: np.ndarray, axis: int) -> np.ndarray:
        return np.asarray(right.sum(axis=axis) / counted.sum(axis=axis))

    found = bootstrap((right, counted), share, paired=True, method="percentile", rng=np.random.default_rng(0))
    return float(found.confidence_interval.low), float(found.confidence_interval.high)
