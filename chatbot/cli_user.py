"""The ``chatbot user`` command: who may sign in to the page.

Knows the options and how a password is asked for; leaves the keeping to ``serving``.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatbot.errors import InputError
from chatbot.options import IndexOption, JsonOption, print_json, read_line

if TYPE_CHECKING:
    from chatbot.serving import Accounts

user = typer.Typer(no_args_is_help=True, help="Who may sign in to the page of chatbot serve.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name to sign in with.")]
FileOption = Annotated[
    Path | None, typer.Option("--file", "--auth", help="File of accounts [accounts.json in the index].")
]


def register(app: typer.Typer) -> None:
    """Add ``user`` to the commands of ``app``."""
    app.add_typer(user, name="user")


@user.command()
def add(
    name: NameArgument,
    index: IndexOption = None,
    file: FileOption = None,
    from_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
    ] = False,
) -> None:
    """Make an account, or give one another password."""
    from chatbot import terminal

    accounts = _open_accounts(index, file)
    password = read_line() if from_stdin else typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    done = "added" if accounts.set(name, password) else "gave another password to"
    terminal.out.print(f"{done} {name}, in {accounts.path}", markup=False, soft_wrap=True)


@user.command("list")
def list_users(index: IndexOption = None, file: FileOption = None, as_json: JsonOption = False) -> None:
    """List the accounts."""
    for name in _open_accounts(index, file).names():
        print_json({"name": name}) if as_json else print(name)


@user.command()
def remove(
    name: NameArgument,
    index: IndexOption = None,
    file: FileOption = None,
    conversations: Annotated[
        bool, typer.Option("--conversations", help="Delete the conversations and feedback of this user too.")
    ] = False,
) -> None:
    """Remove an account; whoever is signed in with it is signed out."""
    from chatbot import terminal
    from chatbot.feedback import FeedbackStore
    from chatbot.settings import load_settings
    from chatbot.threads import LOCAL_USER, ThreadStore

    missing = None
    try:
        _open_accounts(index, file).remove(name)  # first, so that nothing is added meanwhile
    except InputError as error:
        if not conversations or name == LOCAL_USER:
            raise
        missing = error
    settings = load_settings(index=index)
    store = ThreadStore(settings.threads)
    kept = store.list(name)
    told = f"; {len(kept)} conversations are kept for the name"
    if conversations:
        for thread in kept:
            store.delete(name, thread.id)
        judged = FeedbackStore(settings.feedback).forget(name)
        if missing and not kept and not judged:
            raise missing
        told = f", with {len(kept)} conversations and {judged} opinions on answers"
    terminal.out.print(f"removed {name}{told}", markup=False, soft_wrap=True)


def _open_accounts(index: Path | None, file: Path | None) -> "Accounts":
    from chatbot.serving import Accounts
    from chatbot.settings import load_settings

    return Accounts(file or load_settings(index=index).accounts)
