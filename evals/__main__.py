"""Measure: ``python -m evals run|report|rescore|compare|gate|validate|selftest|retrieval|peers|…``.

Knows options and printing; leaves measuring to the other modules.
"""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from chatbot import PaperChatbot, terminal
from chatbot.errors import ChatbotError
from evals import cli_runs
from evals.peers.cli import peers

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Measure the chatbot."
)
cli_runs.register(app)
app.command()(peers)
IndexOption = Annotated[Path | None, typer.Option(help="Folder of the index [a temporary one].")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def retrieval(
    beir: Annotated[Path, typer.Option(help="Folder in BEIR layout.")],
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print nDCG@10, recall@10, recall@100 and MRR on a BEIR collection."""
    from evals.retrieval import evaluate_retrieval

    with tempfile.TemporaryDirectory() as scratch, terminal.progress_bar(f"Ingesting {beir.name}") as progress:
        result = evaluate_retrieval(beir, index or Path(scratch) / "index", progress)
    if as_json:
        print(json.dumps(asdict(result)))
        return
    print(f"{beir.name}: {result.papers} papers, {result.queries} queries")
    print(f"  {'':<11}" + "".join(f"{run:>8}" for run in result.measures))
    for name in result.measures["all"]:
        print(f"  {name:<11}" + "".join(f"{run[name]:>8.4f}" for run in result.measures.values()))
    rate, each = result.papers / result.seconds_ingest, result.seconds_search / result.queries * 1000
    print(f"  {rate:.0f} papers/s ingested, {each:.1f} ms a query")


@app.command()
def comparisons(
    split: Annotated[Literal["dev", "test"], typer.Option()] = "dev",
    missed: Annotated[bool, typer.Option("--missed", help="List what is wrong.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print how right grids are without a model: rows, columns, open names, and the quotation in each cell."""
    from evals.comparisons import score_cases

    with tempfile.TemporaryDirectory() as scratch:
        rates = score_cases(_seed_bot(Path(scratch) / "index").settings.index, split)
    if as_json:
        print(json.dumps({"split": split} | {name: asdict(rate) for name, rate in rates.items()}))
        return
    print(f"{split:<24}rate (counts, 95% Wilson)")
    for name, rate in rates.items():
        print(f"{name:<24}{rate}")
        for what in rate.missed if missed else ():
            print(f"    {what}")


@app.command()
def calibrate(
    papers: Annotated[Path, typer.Option(help="The conference abstracts that the training questions are about.")],
) -> None:
    """Fit which sentences answer and when to refuse, and write both regressions of the chatbot."""
    from evals import calibrate as fit

    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "papers.jsonl"
        fit.write_training_papers(papers, source)
        bot = PaperChatbot(index=Path(scratch) / "training", chroma_url="")
        bot.ingest(source)
        fit.clear_sentences()
        readings = list(fit.read_training(bot))
        sentences = fit.fit_sentences(readings)
        sentences.regression.save("sentences", fit.MADE_BY)
        # The second fit looks at what the first one finds, so every question is read again.
        readings = [*fit.read_training(bot), *fit.read_seed_questions(_seed_bot(Path(scratch) / "seeds"))]
        refusing = fit.fit_answerable(readings)
        refusing.regression.save("answerable", fit.MADE_BY)
    told = f"{sentences.pairs} pairs of a question and a paper"
    print(f"sentences: {told}; left out, the best three tell {sentences.recall:.1%}")
    print(f"refusing: {refusing.questions} questions; left out of the fit: AUC {refusing.auc:.3f},")
    print(f"{refusing.refused:.0%} of the unanswerable refused, {refusing.refused_or_doubted:.0%} refused or doubted")


@app.command()
def verifier(
    split: Annotated[Literal["dev", "test"], typer.Option()] = "test",
    fit: Annotated[bool, typer.Option("--fit", help="Fit the checker on the development half first.")] = False,
    judge: Annotated[str | None, typer.Option(help="A model, provider:name, for a second opinion.")] = None,
    gate: Annotated[
        bool, typer.Option("--gate", help="Exit with 1 where the development half is judged worse than accepted.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print how many spoilt sentences the checker of citations catches, and how many honest ones it suspects."""
    from evals.judging import evaluate_judge
    from evals.verifier import MADE_BY, Bench, evaluate_verifier, find_worse, fit_verifier

    with tempfile.TemporaryDirectory() as scratch:
        bot = _seed_bot(Path(scratch) / "index")
        if gate:
            worse = find_worse(evaluate_verifier(bot, "dev", rounds=1))
            print("\n".join(worse) or "passed: no kind of claim is judged worse than accepted")
            raise typer.Exit(bool(worse))
        if fit:
            fit_verifier(bot).save("verifier", MADE_BY)
        rates = evaluate_verifier(bot, split)
        opinion = None
        if judge:
            opinion = evaluate_judge(Bench(bot), PaperChatbot(index=bot.settings.index, model=judge).answerer, split)
    if as_json:
        print(json.dumps({"rates": [asdict(rate) for rate in rates], "judge": asdict(opinion) if opinion else None}))
        return
    print(
        f"{split:<26}{'claims':>7}{'weak':>6}{'moved':>7}{'withheld':>10}   not passed as supported (95%, over papers)"
    )
    for rate in rates:
        counts = f"{rate.claims:>7}{rate.weak:>6}{rate.moved:>7}{rate.withheld:>10}"
        print(f"{rate.kind:<26}{counts}   {rate.caught:.3f} ({rate.low:.3f} to {rate.high:.3f})")
    if opinion:
        print(f"{opinion.model} as a judge: {opinion.right} of {opinion.scored} right ({opinion.low:.3f} to")
        print(f"{opinion.high:.3f}), {opinion.unscored} unscored")


@app.command()
def roles(
    train: Annotated[Path, typer.Option(help="JSON Lines with sentences, labels and confs of abstracts.")],
    test: Annotated[Path, typer.Option(help="Other abstracts in the same form.")],
    write: Annotated[bool, typer.Option("--write", help="Put what was trained into the chatbot.")] = False,
) -> None:
    """Train what tells the roles of an abstract's sentences, and print how it does on other abstracts."""
    from chatbot.roles import ROLES
    from evals.roles import AGREED, read_labelled, score_roles, train_roles

    trained, tested = read_labelled(train), read_labelled(test)
    head = train_roles(trained)
    print(f"{len(trained)} abstracts to train on, {len(tested)} to test on; F1 with 95% over abstracts")
    for name, only_agreed in (("all sentences", False), (f"annotators {AGREED} sure", True)):
        if (score := score_roles(head, tested, only_agreed)) is None:
            print(f"{name}: too few to score")
            continue
        micro = f"micro-F1 {score.micro:.3f} ({score.low:.3f} to {score.high:.3f})"
        print(f"{name}: {score.sentences}, {micro}, macro-F1 {score.macro:.3f}")
        print(f"  {'true, found':<12}" + "".join(f"{role:>12}" for role in ROLES))
        for role, row in zip(ROLES, score.matrix, strict=True):
            print(f"  {role:<12}" + "".join(f"{count:>12}" for count in row))
    if write:
        source = "/".join(train.parts[-2:])
        head.save(f"python -m evals roles --write, from the {len(trained)} abstracts of {source}")


@app.command()
def latency(
    index: IndexOption = None,
    answers: Annotated[int, typer.Option(min=1, help="How many answers, at most one a paper.")] = 20,
    pause: Annotated[float, typer.Option(min=0, help="Milliseconds between two words of the model.")] = 0,
) -> None:
    """Print what checking adds to the time to the first sentence, with a scripted model server on this machine."""
    from evals.latency import measure_latency

    with tempfile.TemporaryDirectory() as scratch:
        bot = _find_bot(index, scratch)
        result = measure_latency(bot.settings.index, answers, pause)
    print(
        f"{result.answers} answers over HTTP, {result.pause:g} ms between words: the first sentence is shown, checked,"
    )
    print(f"{result.p50:.1f} ms (median) and {result.p95:.1f} ms (p95) after the server has sent its end")


@app.command()
def speed(
    index: Annotated[Path, typer.Option(help="Folder of the index.")],
    queries: Annotated[int, typer.Option(min=1)] = 200,
    runs: Annotated[int, typer.Option(min=1, help="Processes of each kind.")] = 5,
) -> None:
    """Print retrieval in embedding passes, recall of exact search, embedding beside the bare model, the command."""
    from evals.printing import show_recall, show_throughput
    from evals.speed import IMPORTS, measure_command, measure_grid, measure_speed
    from evals.throughput import measure_recall, measure_throughput

    bot = PaperChatbot(index=index)
    result = measure_speed(bot, queries)
    print(f"{result.papers} papers, {result.queries} queries")
    print(f"  embedding a query  p50 {result.embed_p50:6.1f} ms   p95 {result.embed_p95:6.1f} ms")
    print(f"  whole retrieval    p50 {result.search_p50:6.1f} ms   p95 {result.search_p95:6.1f} ms")
    print(f"  p95 of retrieval is {result.ratio:.2f} times the median embedding pass")
    show_recall(measure_recall(bot, queries))
    print(f"  a grid of 5 papers by 6 columns, median {measure_grid(bot):.0f} ms")
    show_throughput(measure_throughput(bot))
    command = measure_command(index, f"What is {next(bot.papers()).name} about?", runs)
    print(f"{command.runs} processes of each, by turns")
    print(f"  {IMPORTS}  {command.imports:.2f} s")
    print(f"  chatbot ask  {command.ask:.2f} s")
    print(f"  ratio of the medians {command.ratio:.2f} (of pairs {command.low:.2f} to {command.high:.2f})")


@app.command()
def sizes(
    papers: Annotated[Path, typer.Option(help="A file of papers, the longer the better.")],
    counts: Annotated[str, typer.Option(help="Numbers of papers, with commas.")] = "1000,5000",
    price: Annotated[float, typer.Option(min=0, help="Dollars for an hour of this machine.")] = 0.10,
) -> None:
    """Print what memory, disk and time an index takes as it grows, and what millions of papers would need.

    While it grows, vectors are stand-ins, so that little is embedded.
    """
    from evals.printing import show_needs, show_size
    from evals.sizes import CHANGED, Size, estimate_needs, measure_rate, measure_sizes

    if not all(count.isdecimal() and int(count) > 2 * CHANGED for count in counts.split(",")):
        message = f"numbers over {2 * CHANGED} with commas, as in 5000,20000"
        raise typer.BadParameter(message, param_hint="--counts")
    with tempfile.TemporaryDirectory() as scratch:
        sizes = list[Size]()
        for size in measure_sizes(papers, [int(count) for count in counts.split(",")], Path(scratch)):
            show_size(size)
            sizes.append(size)
        if len(sizes) > 1:
            rate = measure_rate(papers, Path(scratch))
            show_needs(estimate_needs(sizes, rate), rate, price)


@app.command()
def stress(
    index: IndexOption = None,
    sessions: Annotated[int, typer.Option(min=1, max=500, help="Visitors at once.")] = 50,
    seconds: Annotated[float, typer.Option(min=1, max=3600)] = 60,
) -> None:
    """Let many visitors ask a server on this machine at once, and print how it held."""
    from evals.stress import measure_stress

    with tempfile.TemporaryDirectory() as scratch:
        bot = _find_bot(index, scratch)
        result = measure_stress(bot.settings.index, list(bot.papers()), sessions, seconds)
    print(f"{sessions} sessions for {seconds:g} s: {result.answers} answers, {result.wrong} of them wrong")
    print(f"  {result.busy} told to wait, {result.errors} errors; afterwards {'well' if result.recovered else 'ILL'}")
    print(f"  time to an answer  p50 {result.p50:.2f} s   p95 {result.p95:.2f} s")
    told = ", ".join(f"{megabytes:.0f} MB after {asked}" for asked, megabytes in result.memory)
    print(f"  memory of the server  {told} questions")


def _find_bot(index: Path | None, scratch: str) -> PaperChatbot:
    """Return a chatbot over ``index`` as it is; without one, over the seed papers in ``scratch``."""
    return PaperChatbot(index=index, chroma_url="") if index else _seed_bot(Path(scratch) / "index")


def _seed_bot(index: Path) -> PaperChatbot:
    bot = PaperChatbot(index=index, chroma_url="")
    bot.ingest()
    return bot


def main() -> None:
    """Run the command; turn a known error into one line and exit code 1."""
    try:
        app()
    except ChatbotError as error:
        terminal.show_error(str(error))
        raise SystemExit(1) from None
    except OSError as error:
        terminal.show_error(f"{error.filename or 'a file'}: {error.strerror}")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
