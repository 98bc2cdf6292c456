"""Nothing phones home: the whole product runs in a process whose sockets reach only this machine."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.conftest import make_record

PROGRAM = """
import socket, sys, threading
ALLOWED = ("127.", "::1", "localhost")
attempts = []

def guard(name):
    original = getattr(socket.socket, name)
    def checked(self, address, *rest):
        if self.family != socket.AF_UNIX and not str(address[0]).startswith(ALLOWED):
            attempts.append(address)
            raise OSError(f"blocked {address}")
        return original(self, address, *rest)
    setattr(socket.socket, name, checked)

for name in ("connect", "connect_ex", "sendto"):
    guard(name)
resolve = socket.getaddrinfo
def checked_resolve(host, *rest, **named):
    if host and not str(host).startswith(ALLOWED) and host != "0.0.0.0":
        attempts.append(host)
        raise OSError(f"blocked {host}")
    return resolve(host, *rest, **named)
socket.getaddrinfo = checked_resolve

from chatbot import PaperChatbot
from chatbot.ui import build_page
bot = PaperChatbot(index=sys.argv[1])
bot.ingest(sys.argv[2])
assert bot.ask("What is LiNeS?").status == "answered"
bot.as_retriever().invoke("layers")
assert bot.as_runnable().invoke("What is LiNeS?").status == "answered"
page = build_page(bot)
_, url, _ = page.launch(server_name="127.0.0.1", quiet=True, prevent_thread_lock=True)
from gradio_client import Client
assert "LiNeS" in str(Client(url, verbose=False).predict("What is LiNeS?", api_name="/ask_papers"))
page.close()
print("attempts:", attempts)
sys.exit(bool(attempts))
"""


def test_whole_product_stays_on_this_machine(
    seed_index: Path, tmp_path: Path, write_jsonl: Callable[..., Path]
) -> None:
    words = [shutil.copytree(seed_index, tmp_path / "index"), write_jsonl(make_record(1))]
    result = subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr[-2000:]
