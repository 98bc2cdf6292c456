"""A run as a page to look through, as Markdown, and as JSON.

Knows what is shown and how it is written down; leaves computing to the other modules. The page is one file that
needs no network and no script; words from papers, questions and models stay words in it.
"""

import base64
import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatbot.markup import clip_text, escape_markdown
from evals.confidence import (
    Calibration,
    RiskCurve,
    Separation,
    calibrate_confidence,
    separate_answerable,
    trace_risk,
)
from evals.exhibits import RIGHTLY, WRONGLY, Exhibit, make_exhibit
from evals.funnel import STAGES, make_funnel
from evals.records import Run
from evals.scores import METRICS
from evals.summary import (
    ALL,
    Latency,
    RightAnswers,
    Spending,
    Summary,
    count_right,
    measure_latency,
    measure_spending,
    summarise,
)

if TYPE_CHECKING:
    from jinja2 import Environment

HEADLINE = (
    "fact_recall",
    "evidence_recall",
    "evidence_precision",
    "paper_f1",
    "right_status",
    "unsupported_figures",
    "valid_quotes",
    "recall@10",
)
# Kinds of characters that can't be seen; marks of direction, which make a text read as what it is not, are among them.
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


@dataclass(frozen=True, slots=True)
class ReportData:
    """All that a report shows. ``funnel`` holds ids of questions by stage; ``exhibits`` are all the questions."""

    name: str
    manifest: Mapping[str, Any]
    summaries: Sequence[Summary]
    right: RightAnswers
    risk: RiskCurve
    separation: Separation
    calibration: Calibration
    latencies: Sequence[Latency]
    spending: Spending
    funnel: Mapping[str, Sequence[str]]
    exhibits: Sequence[Exhibit]

    def summary(self, metric: str, kind: str = ALL) -> Summary | None:
        """Return what ``metric`` is over the questions of one type, None when it was not measured."""
        return next((one for one in self.summaries if (one.metric, one.type) == (metric, kind)), None)

    def measured(self, metric: str) -> list[Summary]:
        """Return what ``metric`` is over all questions and over each type, where it was measured at all."""
        return [one for one in self.summaries if one.metric == metric and one.value is not None]

    @property
    def metrics(self) -> list[str]:
        """Return the names of the metrics."""
        return list(dict.fromkeys(one.metric for one in self.summaries))

    @property
    def types(self) -> list[str]:
        """Return the types of questions, ``all`` first."""
        return list(dict.fromkeys(one.type for one in self.summaries))


def gather_report(run: Run) -> ReportData:
    """Return what a report of ``run`` shows."""
    return ReportData(
        name=run.folder.name,
        manifest=run.manifest,
        summaries=summarise(run.scored),
        right=count_right(run.scored),
        risk=trace_risk(run.scored),
        separation=separate_answerable(run.scored),
        calibration=calibrate_confidence(run.scored),
        latencies=measure_latency(run.scored),
        spending=measure_spending(run.scored),
        funnel=make_funnel(run.scored, run.papers),
        exhibits=[make_exhibit(scored, run.papers) for scored in run.scored],
    )


def render_json(data: ReportData) -> str:
    """Return the report as JSON, in which each question has its outcome and scores but not its answer."""
    report = {
        "name": data.name,
        "manifest": dict(data.manifest),
        "metrics": [asdict(summary) for summary in data.summaries],
        "right_answers": asdict(data.right) | {name: list(ends) for name, ends in data.right.intervals.items()},
        "risk_coverage": asdict(data.risk),
        "answerable_auc": asdict(data.separation),
        "calibration": asdict(data.calibration),
        "latencies_ms": [asdict(latency) for latency in data.latencies],
        "spending": asdict(data.spending),
        "funnel": {stage: list(ids) for stage, ids in data.funnel.items()},
        "questions": [_question_to_dict(exhibit) for exhibit in data.exhibits],
    }
    return json.dumps(report, indent=1) + "\n"


def _question_to_dict(exhibit: Exhibit) -> dict[str, Any]:
    sample = exhibit.scored.sample
    return {
        "id": sample.id,
        "type": sample.type,
        "turns": list(sample.turns),
        "status": exhibit.status,
        "outcome": exhibit.outcome,
        "error": exhibit.scored.error,
        "scores": dict(exhibit.scored.scores),
    }


def render_markdown(data: ReportData) -> str:
    """Return the report as Markdown: metrics by type, the funnel, confidence, cost, and a line for each question."""
    metrics = [[name, *(data.summary(name, kind) for kind in data.types)] for name in data.metrics]
    bins = [[b.start, b.end, b.confidence, b.right, b.count] for b in data.calibration.bins]
    questions = [
        [one.scored.sample.id, one.status, one.outcome, clip_text(one.scored.sample.question, 120)]
        for one in data.exhibits
    ]
    parts = [
        f"# Evaluation of {_plain(data.name)}",
        _table(["", ""], [[key, value] for key, value in data.manifest.items() if isinstance(value, str)]),
        "## Metrics",
        "Value, 95% interval, and how many questions it could judge.",
        _table(["metric", *data.types], metrics),
        "## Where answerable questions were lost",
        _table(
            ["stage", "questions", "ids"], [[stage, len(ids), ", ".join(ids)] for stage, ids in data.funnel.items()]
        ),
        "## Confidence",
        f"Area under the risk-coverage curve {_plain(data.risk.area)}, calibration error "
        f"{_plain(data.calibration.error)}, AUC of confidence for what is answerable {_plain(data.separation.area)} "
        f"({format_interval(data.separation)}).",
        _table(["from", "to", "mean confidence", "share right", "questions"], bins),
        "## Time and cost",
        _table(["stage", "median ms", "p95 ms"], [[one.stage, one.p50, one.p95] for one in data.latencies]),
        _table(["", ""], [[name.replace("_", " "), value] for name, value in asdict(data.spending).items()]),
        "## Questions",
        _table(["id", "status", "outcome", "question"], questions),
    ]
    return "\n\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [[_plain(cell) for cell in row] for row in (head, *rows)]
    lines.insert(1, ["---"] * len(head))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(value: object) -> str:
    if isinstance(value, str):
        return escape_markdown(show_unseen(value))
    if isinstance(value, Summary) and value.value is not None:
        return f"{format_number(value.value)} ({format_interval(value)}), {value.scored}"
    return "–" if isinstance(value, Summary) else format_number(value)


def format_interval(summary: Summary | Separation) -> str:
    """Return the 95% interval in words, a dash when there is none."""
    if summary.low is None or summary.high is None:
        return "–"
    return f"{format_number(summary.low)} to {format_number(summary.high)}"


def format_number(value: object) -> str:
    """Return a count as it is, another number with two decimals or three digits, and a dash for None."""
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}"
    return "–" if value is None else str(value)


def show_unseen(text: str) -> str:
    """Return ``text`` with the characters written out that hide or reorder others, as in ``⟨U+202E⟩``."""
    return "".join(
        f"⟨U+{ord(sign):04X}⟩" if unicodedata.category(sign) in _UNSEEN and sign not in "\n\t" else sign
        for sign in text
    )


def open_templates(folder: Path) -> "Environment":
    """Return the Jinja templates in ``folder``; every text goes through ``show_unseen`` and is then escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        autoescape=True,
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: show_unseen(value) if type(value) is str else value,
    )


def render_html(data: ReportData) -> str:
    """Return the report as one page.

    A content security policy lets the page run its own script only, and fetch nothing.
    """
    page = open_templates(Path(__file__).parent)
    page.filters |= {"number": format_number, "interval": format_interval}
    script = page.get_template("report.js").render()
    return page.get_template("report.html.j2").render(
        data=data,
        anchors={one.scored.sample.id: f"q{number}" for number, one in enumerate(data.exhibits, 1)},
        headline=[summary for name in HEADLINE if (summary := data.summary(name)) and summary.value is not None],
        metrics={metric.name: metric for metric in METRICS},
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        stages=STAGES,
        filters={
            "type": sorted({one.scored.sample.type for one in data.exhibits}),
            "status": sorted({one.status for one in data.exhibits}),
            "outcome": [name for name in (*STAGES, RIGHTLY, WRONGLY) if name in {one.outcome for one in data.exhibits}],
        },
    )
