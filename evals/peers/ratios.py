"""How many times this program is ahead of a peer: per round, then their geometric mean with an interval.

Knows what was measured and Student's t; knows nothing of how it is shown.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import t

from evals.peers.environments import OURS
from evals.peers.rounds import Measured
from evals.statistics import LEVEL, Interval, bootstrap_mean


class Measure(NamedTuple):
    """One thing measured; ``better`` is 1 where more is better, -1 where less is."""

    name: str
    title: str
    unit: str
    better: int


MEASURES = (
    Measure("start_s", "import and load", "s", -1),
    Measure("first_s", "import, load and first query", "s", -1),
    Measure("first_cpu_s", "import, load and first query, CPU", "s of CPU", -1),
    Measure("ingest_rate", "ingest", "abstracts/s", 1),
    Measure("ingest_cpu_rate", "ingest, CPU", "abstracts/s of CPU", 1),
    Measure("cold_ms", "first query, index opened", "ms", -1),
    Measure("p50_ms", "query p50", "ms", -1),
    Measure("p95_ms", "query p95", "ms", -1),
    Measure("query_cpu_ms", "mean query, CPU", "ms of CPU", -1),
    Measure("peak_mb", "peak memory", "MB", -1),
    Measure("index_mb", "index on disk", "MB", -1),
)


class Ratio(NamedTuple):
    """Above 1 this program is ahead. Without a second round there is no interval."""

    mean: float
    low: float | None
    high: float | None
    rounds: int


def compare(records: Sequence[Measured], peer: str, measure: Measure) -> Ratio | None:
    """Return how many times this program is ahead of ``peer`` in the records of one collection.

    Only rounds that have both count. The logarithms of the ratios are averaged; the interval is Student's, at 95%.
    """
    values = {(one.round, one.peer): one.values[measure.name] for one in records if measure.name in one.values}
    rounds = sorted({number for number, name in values if name == peer and (number, OURS) in values})
    if not rounds:
        return None
    logs = [measure.better * math.log(values[number, OURS] / values[number, peer]) for number in rounds]
    mean, many = float(np.mean(logs)), len(logs)
    if many == 1:
        return Ratio(math.exp(mean), None, None, 1)
    reach = float(t.ppf(1 - LEVEL / 2, many - 1)) * float(np.std(logs, ddof=1)) / math.sqrt(many)
    return Ratio(math.exp(mean), math.exp(mean - reach), math.exp(mean + reach), many)


def median(records: Sequence[Measured], peer: str, name: str) -> float | None:
    """Return the median over the rounds of what ``peer`` took."""
    values = [one.values[name] for one in records if one.peer == peer and name in one.values]
    return float(np.median(values)) if values else None


def mean_ndcg(records: Sequence[Measured], peer: str) -> float | None:
    """Return the mean of ``peer`` over the queries, in its latest round."""
    found = _ndcg(records, peer)
    return float(np.mean(list(found.values()))) if found else None


def compare_ndcg(records: Sequence[Measured], peer: str) -> Interval | None:
    """Return an interval for what this program's nDCG is above the one of ``peer``, by resampling queries."""
    ours, theirs = _ndcg(records, OURS), _ndcg(records, peer)
    both = [query for query in ours if query in theirs]
    if not both:
        return None
    return bootstrap_mean([ours[query] - theirs[query] for query in both], both, (-1.0, 1.0))


def _ndcg(records: Sequence[Measured], peer: str) -> dict[str, float]:
    return dict(next((one.ndcg for one in reversed(records) if one.peer == peer and one.ndcg), {}))
