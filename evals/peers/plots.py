"""The ratios as pictures: for each collection an SVG with a row for each measure and a dot for each peer.

Knows places and scales; leaves computing to ``ratios``.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evals.peers.environments import OURS, PEERS
from evals.peers.ratios import MEASURES, Ratio, compare
from evals.peers.rounds import Measured
from evals.report import open_templates

TICKS = (0.25, 0.5, 1, 2, 4, 8, 16)
LEFT, WIDTH, ROW, PEER = 130, 400, 74, 13  # of the plot, of a measure, of a peer in it
PLOTTED = ("first_s", "ingest_rate", "ingest_cpu_rate", "p50_ms", "query_cpu_ms", "peak_mb", "index_mb")


def draw_plots(records: Sequence[Measured], folder: Path) -> list[Path]:
    """Write ``peers-COLLECTION-PAPERS.svg`` for each collection into ``folder`` and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, papers in dict.fromkeys((one.collection, one.papers) for one in records):
        some = [one for one in records if (one.collection, one.papers) == (name, papers)]
        path = folder / f"peers-{name}-{papers}.svg"
        path.write_text(_draw(f"{name}, {papers} papers", some), encoding="utf-8")
        written.append(path)
    return written


def _draw(title: str, records: Sequence[Measured]) -> str:
    peers = [peer for peer in PEERS if peer.name != OURS]
    rows = []
    for at, measure in enumerate(one for one in MEASURES if one.name in PLOTTED):
        found = [(peer, compare(records, peer.name, measure)) for peer in peers]
        dots = [_place(peer.title, place, ratio) for place, (peer, ratio) in enumerate(found) if ratio]
        rows.append({"title": measure.title, "top": at * ROW, "dots": dots})
    ticks = [{"x": _across(tick), "text": f"{tick:g}×"} for tick in TICKS]
    return (
        open_templates(Path(__file__).parent)
        .get_template("peers.svg.j2")
        .render(
            title=title, rows=rows, ticks=ticks, one=_across(1), left=LEFT, row=ROW, height=len(rows) * ROW, width=WIDTH
        )
    )


def _place(title: str, place: int, ratio: Ratio) -> dict[str, Any]:
    low, high = ratio.low or ratio.mean, ratio.high or ratio.mean
    side = "unsure"
    if ratio.rounds > 1 and not low <= 1 <= high:
        side = "ahead" if low > 1 else "behind"
    return {"title": title, "y": place * PEER + 2 * PEER, "x": _across(ratio.mean), "side": side} | {
        "low": _across(low),
        "high": _across(high),
        "value": f"{ratio.mean:.2g}",
    }


def _across(ratio: float) -> float:
    """Return where ``ratio`` stands on the axis, which is logarithmic; what is beyond its ends stands at them."""
    low, high = math.log(TICKS[0]), math.log(TICKS[-1])
    share = (math.log(ratio) - low) / (high - low)
    return round(LEFT + min(1.0, max(0.0, share)) * WIDTH, 1)
