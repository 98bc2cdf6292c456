"""The ``chatbot serve`` command: the chat as a web page.

Knows the options, and which of them let whom in; leaves the serving to ``serving``.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from chatbot.errors import IndexMissing, InputError
from chatbot.options import EmbeddingOption, IndexOption, ModelOption, PromptsOption

if TYPE_CHECKING:
    from chatbot.pipeline import PaperChatbot
    from chatbot.serving import Accounts


NOT_SHARED = "No public address: Gradio's share service was not reached; look at the network, and start again."


def register(app: typer.Typer) -> None:
    """Add ``serve`` to the commands of ``app``."""
    app.command()(serve)


def serve(
    index: IndexOption = None,
    embedding: EmbeddingOption = None,
    model: ModelOption = None,
    prompts: PromptsOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port [the first free one from 7860].")] = None,
    auth: Annotated[
        Path | None, typer.Option("--auth", help="File of accounts [accounts.json of the index, if there is one].")
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="Let anyone in; without accounts nothing is kept.")] = False,
    share: Annotated[Literal["on", "off"], typer.Option(help="A public address too, by Gradio's service.")] = "off",
    root_path: Annotated[str, typer.Option("--root-path", help="Path of the page behind a proxy, as /papers.")] = "",
    log_questions: Annotated[bool, typer.Option("--log-questions", help="Write questions to the log too.")] = False,
    mcp: Annotated[bool, typer.Option("--mcp", help="Offer the papers to MCP clients too, at /mcp.")] = False,
    browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Open the chat as a web page; with nothing indexed yet, the seed papers are ingested first."""
    from chatbot import terminal
    from chatbot.pipeline import PaperChatbot
    from chatbot.serving import serve_page

    bot = PaperChatbot(index=index, embedding=embedding, model=model, prompts=prompts)
    accounts = _find_accounts(bot, auth)
    shared = share == "on"
    _check_reach(host, shared, public, mcp, accounts)
    _fill(bot)
    terminal.out.print("Starting the page …")

    def tell(url: str, address: str | None) -> None:
        terminal.out.print(f"Ask at {url} (Ctrl-C stops).", soft_wrap=True)
        if mcp:
            terminal.out.print(f"MCP clients: {url.rstrip('/')}/mcp", soft_wrap=True)
        if shared:
            terminal.out.print(f"From anywhere: {address}" if address else NOT_SHARED, soft_wrap=True)

    serve_page(
        bot,
        accounts,
        tell,
        log_questions,
        mcp,
        public,
        server_name=f"[{host}]" if ":" in host else host,  # as an address of IPv6 stands in a URL
        server_port=port,
        share=shared,
        root_path=root_path,
        inbrowser=browser,
    )


def _find_accounts(bot: "PaperChatbot", named: Path | None) -> "Accounts | None":
    """Return who may sign in; None when no accounts are named or were made."""
    from chatbot.serving import Accounts

    accounts = Accounts(named or bot.settings.accounts)
    if not named and not accounts.path.exists():
        return None
    if not accounts.names():
        option = f" --file {named}" if named else ""
        raise InputError(f"there is no account in {accounts.path}; make one: chatbot user add NAME{option}")
    return accounts


def _check_reach(host: str, share: bool, public: bool, mcp: bool, accounts: "Accounts | None") -> None:
    """Raise InputError when anyone could come in and nobody said so, or when MCP clients could not."""
    from chatbot.mcp_server import require_mcp
    from chatbot.serving import LOOPBACK

    if (host not in LOOPBACK or share) and not (accounts or public):
        where = "with --share on" if share else f"on {host}"
        raise InputError(
            f"{where} anyone could come in; make accounts (chatbot user add NAME), or add --public to let everyone "
            "ask and nobody change anything"
        )
    if mcp:
        require_mcp()
        if accounts:
            raise InputError("MCP clients cannot sign in, so --mcp goes without accounts; let them run: chatbot mcp")


def _fill(bot: "PaperChatbot") -> None:
    from chatbot import terminal

    try:
        len(bot)
    except IndexMissing:
        terminal.out.print("Nothing is indexed yet: ingesting the seed papers (about 15 seconds).")
        with terminal.progress_bar("Reading and embedding papers") as progress:
            terminal.show_report(bot.ingest(progress=progress), len(bot), str(bot.settings.index))
