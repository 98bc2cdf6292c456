"""Show in a terminal how two runs compare and what the gate found.

Knows rich; knows nothing of how any of it was computed.
"""

from itertools import groupby

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from chatbot.terminal import out
from evals.comparing import Compared, Difference, Flip
from evals.gate import Judged

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
