"""The commands over the question set and its runs: run, report, rescore, compare, gate, validate, selftest, new.

Knows options and exit codes; leaves the work to the modules it names.
"""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from evals.questions import QUESTIONS

if TYPE_CHECKING:
    from chatbot import PaperChatbot

RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]
QuestionsOption = Annotated[Path, typer.Option(help="The question set, JSON Lines.")]
IndexOption = Annotated[
    Path | None, typer.Option(help="Folder of the index [the seed papers, in a folder made for it].")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    for command in (run, report, rescore, compare, gate, validate, selftest, new):
        app.command()(command)


def run(
    out: Annotated[Path, typer.Option(help="Folder of the run; one that was cut off goes on.")],
    questions: QuestionsOption = QUESTIONS,
    split: Annotated[Literal["dev", "test"] | None, typer.Option(help="One half of them [both].")] = None,
    index: IndexOption = None,
    model: Annotated[
        str, typer.Option(help="extractive, provider:model, or naive: the answerer to beat.")
    ] = "extractive",
    settings: Annotated[list[str] | None, typer.Option("--set", help="A setting, as in top_k=5; repeatable.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Questions asked at a time.")] = 1,
) -> None:
    """Ask the question set and keep every answer, to be scored, reported and compared at any time."""
    from chatbot import PaperChatbot, terminal
    from evals.baseline import NAIVE, NaiveBot
    from evals.runs import run_questions

    options: dict[str, Any] = dict(pair.split("=", 1) for pair in settings or () if "=" in pair)
    if len(options) < len(settings or ()):
        raise typer.BadParameter("--set takes key=value, as in --set top_k=5")
    if twice := {"model", "index"} & options.keys():
        raise typer.BadParameter(f"give --{min(twice)} in place of --set {min(twice)}=…")
    make = NaiveBot if model == NAIVE else PaperChatbot
    if index is None:
        options = {"chroma_url": ""} | options  # the seed papers go into no index that others use
    bot = make(index=index or out / "index", model="extractive" if model == NAIVE else model, **options)
    if index is None:
        bot.ingest()
    with terminal.progress_bar("Asking") as progress:
        done = run_questions(out, bot, questions, split, jobs, progress)
    print(f"{len(done.scored)} questions in {out}; next: python -m evals report {out}")


def report(
    folder: RunArgument,
    out: Annotated[Path | None, typer.Option(help="The page [report.html in the run].")] = None,
) -> None:
    """Write a run as a page to look through, and beside it as Markdown and JSON."""
    from evals.report import gather_report, render_html, render_json, render_markdown
    from evals.runs import load_run

    data, page = gather_report(load_run(folder)), out or folder / "report.html"
    for path, text in ((page, render_html(data)), (page.with_suffix(".md"), render_markdown(data))):
        path.write_text(text, encoding="utf-8")
    page.with_suffix(".json").write_text(render_json(data), encoding="utf-8")
    print(f"{page} (also .md and .json)")


def rescore(
    folder: RunArgument,
    judge: Annotated[str | None, typer.Option(help="A model, provider:name, for a second opinion.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Score the recorded answers of a run again and print the metrics; no model is asked, but for a judge."""
    from evals.printing import show_opinion, show_summaries
    from evals.report import gather_report, render_json
    from evals.runs import load_run

    done = load_run(folder)
    data, opinion = gather_report(done), None
    if judge:
        from evals.judging import judge_answers

        with tempfile.TemporaryDirectory() as scratch:
            bot = _open(None, Path(scratch), judge)
            opinion = judge_answers(done, {paper.id: paper for paper in bot.papers()}, bot.answerer)
    if as_json:
        told = json.loads(render_json(data)) | ({"judge": asdict(opinion)} if opinion else {})
        print(json.dumps(told, indent=1))
        return
    if opinion:
        show_opinion(opinion)
    show_summaries(data)


def compare(
    before: Annotated[Path, typer.Argument(help="Folder of a run.")],
    after: Annotated[Path, typer.Argument(help="Folder of another over the same questions and papers.")],
    as_json: JsonOption = False,
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
    folder: RunArgument,
    baseline: Annotated[Path | None, typer.Option(help="File of scores to hold it against.")] = None,
    write: Annotated[Path | None, typer.Option(help="Make this file from the run instead.")] = None,
) -> None:
    """Fail when a run is worse than the baseline, or has an invalid quotation, an invented citation or an error."""
    from evals.gate import judge_run, write_baseline
    from evals.printing import show_judged
    from evals.runs import load_run

    if (baseline is None) == (write is None):
        raise typer.BadParameter("gate takes either --baseline FILE or --write FILE")
    done = load_run(folder)
    if write:
        write_baseline(done, write)
    elif baseline:
        judged = judge_run(done, baseline)
        show_judged(judged)
        raise typer.Exit(0 if judged.passed else 1)


def validate(
    questions: QuestionsOption = QUESTIONS,
    index: IndexOption = None,
    lock: Annotated[bool, typer.Option("--lock", help="Accept questions and papers as they are now.")] = False,
) -> None:
    """Print what the question set counts and its faults; the exit code is 1 when there are any."""
    from evals import validation
    from evals.printing import show_census

    with tempfile.TemporaryDirectory() as scratch:
        bot = _open(index, Path(scratch))
        papers, corpus = {paper.id: paper for paper in bot.papers()}, bot.index.manifest.fingerprint
    census, faults = validation.validate(questions, papers)
    if lock and not faults:
        validation.write_lock(questions, corpus)
    faults += validation.find_lock_faults(questions, corpus)
    if census:
        show_census(census)
    print("\n".join(faults) or "no faults")
    raise typer.Exit(bool(faults))


def new(
    out: Annotated[Path, typer.Option(help="The question set to start, JSON Lines.")],
    papers: Annotated[Path | None, typer.Option(help="Papers in any format that chatbot ingest reads.")] = None,
    feedback: Annotated[
        Path | None, typer.Option("--from-feedback", help="Folder of the index whose answers were marked down.")
    ] = None,
) -> None:
    """Start a question set: drafts with marked evidence, for you to put right and reword."""
    from chatbot import PaperChatbot
    from evals.drafting import draft_from_feedback, draft_questions

    if (papers is None) == (feedback is None):
        raise typer.BadParameter("new takes either --papers FILE or --from-feedback INDEX")
    if out.exists():
        raise typer.BadParameter(f"{out} is there already; give another file")
    with tempfile.TemporaryDirectory() as scratch:
        drafts = (
            draft_questions(papers, Path(scratch))
            if papers
            else draft_from_feedback(PaperChatbot(index=feedback, model="extractive"))
        )
        lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in drafts]
    out.write_text("".join(lines), encoding="utf-8")
    next_step = f"python -m evals run --questions {out} --index DIR --out RUN"
    print(f"{len(lines) - 1} drafts in {out}; reword them, then: {next_step}")


def selftest(index: IndexOption = None) -> None:
    """Print how bots that try to win without being good are scored; the exit code is 1 when one of them does win."""
    from evals.printing import show_bots
    from evals.questions import load_questions
    from evals.selftest import rank_bots, score_bots

    with tempfile.TemporaryDirectory() as scratch:
        papers = {paper.id: paper for paper in _open(index, Path(scratch)).papers()}
    table = score_bots(load_questions(), papers)
    ranking = rank_bots(table)
    show_bots(table, ranking)
    raise typer.Exit(ranking[0][0] != "gold")


def _open(index: Path | None, scratch: Path, model: str = "extractive") -> "PaperChatbot":
    from chatbot import PaperChatbot

    bot = PaperChatbot(index=index or scratch / "index", model=model, chroma_url=None if index else "")
    if index is None:
        bot.ingest()
    return bot
