"""Every error that a user can meet, in one tree; each message says what happened and what to do.

Knows no other module::

    ChatbotError
    ├── InputError            a question or an option that cannot be used
    ├── SourceError           a source that is missing, empty, in no known format, or does not answer
    ├── EmbeddingError        the embedding model cannot be loaded or reached, or is not the expected one
    ├── ResourceError         a file that belongs to the program is missing
    ├── PromptError           a prompt file that cannot be used
    ├── ModelError            a language model that does not load, answer, or answer in time
    │   └── ModelMissing      the package that a provider needs is not installed
    ├── Busy                  too much is asked at the moment, or the server is stopping
    ├── AccountsBroken        the file of accounts is unreadable, read-only, or the disk is full
    ├── FeedbackBroken        the file of feedback is unreadable, read-only, or the disk is full
    ├── ThreadMissing         no stored conversation of this user has that name or id
    ├── ThreadsBroken         the file of conversations is unreadable, read-only, or the disk is full
    └── StoreError            anything about the index on disk
        ├── IndexMissing      nothing has been ingested yet
        ├── IndexBusy         another process is writing
        ├── IndexMismatch     made with another embedding model or version
        ├── IndexAway         the Chroma server that holds the vectors is gone, or refuses
        └── IndexBroken       unreadable, read-only, or the disk is full
"""


class ChatbotError(Exception):
    """The root: a one-line message for the user; programs exit with code 1."""


class InputError(ChatbotError):
    """A question or an option cannot be used."""


class SourceError(ChatbotError):
    """A source is missing, empty, in no known format, or does not answer; ``report`` tells what else was done."""

    def __init__(self, message: str, report: object = None) -> None:
        super().__init__(message)
        self.report = report


class EmbeddingError(ChatbotError):
    """The embedding model cannot be loaded or reached, or is not the expected one."""


class ResourceError(ChatbotError):
    """A file that belongs to the program is missing."""


class PromptError(ChatbotError):
    """A prompt file cannot be used."""


class ModelError(ChatbotError):
    """A language model did not load, answer, or answer in time; ``kind`` is one word for programs.

    ``kind`` is one of key, quota, rate, timeout, unreachable, not_found, context, refused, server, broken, memory,
    missing, load and failed.
    """

    def __init__(self, message: str, kind: str = "failed") -> None:
        super().__init__(message)
        self.kind = kind


class ModelMissing(ModelError):
    """The package that a provider needs is not installed."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "missing")


class Busy(ChatbotError):
    """Too much is asked at the moment, or the server is stopping."""


class AccountsBroken(ChatbotError):
    """The file of accounts is unreadable, read-only, or the disk is full."""


class FeedbackBroken(ChatbotError):
    """The file of feedback is unreadable, read-only, or the disk is full."""


class ThreadMissing(ChatbotError):
    """No stored conversation of this user has that name or id."""


class ThreadsBroken(ChatbotError):
    """The file of conversations is unreadable, read-only, or the disk is full."""


class StoreError(ChatbotError):
    """Something is wrong with the index on disk."""


class IndexMissing(StoreError):
    """Nothing has been ingested yet."""


class IndexBusy(StoreError):
    """Another process is writing to the index."""


class IndexMismatch(StoreError):
    """The index was made with another embedding model or format version."""


class IndexAway(StoreError):
    """The Chroma server that holds the vectors does not answer, or refuses."""


class IndexBroken(StoreError):
    """The index is unreadable, read-only, or the disk is full."""
