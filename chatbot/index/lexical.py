"""The lexical side of the index: BM25 over stemmed words and word pairs, with tantivy.

Knows words, paper ids and the keys by which papers are recognised; knows nothing of vectors. It is derived from the
vector store and can always be rebuilt from it.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from chatbot.records import Paper

PAIR_SLOP = 3
_MOST_SHARING = 50  # papers looked at that share a key, as series share a title
_MOST_RECENT = 20_000  # keys in memory, about 4 MB; until a commit, tantivy keeps 1 kB more for each paper


class LexicalIndex:
    """A tantivy index in a folder; documents are papers."""

    def __init__(self, folder: Path) -> None:
        import tantivy

        self._tantivy = tantivy
        folder.mkdir(parents=True, exist_ok=True)
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
        builder.add_text_field("keys", tokenizer_name="raw", index_option="basic")
        builder.add_text_field("words", tokenizer_name="words", index_option="position")
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema, path=str(folder))
        self._words = _word_analyzer(tantivy)
        self._index.register_tokenizer("words", self._words)
        self._writer: Any = None
        self._recent = dict[str, list[str]]()  # ids by key of what is not visible yet

    def __len__(self) -> int:
        """Return the number of papers committed."""
        count: int = self._index.searcher().num_docs
        return count

    def add(self, papers: Iterable[tuple[Paper, Sequence[str]]]) -> None:
        """Add papers, each with its keys, replacing those with the same ids; visible after ``commit``."""
        for paper, keys in papers:
            writer = self._open_writer()
            writer.delete_documents_by_term("id", paper.id)
            writer.add_document(self._tantivy.Document(id=paper.id, keys=list(keys), words=paper.text))
            for key in keys:
                self._recent.setdefault(key, []).append(paper.id)
            if len(self._recent) > _MOST_RECENT:
                self.commit()

    def find(self, keys: Iterable[str]) -> dict[str, list[str]]:
        """Return the ids of the papers that were added with each key, visible or not; some may be removed since."""
        searcher, query = self._index.searcher(), self._tantivy.Query.term_query
        found = dict[str, list[str]]()
        for key in keys:
            hits = searcher.search(query(self._schema, "keys", key), limit=_MOST_SHARING, count=False).hits
            ids = [searcher.doc(address)["id"][0] for _, address in hits]
            found[key] = list(dict.fromkeys([*ids, *self._recent.get(key, ())]))
        return found

    def ids(self) -> set[str]:
        """Return the ids of all papers committed."""
        searcher = self._index.searcher()
        if not searcher.num_docs:
            return set()
        hits = searcher.search(self._tantivy.Query.all_query(), limit=searcher.num_docs, count=False).hits
        return {searcher.doc(address)["id"][0] for _, address in hits}

    def remove(self, paper_ids: Iterable[str]) -> None:
        """Remove papers; visible after ``commit``."""
        writer = self._open_writer()
        for paper_id in paper_ids:
            writer.delete_documents_by_term("id", paper_id)

    def clear(self) -> None:
        """Remove all papers; visible after ``commit``."""
        self._open_writer().delete_all_documents()

    def commit(self) -> None:
        """Make additions and removals durable and visible."""
        if self._writer is not None:
            self._writer.commit()
            self._writer.wait_merging_threads()
            self._writer = None
        self._recent.clear()
        self._index.reload()

    def search(
        self, query: str, limit: int, among: Collection[str] | None = None
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Return BM25 scores by paper id, for words and for pairs of neighbouring words; best ``limit`` of each.

        Pairs may stand up to ``PAIR_SLOP`` words apart, after Metzler and Croft, "A Markov random field model
        for term dependencies", SIGIR 2005. With ``among``, only papers with those ids are found.
        """
        make, words = self._tantivy.Query, list(dict.fromkeys(self._words.analyze(query)))[:256]
        singles = [make.term_query(self._schema, "words", word) for word in words]
        pairs = [make.phrase_query(self._schema, "words", list(pair), PAIR_SLOP) for pair in pairwise(words)]
        return self._run(singles, limit, among), self._run(pairs, limit, among)

    def document_frequency(self, text: str, among: Collection[str] | None = None) -> dict[str, int]:
        """Return, for each stemmed word of ``text`` that is no stop word, in how many papers it occurs.

        With ``among``, only papers with those ids count.
        """
        searcher, words = self._index.searcher(), self._words.analyze(text)
        if among is None:
            return {word: searcher.doc_freq("words", word) for word in words}
        terms = {word: self._tantivy.Query.term_query(self._schema, "words", word) for word in words}
        return {word: searcher.search(self._limit(term, among), limit=1).count for word, term in terms.items()}

    def _run(self, clauses: list[Any], limit: int, among: Collection[str] | None) -> dict[str, float]:
        if not clauses or not limit:
            return {}
        should = self._tantivy.Occur.Should
        searcher = self._index.searcher()
        query = self._limit(self._tantivy.Query.boolean_query([(should, clause) for clause in clauses]), among)
        found = searcher.search(query, limit=limit, count=False).hits
        return {searcher.doc(address)["id"][0]: score for score, address in found}

    def _limit(self, query: Any, among: Collection[str] | None) -> Any:
        """Return ``query`` so that it finds only papers with the ids ``among``, with the scores that it gives them."""
        if among is None:
            return query
        make, must = self._tantivy.Query, self._tantivy.Occur.Must
        allowed = make.const_score_query(make.term_set_query(self._schema, "id", list(among)), 0.0)
        return make.boolean_query([(must, query), (must, allowed)])

    def _open_writer(self) -> Any:
        if self._writer is None:
            self._writer = self._index.writer(heap_size=64_000_000, num_threads=1)
        return self._writer


def _word_analyzer(tantivy: Any) -> Any:
    filters = tantivy.Filter
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    for step in (filters.lowercase(), filters.ascii_fold(), filters.stopword("english"), filters.stemmer("english")):
        builder = builder.filter(step)
    return builder.build()
