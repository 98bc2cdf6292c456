"""The wheel carries all it needs: installed in another environment, outside the checkout, it answers."""

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.wheel
def test_an_installed_wheel_answers(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "dist"), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "chatbot/seeds/daily_papers.txt" in names
    assert "chatbot/prompts/answer.md" in names
    assert not [name for name in names if name.startswith(("evals", "tests"))]

    venv.create(tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    site = next((tmp_path / "venv" / "lib").glob("python*/site-packages"))
    # The dependencies come from this environment, which ``make`` has just installed; the package itself does not.
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    subprocess.run([*pip, "install", "-q", "--no-deps", "--no-index", str(wheel)], check=True)
    code = "import chatbot; from chatbot.cli import main; print(chatbot.__file__); main()"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    subprocess.run([python, "-c", code, "ingest"], check=True, cwd=elsewhere, capture_output=True)
    result = subprocess.run(
        [python, "-c", code, "ask", "What is LiNeS?"], cwd=elsewhere, capture_output=True, text=True
    )
    assert str(site) in result.stdout.splitlines()[0]
    assert "LiNeS: Post-training" in result.stdout, result.stderr
