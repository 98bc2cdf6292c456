"""One bundled model for all chatbots of a process, and of its forks: reading and hashing it takes long.

Its word vectors of texts that were read before are shared as well. Knows where a chatbot takes its models from;
tests of how models are loaded put that back.
"""

from chatbot import pipeline
from chatbot.chunks import split_sentence_chunks
from chatbot.embedding import Embedder, WordModel, load_embedder
from chatbot.embedding.embedder import DEFAULT_MODEL
from chatbot.embedding.minilm import MiniLM
from chatbot.records import Paper
from chatbot.resources import find_resource
from chatbot.settings import Settings
from chatbot.sources import read_papers


def share_model() -> WordModel:
    """Return the word model that all chatbots of this process use from now on, with the bundled model in it."""
    words = WordModel(model := MiniLM())

    def load(settings: Settings) -> Embedder:
        return model if settings.embedding.strip() == DEFAULT_MODEL else load_embedder(settings)

    vars(pipeline).update(load_embedder=load, load_words=lambda _: words)
    return words


def read_seed_papers(words: WordModel) -> None:
    """Have ``words`` keep the word vectors of the seed papers' sentences, about which most questions are asked."""
    papers = (item for item in read_papers(find_resource("seeds", "daily_papers.txt")) if isinstance(item, Paper))
    words.embed_words([chunk.text for paper in papers for chunk in split_sentence_chunks(paper)])
