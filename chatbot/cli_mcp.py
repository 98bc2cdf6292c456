"""The ``chatbot mcp`` command.

Knows options; leaves the protocol to ``mcp_server``.
"""

import typer

from chatbot.options import EmbeddingOption, IndexOption, ModelOption, PromptsOption


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(mcp)


def mcp(
    index: IndexOption = None,
    embedding: EmbeddingOption = None,
    model: ModelOption = None,
    prompts: PromptsOption = None,
) -> None:
    """Be an MCP server over standard input and output, for desktop clients that start it themselves."""
    from chatbot.mcp_server import require_mcp, serve_stdio
    from chatbot.pipeline import PaperChatbot

    require_mcp()
    bot = PaperChatbot(index=index, embedding=embedding, model=model, prompts=prompts)
    len(bot)  # a missing index is told at once, where the client shows it
    serve_stdio(bot)
