"""What was measured as Markdown: a table of installations and first answers, and one of ratios for each collection.

Knows the wording; leaves computing to ``ratios``.
"""

from collections.abc import Mapping, Sequence

from chatbot.markup import clip_text
from evals.peers.environments import OURS, Environment, Peer
from evals.peers.ratios import MEASURES, compare, compare_ndcg, mean_ndcg, median
from evals.peers.rounds import CORES, THREADS, Measured
from evals.report import format_number

Built = Sequence[tuple[Peer, Environment]]
_MESSAGE = 220  # characters of a peer's message
CONVENTION = (
    "Every text is the title once, a line break, and the abstract. The first column is this program's median; the "
    "others tell how many times it is ahead (above 1) or behind (below 1) in the same round, as a geometric mean with "
    "95% by Student's t over rounds."
)


def format_tables(built: Built, records: Sequence[Measured]) -> str:
    """Return all tables, with the conventions and the load of the machine that they were measured at."""
    names, parts = {peer.name: peer.title for peer, _ in built}, [_format_installed(built, records)]
    for collection in dict.fromkeys((one.collection, one.papers) for one in records):
        some = [one for one in records if (one.collection, one.papers) == collection]
        parts += [_format_head(some), _format_ratios(names, some), *_format_errors(names, some)]
    threads = ", ".join(f"{name}={value}" for name, value in THREADS.items())
    return "\n\n".join([*parts, CONVENTION, f"{CORES} cores; all run with {threads}."])


def tell_measured(one: Measured) -> str:
    """Return a line about what one peer did in one round."""
    what = one.error or ", ".join(f"{name} {format_number(value)}" for name, value in one.values.items())
    return f"round {one.round + 1}, {one.collection} ({one.papers}), {one.peer}, load {one.load[1]:.1f}: {what}"


def _format_installed(built: Built, records: Sequence[Measured]) -> str:
    lines = [
        _row("", "versions", "installed MB", "installing s", "fresh process to cited answer"),
        _row("---", "---", "---:", "---:", "---"),
    ]
    for peer, environment in built:
        versions = ", ".join(f"{name} {version}" for name, version in environment.versions.items())
        size, time = f"{environment.megabytes:.0f}", f"{environment.seconds:.0f}"
        lines.append(_row(peer.title, versions, size, time, _tell_answer(peer.name, environment, records)))
    return "\n".join(lines)


def _tell_answer(name: str, environment: Environment, records: Sequence[Measured]) -> str:
    if (seconds := median(records, name, "answer_s")) is not None:
        return f"{seconds:.1f} s"
    failures = [one.unanswered or one.error for one in records if one.peer == name]
    message = next((text for text in (environment.error, *failures) if text), "")
    return f"none: {_plain(message)}" if message else "–"


def _format_head(records: Sequence[Measured]) -> str:
    loads = [load for one in records for load in one.load]
    rounds, first = len({one.round for one in records}), records[0]
    judged = max(len(one.ndcg) for one in records)
    asked = f", {judged} queries with judgements" if judged else ""
    counted = f"{rounds} round{'s' if rounds > 1 else ''}, load average {min(loads):.1f} to {max(loads):.1f}"
    return f"**{first.collection}, {first.papers} papers{asked}**, {counted}"


def _format_ratios(names: Mapping[str, str], records: Sequence[Measured]) -> str:
    peers = [name for name in names if name != OURS]
    lines = [_row("", names.get(OURS, OURS), *(names[name] for name in peers)), _row("---", *["---:"] * len(names))]
    for measure in MEASURES:
        ratios = [compare(records, name, measure) for name in peers]
        own = format_number(median(records, OURS, measure.name))
        cells = [_interval(ratio and ratio.mean, ratio and ratio.low, ratio and ratio.high) for ratio in ratios]
        lines.append(_row(f"{measure.title} ({measure.unit})", own, *cells))
    if (own_ndcg := mean_ndcg(records, OURS)) is not None:
        cells = [_tell_ndcg(records, name) for name in peers]
        lines.append(_row("nDCG@10 itself, and what this program is above it", f"{own_ndcg:.3f}", *cells))
    return "\n".join(lines)


def _tell_ndcg(records: Sequence[Measured], name: str) -> str:
    theirs, above = mean_ndcg(records, name), compare_ndcg(records, name)
    return f"{theirs:.3f} ({above.low:+.3f} to {above.high:+.3f})" if above and theirs is not None else "–"


def _format_errors(names: Mapping[str, str], records: Sequence[Measured]) -> list[str]:
    failed = dict.fromkeys((one.peer, one.error) for one in records if one.error)
    return [f"{names.get(name, name)} failed: {_plain(error)}" for name, error in failed]


def _interval(value: float | None, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return format_number(value)
    return f"{format_number(value)} ({format_number(low)} to {format_number(high)})"


def _plain(message: str) -> str:
    """Return ``message`` as code, in which nothing is markup."""
    return f"`{clip_text(message, _MESSAGE).replace('`', chr(39)).replace('|', '/')}`"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
