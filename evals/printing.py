"""Show in a terminal how a run scores, how two compare, what the gate found, what set and bots are like, and speeds.

Knows rich; knows nothing of how any of it was computed.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from chatbot.terminal import out
from evals.census import Census
from evals.comparing import Compared, Difference, Flip
from evals.gate import Judged
from evals.judging import RunOpinion
from evals.report import ReportData, format_interval, format_number
from evals.selftest import CELLS, HEADLINES
from evals.sizes import CHANGED, Need, Size
from evals.summary import ALL
from evals.throughput import NEAREST, RecallResult, ThroughputResult
from evals.validation import MINIMUM

_STYLES = {"better": "green", "worse": "bold red", "can't tell": "dim"}
_LEGEND = "could show: the smallest change found four times in five, before Holm's correction; ? when nothing changed"


def show_compared(compared: Compared) -> None:
    """Print a line for each metric, then the questions whose outcome flipped."""
    out.print(Text(f"{compared.before} → {compared.after}, {compared.questions} questions", style="bold"))
    table = Table("", "before", "after", "change (95% interval)", "p", "Holm", "could show", "pairs", "", box=None)
    for each in compared.differences:
        table.add_row(*_cells(each), Text(each.verdict, style=_STYLES[each.verdict]))
    out.print(table)
    out.print(Text(_LEGEND, style="dim"), soft_wrap=True)
    for _, flips in groupby(compared.flips, key=lambda flip: flip.id):
        _show_flips(list(flips))


def show_summaries(data: ReportData) -> None:
    """Print each metric with its interval and counts, then by type of question, then confidence and times."""
    table = Table("", "value", "95% interval", "scored", "abstained", "errored", "undetermined", box=None)
    for one in (one for one in data.summaries if one.type == ALL):
        counts = (one.scored, one.abstained, one.errored, one.undetermined)
        table.add_row(_spell(one.metric), format_number(one.value), format_interval(one), *map(str, counts))
    out.print(table)
    types = Table("", *data.types[1:], box=None)
    for metric in data.metrics:
        values = (data.summary(metric, kind) for kind in data.types[1:])
        types.add_row(_spell(metric), *(format_number(one.value if one else None) for one in values))
    out.print(types)
    right = ", ".join(f"{name} {low:.2f} to {high:.2f}" for name, (low, high) in data.right.intervals.items())
    out.print(f"right answers: {data.right.right} of {data.right.answered} answered of {data.right.all} ({right})")
    auc = f"{format_number(data.separation.area)} ({format_interval(data.separation)})"
    out.print(f"risk-coverage area {format_number(data.risk.area)}; AUC of confidence for what is answerable {auc}")
    for each in data.latencies:
        out.print(f"{each.stage}: p50 {each.p50:.0f} ms, p95 {each.p95:.0f} ms")


def _spell(name: str) -> str:
    return name.replace("_", " ")


def show_opinion(opinion: RunOpinion) -> None:
    """Print what a judge says of the sentences shown, with its agreement with hand-made labels beside it."""
    rate = f"{opinion.supported} of {opinion.scored} sentences supported ({opinion.low:.3f} to {opinion.high:.3f})"
    agreement = f"kappa {format_number(opinion.kappa)} with {opinion.labels} labels"
    out.print(f"{opinion.model} as a judge: {rate}, {opinion.unscored} unscored; {agreement}", soft_wrap=True)


def show_census(census: Census) -> None:
    """Print what a question set counts."""
    out.print(f"{'':<20}{'dev':>6}{'test':>6}")
    for name in ("", *MINIMUM):
        out.print(f"{name or 'all':<20}{census.total(name, 'dev'):>6}{census.total(name, 'test'):>6}")
    out.print(f"questions about the paper asked about least: {min(census.covered.values(), default=0)}")
    out.print(f"answerable questions that do not name the work: {census.unnamed:.0%}")
    overlap = max(census.overlap.values(), default=0)
    out.print(f"most of one question's five-word runs found in its paper: {overlap:.0%}")


def show_bots(table: Mapping[str, Mapping[str, float | None]], ranking: Sequence[tuple[str, float]]) -> None:
    """Print the scores of the self-test's bots, best first, and the product that ranks them."""
    ranking_by = (*HEADLINES, *CELLS)
    shown = Table("", *map(_spell, ranking_by), "product", box=None)
    for name, product in ranking:
        scores = (table[name][headline] for headline in ranking_by)
        shown.add_row(name, *("-" if score is None else f"{score:.2f}" for score in scores), f"{product:.3f}")
    out.print(shown)


def show_judged(judged: Judged) -> None:
    """Print what is worse and what is broken, or that nothing is."""
    for each in judged.losses:
        change = f"{each.before:.3f} → {each.after:.3f} (Holm p {each.adjusted:.2g})"
        out.print(Text(f"worse: {each.metric} {change}", style="red"), soft_wrap=True)
    for line in judged.broken:
        out.print(Text(f"broken: {line}", style="red"), soft_wrap=True)
    if judged.passed:
        metrics = len(judged.compared.differences)
        out.print(f"passed: {judged.compared.questions} questions, none of {metrics} metrics worse, nothing broken")


def _cells(each: Difference) -> list[str]:
    unpaired = f" ({each.unpaired} in one only)" if each.unpaired else ""
    return [
        each.metric,
        f"{each.before:.3f}",
        f"{each.after:.3f}",
        f"{each.delta:+.3f} ({each.low:+.3f} to {each.high:+.3f})",
        f"{each.p:.2g}",
        f"{each.adjusted:.2g}",
        "?" if each.detectable is None else f"{each.detectable:.3f}",
        f"{each.pairs}{unpaired}",
    ]


def _show_flips(flips: list[Flip]) -> None:
    out.print(Text(f"{flips[0].id}  {flips[0].question}"), soft_wrap=True)
    changes = ", ".join(f"{flip.metric} {flip.before:.2g} → {flip.after:.2g}" for flip in flips)
    out.print(Padding(Text(changes, style="cyan"), (0, 0, 0, 2)))


def show_recall(result: RecallResult) -> None:
    """Print how much of exact search the index finds, with its 95% interval."""
    ends = f"{result.interval.low:.4f} to {result.interval.high:.4f}"
    _print(f"  recall@{NEAREST} of exact search  {result.share:.4f} ({ends}), {result.queries} queries")


def show_throughput(result: ThroughputResult) -> None:
    """Print the rate of embedding beside the bare model's own, and what else an ingest spends its time on."""
    _print(
        f"{result.papers} papers ({result.windows} windows of text) ingested in {result.seconds:.1f} s, and the model",
        f"  bare model  {result.bare:.0f} windows/s",
        f"  embedding   {result.embedding:.0f} windows/s, {result.ratio:.2f} of the bare model",
        f"  all else    {result.others:.0%} of the ingest, opening a new index included",
    )


def show_size(size: Size) -> None:
    """Print what an index of one size takes."""
    speed = size.speed
    _print(
        f"{size.papers} papers, the last of them stored in {size.storing:.0f} s, with stand-ins for vectors",
        f"  peak memory        storing {size.memory:.0f} MB, searching {size.reading:.0f} MB, the model included",
        f"  on disk            {size.disk / 1e6:.0f} MB, a snapshot {size.snapshot / 1e6:.0f} MB",
        f"  opening            {size.opening:.2f} s, with the first search",
        f"  whole retrieval    p50 {speed.search_p50:.1f} ms   p95 {speed.search_p95:.1f} ms, {speed.ratio:.2f} times",
        f"                     the median embedding of a query ({speed.embed_p50:.1f} ms)",
        f"  ingested again     {size.unchanged:.1f} s; with {CHANGED} changed and {CHANGED} gone {size.changed:.1f} s",
    )
    show_recall(size.recall)


def show_needs(needs: Sequence[Need], rate: float, price: float) -> None:
    """Print what larger collections would need, with ``rate`` papers a second and ``price`` dollars an hour."""
    _print(f"a line through these, {rate:.1f} papers embedded and stored in a second, ${price:.2f} an hour:")
    table = Table("abstracts", "hours", "disk GB", "memory GB", "snapshot GB", "money", box=None)
    for each in needs:
        sizes = (f"{size / 1e9:,.1f}" for size in (each.disk, each.memory, each.snapshot))
        table.add_row(f"{each.abstracts:,}", f"{each.hours:,.1f}", *sizes, f"${each.hours * price:,.2f}")
    out.print(table)


def _print(*lines: str) -> None:
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)
