"""Every page opens inside the shell, and the shell pays for the imports once."""

import gc
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from ui import shell

ROOT = Path(__file__).parents[1]
PAGES = sorted(f"pages/{path.name}" for path in (ROOT / "pages").glob("*.py"))


@pytest.mark.parametrize("path", PAGES)
def test_page_opens(app: AppTest, path: str) -> None:
    app.run()
    app.switch_page(path).run()
    assert not app.exception
    assert len(app.title) == 1


def test_table_holds_every_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is missing in the table has no address."""
    shown: list[tuple[str, str]] = []
    hidden: list[tuple[str, str]] = []

    def record(path: str, **settings: Any) -> SimpleNamespace:
        (hidden if settings["visibility"] == "hidden" else shown).append((path, settings["url_path"]))
        return SimpleNamespace(**settings)

    monkeypatch.setattr(st, "Page", record)
    shell.pages()
    assert sorted([path for path, _ in shown] + ["pages/admin.py"]) == PAGES
    assert ("pages/gallery.py", "") in shown
    assert all(address in ("", Path(path).stem) for path, address in shown)
    assert hidden == [("pages/gallery.py", "gallery"), ("pages/admin.py", "admin")]


def test_imports_are_frozen_once(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frozen objects are the ones that Python's collector no longer visits."""
    assert gc.get_freeze_count() > 100_000
    assert not any(thing is torch.nn.Conv2d for thing in gc.get_objects())
    again: list[str] = []
    monkeypatch.setattr(gc, "freeze", lambda: again.append("frozen"))
    app.run()
    app.run()
    assert not app.exception
    assert again == []


def test_the_process_ends_in_silence() -> None:
    """Frozen objects outlive the interpreter, and torch's bindings would list them by the hundred."""
    command = [sys.executable, "-c", "import ui.shell"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
