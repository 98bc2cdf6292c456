"""The ``chatbot index`` command: what an index holds, whether it is whole, and a snapshot to take elsewhere.

Knows options and what is printed; leaves the work to ``upkeep`` and the index.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatbot.options import EmbeddingOption, IndexOption, JsonOption, print_json

if TYPE_CHECKING:
    from chatbot.index import Server

index_app = typer.Typer(no_args_is_help=True, help="Look after an index: stats, verify, repair, export, import.")

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The snapshot, a tar archive.")]


def register(app: typer.Typer) -> None:
    """Add ``index`` to the commands of ``app``."""
    app.add_typer(index_app, name="index")


@index_app.command()
def stats(index: IndexOption = None, as_json: JsonOption = False) -> None:
    """Tell what the index holds, of which sources, and how much room it takes."""
    from dataclasses import asdict

    from chatbot import terminal
    from chatbot.index import measure

    found = measure(*_open(index))
    if as_json:
        print_json(asdict(found))
        return
    place = found.server or found.folder
    lines = [
        f"{found.papers} papers, {found.passages} passages, {found.sentences} sentences in {place}",
        f"embedding {found.embedding}, generation {found.generation}, fingerprint {found.fingerprint}",
        ", ".join(f"{part} {size / 1e6:.1f} MB" for part, size in found.bytes.items()),
        *(f"{count:>8} from {source}" for source, count in sorted(found.sources.items())),
    ]
    for line in lines:
        terminal.out.print(line, markup=False, soft_wrap=True)


@index_app.command()
def verify(index: IndexOption = None, as_json: JsonOption = False) -> None:
    """Check that all parts of the index agree and each vector is sound; exit code 1 with a line for each fault."""
    from dataclasses import asdict

    from chatbot import terminal
    from chatbot.index import verify as find_faults

    folder, server = _open(index)
    findings = find_faults(folder, server)
    if as_json:
        print_json({"index": str(folder), "faults": [asdict(each) for each in findings]})
    else:
        for each in findings:
            terminal.out.print(f"{each.fault}; {each.fix}", markup=False, soft_wrap=True)
        if not findings:
            terminal.out.print(f"the index in {folder} is whole", markup=False, soft_wrap=True)
    if findings:
        raise typer.Exit(1)


@index_app.command()
def repair(index: IndexOption = None, embedding: EmbeddingOption = None) -> None:
    """Derive again what can be derived, drop what belongs to no paper, and embed the papers that lack a vector."""
    from chatbot import terminal
    from chatbot.embedding import load_embedder
    from chatbot.index import find_server
    from chatbot.settings import load_settings
    from chatbot.upkeep import repair as mend

    settings = load_settings(index=index, embedding=embedding)
    done = mend(settings.index, load_embedder(settings), find_server(settings))
    told = f"{done.removed} rows removed, {done.embedded} papers embedded again, the index of words made anew"
    terminal.out.print(f"{told} in {settings.index}", markup=False, soft_wrap=True)


@index_app.command("export")
def export_file(file: FileArgument, index: IndexOption = None) -> None:
    """Write all papers with their vectors to one file, which another machine can import without a model."""
    from chatbot import terminal
    from chatbot.upkeep import export_snapshot

    folder, server = _open(index)
    with terminal.progress_bar("Writing papers") as progress:
        papers = export_snapshot(folder, file, progress, server)
    size = file.stat().st_size / 1e6
    terminal.out.print(f"{papers} papers in {file}, {size:.1f} MB", markup=False, soft_wrap=True)


@index_app.command("import")
def import_file(file: FileArgument, index: IndexOption = None, embedding: EmbeddingOption = None) -> None:
    """Bring the papers of a snapshot into the index, with their vectors."""
    from chatbot import terminal
    from chatbot.embedding import load_embedder
    from chatbot.index import find_server
    from chatbot.settings import load_settings
    from chatbot.upkeep import import_snapshot

    settings = load_settings(index=index, embedding=embedding)
    with terminal.progress_bar("Reading papers") as progress:
        report = import_snapshot(settings.index, file, load_embedder(settings), progress, find_server(settings))
    told = f"{report.added} added, {report.merged} put together with others, {report.unchanged} were there"
    terminal.out.print(f"{told}, in {settings.index}", markup=False, soft_wrap=True)


def _open(index: Path | None) -> "tuple[Path, Server | None]":
    from chatbot.index import find_server
    from chatbot.settings import load_settings

    settings = load_settings(index=index)
    return settings.index, find_server(settings)
