"""The command that measures this program beside its peers.

Knows options and printing; leaves the work to the modules it names.
"""

from pathlib import Path
from typing import Annotated

import typer

WORK = Path("~/.cache/paper-chatbot-peers").expanduser()


def peers(
    sizes: Annotated[str, typer.Option(help="Numbers of papers, with commas; 59 and fewer are seed papers.")] = "59",
    beir: Annotated[Path | None, typer.Option(help="Folder in BEIR layout, measured as a whole, for nDCG@10.")] = None,
    papers: Annotated[
        Path | None, typer.Option(help="Papers for larger sizes, in any format that is ingested.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Times that the peers take turns.")] = 3,
    work: Annotated[
        Path,
        typer.Option(
            help="Folder of environments and of what was measured; goes on there. After a change of this program,"
            " remove measured.jsonl from it."
        ),
    ] = WORK,
    plots: Annotated[Path | None, typer.Option(help="Folder to draw the ratios in, as SVG.")] = None,
) -> None:
    """Measure this program beside LangChain, paper-qa, txtai and LlamaIndex, and print the tables as Markdown."""
    from chatbot import terminal
    from evals.peers.environments import PEERS, build_environment
    from evals.peers.papers import gather_collections
    from evals.peers.plots import draw_plots
    from evals.peers.rounds import run_rounds
    from evals.peers.tables import format_tables, tell_measured

    try:
        wanted = [int(size) for size in sizes.split(",") if size.strip()]
    except ValueError:
        raise typer.BadParameter("--sizes takes numbers with commas, as in 59,5000") from None
    collections = gather_collections(wanted, beir, papers)
    built = []
    for peer in PEERS:
        terminal.err.print(f"{peer.title}: installing, unless it was before …", style="dim")
        built.append((peer, build_environment(peer, work)))
    records = run_rounds(
        work, built, collections, rounds, lambda one: terminal.err.print(tell_measured(one), style="dim")
    )
    print(format_tables(built, records))
    for path in draw_plots(records, plots) if plots else ():
        terminal.err.print(str(path), style="dim")
