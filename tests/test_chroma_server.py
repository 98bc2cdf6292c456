"""An index with its vectors on a Chroma server, which machines share and which may restart or be gone.

The server is a real one; a folder of its own stands for each machine.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from chromadb.api.models.Collection import Collection

from chatbot import PaperChatbot
from chatbot.doctor import examine
from chatbot.embedding import list_texts
from chatbot.errors import IndexAway, IndexMissing
from chatbot.index import PaperIndex, Server, measure, verify
from chatbot.index.place import find_place
from chatbot.index.server import Session, ask_version
from chatbot.ingest import ingest, rebuild_index
from chatbot.records import Whole
from chatbot.settings import load_settings
from chatbot.upkeep import export_snapshot, import_snapshot, repair
from tests.chroma_server import ChromaProcess, guarded
from tests.conftest import make_record
from tests.killed_ingest import IDENTITY, HashedWords, bring_in, describe, kill_and_compare
from tests.paper_servers import paper_server

QUERIES = ("honey bees in experiment 7", "opera singing")
TOKEN = "planted-token"


@pytest.fixture
def server(chroma: ChromaProcess, request: pytest.FixtureRequest) -> Server:
    """An index of its own for each test."""
    return chroma.index(request.node.name.removeprefix("test_").replace("_", "-")[:40].strip("-"))


class Interrupted(HashedWords):
    """Counts the texts that it embeds, and does something before the batch of a number."""

    def __init__(self, number: int = 0, then: Callable[[], Any] = lambda: None) -> None:
        super().__init__()
        self.texts, self._left, self._then = 0, number, then

    def embed_papers(self, passages: Sequence[Whole]) -> Any:
        self._left -= 1
        if self._left == 0:
            self._then()
        self.texts += len(list_texts(passages))
        return super().embed_papers(passages)


def test_an_index_on_a_server_finds_what_one_in_a_folder_finds(tmp_path: Path, source: Path, server: Server) -> None:
    bring_in(tmp_path / "here", source)
    bring_in(tmp_path / "there", source, server)
    assert describe(tmp_path / "there", QUERIES, server) == describe(tmp_path / "here", QUERIES)
    assert not list((tmp_path / "there").rglob("chroma*"))
    assert verify(tmp_path / "there", server) == []


def test_a_writer_that_was_killed_is_followed_at_once_from_its_folder(
    tmp_path: Path, chroma: ChromaProcess, write_jsonl: Callable[..., Path]
) -> None:
    source = write_jsonl(*map(make_record, range(200)))
    trials = kill_and_compare(source, tmp_path, 1, QUERIES, url=chroma.url)
    assert [wrong for _, wrong in trials] == [[]]


def test_an_ingest_goes_on_while_the_server_restarts(
    tmp_path: Path, chroma: ChromaProcess, server: Server, write_jsonl: Callable[..., Path]
) -> None:
    source = write_jsonl(*map(make_record, range(200)))

    def crash() -> None:
        chroma.kill()
        chroma.restart_after(1)

    embedder = Interrupted(2, crash)
    report = ingest(PaperIndex.create(tmp_path / "a", IDENTITY, server), embedder, [("papers", source)])
    assert (report.added, verify(tmp_path / "a", server)) == (200, [])


def test_a_server_that_is_killed_and_stays_away_costs_nothing_that_was_stored(
    tmp_path: Path, chroma: ChromaProcess, server: Server, write_jsonl: Callable[..., Path]
) -> None:
    source = write_jsonl(*map(make_record, range(200)))
    hasty = chroma.index(server.name, patience=0.5)
    whole, cut, rest = Interrupted(), Interrupted(2, chroma.kill), Interrupted()
    ingest(PaperIndex.create(tmp_path / "whole", IDENTITY), whole, [("papers", source)])
    with pytest.raises(IndexAway, match=r"does not answer .*start it again .*what was stored is kept") as caught:
        ingest(PaperIndex.create(tmp_path / "a", IDENTITY, hasty), cut, [("papers", source)])
    assert "\n" not in str(caught.value)
    chroma.start()
    report = ingest(PaperIndex.create(tmp_path / "a", IDENTITY, server), rest, [("papers", source)])
    assert (report.unchanged, report.added) == (128, 72)
    assert rest.texts == whole.texts * 72 // 200  # each has three
    assert verify(tmp_path / "a", server) == []
    assert describe(tmp_path / "a", QUERIES, server) == describe(tmp_path / "whole", QUERIES)


def test_a_reader_says_that_the_server_is_gone_and_goes_on_when_it_is_back(
    tmp_path: Path, chroma: ChromaProcess, source: Path
) -> None:
    server = chroma.index("gone-and-back", patience=1.5)
    bring_in(tmp_path, source, server)
    reader, vector = PaperIndex(tmp_path, IDENTITY, server), HashedWords().embed_query("honey bees")
    chroma.kill()
    started = time.monotonic()
    for _ in range(2):
        with pytest.raises(IndexAway, match="does not answer"):
            reader.refresh()
        with pytest.raises(IndexAway, match="does not answer"):
            reader.nearest_passages(vector, 3)
    assert time.monotonic() - started < 3 * server.patience  # the first waits, the three others do not
    chroma.start()
    reader.refresh()
    assert "p1" in reader.nearest_passages(vector, 3)


def test_a_proxy_that_says_the_server_restarts_is_asked_again() -> None:
    with paper_server() as proxy, Session(Server(proxy.url, patience=60)) as session:
        proxy.faults = [(503, {}), (502, {})]
        assert session.request("GET", f"{proxy.url}/api/query").status_code == 200
        assert len(proxy.asked) == 3


def test_an_index_that_was_removed_from_the_server_is_missed(tmp_path: Path, source: Path, server: Server) -> None:
    bring_in(tmp_path, source, server)
    reader, place = PaperIndex(tmp_path, IDENTITY, server), find_place(tmp_path, server)
    place.drop_store(reader.manifest.store)
    with pytest.raises(IndexMissing, match="run: chatbot ingest"):
        reader.papers(["p1"])


def test_an_index_whose_making_was_cut_off_is_made_again(
    tmp_path: Path, source: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Collection, "modify", cut)
        with pytest.raises(KeyboardInterrupt):
            bring_in(tmp_path, source, server)
    bring_in(tmp_path, source, server)
    assert verify(tmp_path, server) == []


def test_embedding_all_again_takes_readers_along_and_leaves_nothing_behind(
    tmp_path: Path, source: Path, server: Server
) -> None:
    bring_in(tmp_path / "a", source, server)
    reader = PaperIndex(tmp_path / "b", IDENTITY, server)
    old = reader.manifest.store
    settings = load_settings(index=tmp_path / "a", chroma_url=server.url, chroma_name=server.name)
    assert rebuild_index(HashedWords(), settings)
    reader.refresh()
    assert list(reader.match_words("glacier", 5)[0]) == ["p2"]
    place = find_place(tmp_path, server)
    assert (place.has_vectors(old), place.has_vectors(reader.manifest.store)) == (False, True)
    assert verify(tmp_path / "a", server) == verify(tmp_path / "b", server) == []


def test_damage_is_found_and_mended_on_a_server_and_a_snapshot_moves_an_index_there(
    tmp_path: Path, source: Path, chroma: ChromaProcess
) -> None:
    bring_in(tmp_path / "here", source)
    assert export_snapshot(tmp_path / "here", tmp_path / "a.tar") == 6
    server = chroma.index("moved")
    assert import_snapshot(tmp_path / "there", tmp_path / "a.tar", HashedWords(), server=server).added == 6
    assert describe(tmp_path / "there", QUERIES, server) == describe(tmp_path / "here", QUERIES)
    found = measure(tmp_path / "there", server)
    assert (found.server, found.papers, set(found.bytes)) == (chroma.url, 6, {"lexical", "rest"})
    store = PaperIndex(tmp_path / "there", IDENTITY, server).manifest.store
    sentences = find_place(tmp_path / "there", server).open_vectors(store).collections[1]
    sentences.delete(ids=["p1#s0"])
    (finding,) = verify(tmp_path / "there", server)
    assert "paper p1 lacks a vector" in finding.fault
    assert repair(tmp_path / "there", HashedWords(), server).embedded == 1
    assert verify(tmp_path / "there", server) == []
    assert export_snapshot(tmp_path / "there", tmp_path / "b.tar", server=server) == 6


def test_a_token_lets_in_through_a_proxy_and_is_never_told(tmp_path: Path, chroma: ChromaProcess, source: Path) -> None:
    told = list[str]()
    with guarded(chroma.url, TOKEN) as (url, sent):
        bring_in(tmp_path / "index", source, Server(url, "guarded", TOKEN))
        assert set(sent) == {f"Bearer {TOKEN}"}
        wrong = Server(url.replace("http://", "http://user:planted-password@"), "guarded", "planted-other", 0.5)
        with pytest.raises(
            IndexAway, match=r"refuses \(status 401\); give the token .* CHATBOT_CHROMA_TOKEN"
        ) as caught:
            PaperIndex(tmp_path / "index", IDENTITY, wrong)
        settings = load_settings(
            index=tmp_path / "index", chroma_url=wrong.url, chroma_token="planted-other", chroma_name="guarded"
        )
        checks = {check.name: check for check in examine(settings)}
    assert "CHATBOT_CHROMA_TOKEN" in checks["chroma server"].fix
    told += [str(caught.value), repr(wrong), str(wrong), repr(settings), repr(checks), settings.fingerprint()]
    told += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    assert not [text for text in told if "planted" in text]


def test_the_check_up_names_the_server(tmp_path: Path, chroma: ChromaProcess, source: Path) -> None:
    chosen: dict[str, Any] = {"index": tmp_path, "chroma_url": chroma.url, "chroma_name": "checked"}
    PaperChatbot(**chosen).ingest(source)
    checks = {check.name: check for check in examine(load_settings(**chosen))}
    assert f"answers at {chroma.url}" in checks["chroma server"].finding
    assert checks["index"].finding.startswith(f"6 papers in the Chroma server at {chroma.url}")
    chosen["chroma_url"] = "http://127.0.0.1:9"
    checks = {check.name: check for check in examine(load_settings(chroma_patience=0, **chosen))}
    assert checks["chroma server"].finding == "http://127.0.0.1:9 is unusable"
    assert "start it again" in checks["chroma server"].fix


def test_what_is_no_chroma_server_is_told(chroma: ChromaProcess) -> None:
    with pytest.raises(
        IndexAway, match=r"^what answers at .*/elsewhere is no Chroma server; correct CHATBOT_CHROMA_URL"
    ):
        ask_version(Server(f"{chroma.url}/elsewhere"))
