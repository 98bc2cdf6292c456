"""Logistic regressions that ship with the program as small JSON files.

Knows the form of such a file; knows nothing of what a regression decides. ``python -m evals calibrate`` writes them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chatbot.errors import ResourceError

_FOLDER = Path(__file__).resolve().parent / "weights"


@dataclass(frozen=True, slots=True)
class Logistic:
    """Weights of named features, a bias, and the named ``thresholds`` chosen with them (probabilities)."""

    features: tuple[str, ...]
    weights: tuple[float, ...]
    bias: float
    thresholds: dict[str, float]

    def log_odds(self, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the log-odds for ``values`` of shape (…, features)."""
        return np.asarray(np.asarray(values, np.float64) @ np.array(self.weights) + self.bias)

    def probability(self, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return probabilities for ``values`` of shape (…, features)."""
        return np.asarray(1 / (1 + np.exp(-self.log_odds(values))))

    def save(self, name: str, made_by: str) -> None:
        """Write the file ``name`` that ``load_logistic`` reads."""
        record = {
            "made_by": made_by,
            "bias": round(self.bias, 4),
            "thresholds": {key: round(value, 3) for key, value in self.thresholds.items()},
            "weights": {key: round(weight, 4) for key, weight in zip(self.features, self.weights, strict=True)},
        }
        _path(name).write_text(json.dumps(record, indent=1) + "\n")
        load_logistic.cache_clear()


@cache
def load_logistic(name: str, features: Sequence[str]) -> Logistic:
    """Return the committed regression ``name``, its weights in the order of ``features``.

    Raises ResourceError when the file is missing or was made for other features.
    """
    try:
        stored = json.loads(_path(name).read_text())
        weights = tuple(stored["weights"].pop(feature) for feature in features)
    except (OSError, KeyError, ValueError) as error:
        raise ResourceError(f"{_path(name).name} does not fit this program; install the package again") from error
    if stored["weights"]:
        raise ResourceError(f"{_path(name).name} was made for other features; run: python -m evals calibrate")
    return Logistic(tuple(features), weights, stored["bias"], stored["thresholds"])


def _path(name: str) -> Path:
    return _FOLDER / f"{name}.json"
