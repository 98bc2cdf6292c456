"""The commands over recorded runs: ``python -m evals compare|gate``.

Knows options and exit codes; leaves comparing to ``comparing`` and ``gate``, and tables to ``printing``.
"""

import json
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command()(compare)
    app.command()(gate)


def compare(
    before: Annotated[Path, typer.Argument(help="Folder of a run.")],
    after: Annotated[Path, typer.Argument(help="Folder of another over the same questions and papers.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print what got better or worse from one run to another, and what can't be told from chance."""
    from evals.comparing import compare_runs
    from evals.printing import show_compared
    from evals.runs import load_run

    compared = compare_runs(load_run(before), load_run(after))
    if as_json:
        print(json.dumps(compared.to_dict()))
    else:
        show_compared(compared)


def gate(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    baseline: Annotated[Path | None, typer.Option(help="File of scores to hold it against.")] = None,
    write: Annotated[Path | None, typer.Option(help="Make this file from the run instead.")] = None,
) -> None:
    """Fail when a run is worse than the baseline, or has an invalid quotation, an invented citation or an error."""
    from evals.gate import judge_run, write_baseline
    from evals.printing import show_judged
    from evals.runs import load_run

    if (baseline is None) == (write is None):
        raise typer.BadParameter("gate takes either --baseline FILE or --write FILE")
    run = load_run(folder)
    if write:
        write_baseline(run, write)
    elif baseline:
        judged = judge_run(run, baseline)
        show_judged(judged)
        raise typer.Exit(0 if judged.passed else 1)
