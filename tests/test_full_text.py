"""Full texts of PDFs: what is read of their pages, and the page that a citation names."""

import shutil
import time
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pypdf
import pytest
from rich.console import Console

from chatbot import PaperChatbot, terminal
from chatbot.chunks import split_passages, split_sentence_chunks
from chatbot.embedding.minilm import MiniLM
from chatbot.errors import SourceError
from chatbot.export import export_markdown
from chatbot.index.health import verify
from chatbot.records import Match, Paper, Skipped
from chatbot.settings import load_settings
from chatbot.sources import pdf, read_papers
from chatbot.sources.pages import join_pages
from chatbot.ui.sources import format_sources
from chatbot.upkeep import export_snapshot, import_snapshot
from chatbot.writing import CHARS_A_TOKEN, format_passages, number_passages
from tests import model_behaviours as behaviours
from tests.model_server import ModelServer
from tests.test_pdf_source import ABSTRACT, PAGE, Line, make_pdf

TITLE = "Frugal Attention: Fewer Heads, Same Sight"
FOUND = "The optimizer was lamb with a warmup of 900 steps on eight graphics cards."


def page(*lines: str, number: int) -> list[Line]:
    return [(9, "Published at TEST 2024"), *((10, line) for line in lines), (9, str(number))]


def filler(subject: str) -> list[str]:
    return [f"Remark {n} on {subject} is that {subject} depends on case {n} of the analysis." for n in range(12)]


PAGES = [
    page("Redundant heads were found before by pruning.", *filler("pruning"), "2 Training setup", number=2),
    page("The optimizer was lamb with a warm-", "up of 900 steps on eight graphics cards.", *filler("heads"), number=3),
    page(*filler("vision"), "References", "Vaswani. Attention is all you need. 2017.", number=4),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the PDF, and an index of it and of other papers."""
    folder = tmp_path_factory.mktemp("full")
    (folder / "heads.pdf").write_bytes(make_pdf(PAGE, *PAGES, title=TITLE))
    others = [f'{{"title": "On {s}", "abstract": "We study {s}."}}' for s in ("bees", "trams", "opera")]
    (folder / "others.jsonl").write_text("\n".join(others))
    open_bot(folder / "index").ingest(folder / "heads.pdf", folder / "others.jsonl")
    return folder


def open_bot(index: Path, **options: Any) -> PaperChatbot:
    return PaperChatbot(index=index, full_text=True, **options)


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copy"))


@pytest.fixture
def full(made: Path) -> Paper:
    return next(paper for paper in open_bot(made / "index").papers() if paper.body)


def read_whole(path: Path) -> tuple[list[Paper], list[Skipped]]:
    items = list(read_papers(path, load_settings(full_text=True)))
    return [i for i in items if isinstance(i, Paper)], [i for i in items if isinstance(i, Skipped)]


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


# -- pages → text ------------------------------------------------------------------------------------------------


def test_a_full_text_has_its_abstract_and_all_pages_without_what_repeats(full: Paper) -> None:
    assert (full.title, full.abstract) == (TITLE, ABSTRACT)
    assert full.body.startswith("1 Introduction\nHeads are many.\nRedundant heads were found before by pruning.")
    assert "\n2 Training setup" in full.body
    assert FOUND in full.body
    assert not any(text in full.body for text in ("Published at TEST", "References", "Vaswani"))


def test_every_place_has_its_page(full: Paper) -> None:
    marks = (TITLE, ABSTRACT, "Heads are many", "Redundant heads", FOUND, "case 3 of the analysis", "on vision")
    assert [full.page_at(full.text.index(mark)) for mark in marks] == [1, 1, 1, 2, 3, 2, 4]
    assert Paper("a", "A", "B").page_at(0) is None


def test_blank_pages_are_counted() -> None:
    text, starts = join_pages(["One.", "", "", "Four."])
    assert (text, starts) == ("One.\nFour.", [0, 4, 4, 5])


def test_an_appendix_behind_the_references_is_kept() -> None:
    pages = ["Text of one.\n" * 9, "Text.\nReferences\nKing. Heads. 1999.\nLi. Bees.", "A Proofs of lemmas\nIt holds."]
    text, _ = join_pages(pages)
    assert text.endswith("Text.\nA Proofs of lemmas\nIt holds.")


def test_references_in_a_table_of_contents_end_nothing() -> None:
    text, _ = join_pages(["Contents\nReferences\n9", "The first result is here.\n" * 9])
    assert "The first result" in text


def test_without_the_flag_a_pdf_is_its_abstract(made: Path, tmp_path: Path) -> None:
    (paper,) = read_papers(made / "heads.pdf")
    assert isinstance(paper, Paper)
    assert (paper.abstract, paper.body, paper.pages) == (ABSTRACT, "", ())


def test_a_first_page_without_a_marked_abstract_stands_for_it(tmp_path: Path) -> None:
    path = write(tmp_path / "letter.pdf", make_pdf(PAGE[1:3] + PAGE[5:8], PAGES[0]))
    (paper,), _ = read_whole(path)
    assert "halve the heads of a transformer" in paper.abstract
    assert paper.page_at(paper.text.index("Redundant heads")) == 2


def test_what_is_made_to_be_slow_is_read_in_a_moment() -> None:
    started = time.process_time()
    assert not pdf._STAMP.search("arXiv:" * 20_000)
    join_pages(["5" + "/" * 20_000 + "x"])
    text, _ = join_pages(["\n".join(["Words and more. " * 200] * 5)] * 600)
    assert text.count("\n") == 599
    assert time.process_time() - started < 3


# -- what cannot be read -----------------------------------------------------------------------------------------


def locked() -> bytes:
    writer, content = pypdf.PdfWriter(clone_from=BytesIO(make_pdf(PAGE, *PAGES))), BytesIO()
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(content)
    return content.getvalue()


def test_a_locked_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"locked.pdf is locked with a password; save it without one$"):
        read_whole(write(tmp_path / "locked.pdf", locked()))


def test_a_scan_is_skipped(tmp_path: Path) -> None:
    papers, (skipped,) = read_whole(write(tmp_path / "scan.pdf", make_pdf([], [], [])))
    assert (papers, skipped.reason) == ([], "no text on its first page, which may be a scan")


def test_a_file_that_is_no_one_paper_is_refused_by_pages_and_by_characters(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "MOST_CHARS", 1000)
    with pytest.raises(SourceError, match="has more than"):
        read_whole(made / "heads.pdf")
    monkeypatch.setattr(pdf, "MOST_PAGES", 3)
    with pytest.raises(SourceError, match="has 4 pages; at most 3 are read as one paper"):
        read_whole(made / "heads.pdf")


def test_a_page_that_cannot_be_read_is_told_and_the_others_stay(made: Path, tmp_path: Path) -> None:
    content = (made / "heads.pdf").read_bytes()
    at = content.index(b"8 0 obj\n<< ") + len(b"8 0 obj\n<< ")
    (paper,), skipped = read_whole(write(tmp_path / "broken.pdf", content[:at] + b"/Filter /X " + content[at:]))
    assert [(item.where, item.reason) for item in skipped] == [("page 2", "cannot be read (Unsupported filter /X)")]
    assert "on pruning" not in paper.body
    assert paper.page_at(paper.text.index(FOUND)) == 3


# -- chunks ------------------------------------------------------------------------------------------------------


def test_the_abstract_is_the_first_passage_and_the_body_is_cut_into_windows(full: Paper) -> None:
    first, *others = split_passages(full)
    assert first == split_passages(Paper(full.id, TITLE, ABSTRACT))[0]
    assert len(others) > 2
    assert all(len(chunk.text) < 1300 and chunk.text.startswith(TITLE) for chunk in others)
    covered = "".join(full.text[chunk.start : chunk.end] for chunk in others)
    assert "".join(covered.split()) == "".join(full.body.split())


def test_headings_and_rows_of_tables_are_no_sentences() -> None:
    body = "4 A heading of many words\nIt grows by 3 points here.\nFRNet 73.3 82.5 71.2 12.9 88.1 90.2. 1 2 3 4 5."
    chunks = split_sentence_chunks(Paper("a", "A", "We grow.", body=body))
    assert [chunk.text for chunk in chunks] == ["We grow.", "It grows by 3 points here."]


# -- the index ---------------------------------------------------------------------------------------------------


@pytest.fixture
def nothing_embedded(copied: Path, monkeypatch: pytest.MonkeyPatch) -> PaperChatbot:
    def forbidden(*_: object) -> None:
        raise AssertionError("something was embedded")

    bot = open_bot(copied / "index")
    monkeypatch.setattr(MiniLM, "embed_papers", forbidden)
    return bot


def test_ingesting_again_embeds_nothing_and_the_index_is_whole(
    made: Path, copied: Path, nothing_embedded: PaperChatbot
) -> None:
    report = nothing_embedded.ingest(made / "heads.pdf", made / "others.jsonl")
    assert (report.unchanged, report.added, report.updated, report.skipped) == (4, 0, 0, [])
    assert verify(copied / "index") == []


def test_a_record_of_a_library_joins_the_full_text_and_takes_nothing_away(made: Path, copied: Path) -> None:
    bot, library = open_bot(copied / "index"), copied / "library.bib"
    library.write_text(
        f"@article{{king, title={{{TITLE}}}, abstract={{{ABSTRACT} {'More. ' * 9}}}, author={{King, Ada}}}}"
    )
    for expected in ((1, 0), (0, 1)):
        report = bot.ingest(library)
        assert (report.merged, report.unchanged) == expected
    report = bot.ingest(made / "heads.pdf")
    assert report.unchanged == 1
    (paper,) = (paper for paper in bot.papers() if paper.body)
    assert (FOUND in paper.text, paper.page_at(paper.text.index(FOUND)), len(bot)) == (True, 3, 4)
    assert verify(copied / "index") == []


def test_full_text_comes_and_goes_with_the_flag(tmp_path: Path, made: Path) -> None:
    file, index = tmp_path / "heads.pdf", tmp_path / "index"
    shutil.copy(made / "heads.pdf", file)
    for bot, expected in ((PaperChatbot(index=index), 1), (open_bot(index), 4), (PaperChatbot(index=index), 1)):
        report = bot.ingest(file)
        (paper,) = bot.papers()
        assert (report.added + report.updated, max(len(paper.pages), 1)) == (1, expected)
        assert verify(index) == []


def test_a_snapshot_keeps_pages_and_is_read_alike(made: Path, tmp_path: Path, full: Paper) -> None:
    export_snapshot(made / "index", tmp_path / "papers.tar")
    bot = open_bot(tmp_path / "new")
    import_snapshot(tmp_path / "new", tmp_path / "papers.tar", bot._embedder)
    assert bot.paper(full.id) == full
    assert verify(tmp_path / "new") == []
    question = "Which optimizer with how many warmup steps does Frugal Attention use?"
    assert bot.ask(question).citations == open_bot(made / "index").ask(question).citations


# -- answers -----------------------------------------------------------------------------------------------------

QUESTION = "Which optimizer and how many steps of warmup does Frugal Attention use?"


def test_a_citation_names_its_page_and_quotes_to_the_letter(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = open_bot(made / "index")
    answer = bot.ask(QUESTION)
    record = answer.to_dict()
    cited = {citation["quote"]: citation for citation in record["citations"]}
    assert cited[FOUND]["page"] == 3
    for citation in cited.values():
        paper = bot.paper(citation["paper_id"])
        assert paper is not None
        assert paper.text[citation["start"] : citation["end"]] == citation["quote"]
    monkeypatch.setattr(terminal, "out", Console(file=StringIO(), width=300))
    terminal.show_answer(answer)
    assert "(page 3, characters " in terminal.out.file.getvalue()  # type: ignore[attr-defined]


def test_of_a_full_text_only_its_abstract_and_the_nearest_sentences_are_read(made: Path, full: Paper) -> None:
    bot = open_bot(made / "index")
    match = next(match for match in bot.read(QUESTION)[2] if match.hit.paper == full)
    texts = [span.text for span in match.spans]
    assert texts[0] == ABSTRACT
    assert FOUND in texts
    assert len(texts) < len(split_sentence_chunks(full))
    assert [span.text for span in bot.index.spans([full])[full.id]] == [ABSTRACT]


def test_a_model_is_shown_what_fits_and_its_citations_have_pages(made: Path, server: ModelServer, full: Paper) -> None:
    server.script(behaviours.honest)
    options = {"openai_base_url": server.url, "openai_api_key": "sk-planted", "prompt_tokens": 500}
    answer = open_bot(made / "index", **options).ask(QUESTION)
    assert answer.model == "openai:scripted"
    assert {citation.page for citation in answer.citations} <= {1, 2, 3, 4, None}
    assert any(citation.page == 3 for citation in answer.citations)


def test_the_first_papers_passages_are_cut_to_the_budget(made: Path) -> None:
    matches: list[Match] = open_bot(made / "index").read(QUESTION)[2]
    passages, _ = number_passages(matches, 200)
    assert len(format_passages(passages)) < 200 * CHARS_A_TOKEN + 200


def test_the_panel_shows_the_abstract_and_only_the_cited_pages(made: Path, full: Paper) -> None:
    bot = open_bot(made / "index")
    start = full.text.index(FOUND)
    cited = {
        "number": 1,
        "paper_id": full.id,
        "title": TITLE,
        "quote": FOUND,
        "start": start,
        "end": start + len(FOUND),
    }
    record = {"citations": [cited], "retrieved": [], "standalone_question": QUESTION, "status": "answered", "model": ""}
    html = format_sources(1, record, bot.paper)
    assert "We halve the heads" in html
    assert f"<h4>Page 3</h4><p class='page' dir='auto'><mark data-ref='ref-1-1'>{FOUND}</mark>" in html
    assert "on heads" in html
    assert not any(word in html for word in ("Page 1", "Page 2", "on pruning", "on vision"))


def test_an_export_names_the_pages(made: Path, full: Paper) -> None:
    bot = open_bot(made / "index")
    thread = bot.threads.create("local", "Heads")
    bot.threads.append("local", thread.id, bot.ask(QUESTION))
    answers = bot.threads.answers("local", thread.id)
    assert "] p. 3" in export_markdown(thread, answers, {full.id: full})
