"""The ``chatbot`` command.

Knows options, exit codes and JSON; leaves the work to the pipeline and the showing to ``terminal``. Exit code 1
is an error with a one-line message, 2 a wrong use of the command.
"""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from chatbot import cli_compare, cli_index, cli_library, cli_mcp, cli_serve, cli_threads, cli_user
from chatbot.batch import run_batch
from chatbot.errors import ChatbotError, InputError, SourceError
from chatbot.options import (
    EmbeddingOption,
    FilterOption,
    IndexOption,
    JsonOption,
    ModelOption,
    PromptsOption,
    print_json,
    read_line,
)

if TYPE_CHECKING:
    from chatbot.pipeline import PaperChatbot

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Ask research papers."
)
cli_compare.register(app)
cli_index.register(app)
cli_library.register(app)
cli_mcp.register(app)
cli_serve.register(app)
cli_threads.register(app)
cli_user.register(app)

BatchOption = Annotated[
    Path | None, typer.Option("--batch", help="JSON Lines with id and question; one line out each.")
]
TopOption = Annotated[int | None, typer.Option("-k", "--top-k", min=1, max=1000, help="How many papers [10].")]


def main() -> None:
    """Run the command; turn every known error into one line and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    if sys.stdin:  # which may be closed
        sys.stdin.reconfigure(errors="strict")  # type: ignore[union-attr]
    try:
        app()
    except ChatbotError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"the output cannot be written: {error.strerror}")
    except KeyboardInterrupt:
        _fail("stopped; what was done so far is kept", code=130)


@app.command()
def ingest(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files, folders, arxiv:…, hf:DAY, or - for standard input [the seed papers].", show_default=False
        ),
    ] = None,
    index: IndexOption = None,
    embedding: EmbeddingOption = None,
    full_text: Annotated[
        bool, typer.Option("--full-text", help="Take all pages of a PDF, not its abstract alone.")
    ] = False,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns", help="Columns of CSV, TSV or Parquet, as in title=Name,abstract=Text.", show_default=False
        ),
    ] = None,
    engine: Annotated[
        str | None, typer.Option("--engine", help="Where to embed: local, or ray for the workers of a cluster [local].")
    ] = None,
    rebuild: Annotated[
        bool,
        typer.Option("--rebuild/--resume", help="Embed all indexed papers again first, or only what is missing."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring papers into the index. Running it again embeds only what is new."""
    from chatbot import terminal
    from chatbot.records import IngestReport

    bot = _open(index, embedding, full_text=full_text or None, columns=columns, engine=engine)
    failure = None
    count = None if rebuild else partial(bot.count, *(sources or ()))
    with terminal.progress_bar("Reading and embedding papers", count) as progress:
        try:
            report = bot.ingest(*(sources or ()), progress=progress, rebuild=rebuild)
        except SourceError as error:
            failure, report = error, cast(IngestReport, error.report)
    if as_json:
        counts = {name: getattr(report, name) for name in ("added", "updated", "unchanged", "merged", "removed")}
        skipped = [{"where": item.where, "reason": item.reason} for item in report.skipped]
        listed = str(report.report_file) if report.report_file else None
        print_json(counts | {"skipped": skipped, "report": listed, "papers": len(bot)})
    else:
        terminal.show_report(report, len(bot), str(bot.settings.index))
    if failure:
        raise failure


@app.command()
def search(
    query: Annotated[str | None, typer.Argument(help="What to look for.")] = None,
    index: IndexOption = None,
    embedding: EmbeddingOption = None,
    top_k: TopOption = None,
    filter: FilterOption = None,
    as_json: JsonOption = False,
    batch: BatchOption = None,
) -> None:
    """Find papers."""
    from chatbot import terminal
    from chatbot.answers import hits_to_dicts

    bot = _open(index, embedding, top_k=top_k).within(filter)

    def find(record: dict[str, Any]) -> dict[str, Any]:
        hits = hits_to_dicts(bot.search(record["question"]))
        return {"question": record["question"], "filter": str(bot.filter or ""), "hits": hits}

    if batch:
        run_batch(batch, find)
    elif as_json:
        print_json(find({"question": _required(query, "search")}))
    else:
        terminal.show_hits(bot.search(_required(query, "search")))


@app.command()
def ask(
    question: Annotated[str | None, typer.Argument(help="What you want to know.")] = None,
    index: IndexOption = None,
    embedding: EmbeddingOption = None,
    top_k: TopOption = None,
    model: ModelOption = None,
    prompts: PromptsOption = None,
    filter: FilterOption = None,
    as_json: JsonOption = False,
    batch: BatchOption = None,
    explained: Annotated[bool, typer.Option("--explain", help="Show what became of each paper found.")] = False,
    why: Annotated[str, typer.Option("--why", help="Tell why this paper is not cited: its title, part or name.")] = "",
) -> None:
    """Answer a question, with citations."""
    from chatbot import terminal
    from chatbot.explain import trace

    bot = _open(index, embedding, top_k=top_k, model=model, prompts=prompts).within(filter)
    if batch:
        run_batch(batch, lambda record: bot.ask(record["question"], record["history"]).to_dict())
        return
    answer = bot.ask(_required(question, "ask"))
    reason = bot.why_not(answer, why) if why else ""
    if as_json:
        print_json(answer.to_dict() | ({"why_not": reason} if why else {}))
        return
    terminal.show_answer(answer)
    if explained:
        terminal.show_steps(list(trace(answer.to_dict())))
    if reason:
        terminal.out.print(f"\n{reason}", markup=False)


@app.command()
def chat(
    index: IndexOption = None,
    embedding: EmbeddingOption = None,
    model: ModelOption = None,
    prompts: PromptsOption = None,
    filter: FilterOption = None,
    thread: Annotated[
        str, typer.Option("--thread", help="Keep the conversation under this name, or go on with it.")
    ] = "",
) -> None:
    """Have a conversation in the terminal. An empty line or Ctrl-D ends it."""
    from chatbot import terminal
    from chatbot.threads import LOCAL_USER

    bot = _open(index, embedding, model=model, prompts=prompts).within(filter)
    used = f"{len(bot.scope())} of {len(bot)}" if filter else f"{len(bot)}"
    terminal.out.print(f"{used} papers. Ask; an empty line ends.")
    stored = cli_threads.open_thread(bot, thread) if thread else None
    turns: list[Any] = bot.resume(LOCAL_USER, stored.id) if stored else []
    if turns:
        terminal.out.print(f"Going on after: {turns[-1].question}", markup=False)
    while question := read_line("\n> ").strip():
        try:
            answer = bot.ask(question, turns)
        except InputError as error:
            terminal.show_error(str(error))
            continue
        terminal.show_answer(answer)
        turns.append(bot.turn(answer))
        if stored:
            bot.threads.append(LOCAL_USER, stored.id, answer)


@app.command()
def doctor(
    index: IndexOption = None,
    embedding: EmbeddingOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the installation, the index and, with --model, the model; exit code 1 when something needs mending."""
    from dataclasses import asdict

    from chatbot import terminal
    from chatbot.doctor import examine
    from chatbot.settings import load_settings

    checks = examine(load_settings(index=index, embedding=embedding, model=model), ask_model=model is not None)
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        for check in checks:
            terminal.out.print(f"{'✗' if check.fix else '✓'} {check.name}: {check.finding}", markup=False)
            if check.fix:
                terminal.out.print(f"    {check.fix}", markup=False)
    if any(check.fix for check in checks):
        raise typer.Exit(1)


def _open(index: Path | None, embedding: str | None, **options: Any) -> "PaperChatbot":
    from chatbot.pipeline import PaperChatbot

    return PaperChatbot(index=index, embedding=embedding, **options)


def _required(value: str | None, command: str) -> str:
    if value is None:
        raise typer.BadParameter(f'give a question, as in: chatbot {command} "What is LiNeS?", or --batch FILE')
    return value


def _fail(message: str, code: int = 1) -> None:
    from chatbot.terminal import show_error

    show_error(message)
    sys.exit(code)
