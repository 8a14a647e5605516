"""The start of the server, and what it asks of nobody."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import streamlit as st
from streamlit import config, net_util
from streamlit.proto.NewSession_pb2 import CustomThemeConfig, NewSession
from streamlit.runtime import RuntimeState, app_session
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import ScriptRunnerEvent
from streamlit.web.server import server_util

from tests.browser import driver
from tests.browser.session import session
from tests.waiting import until
from ui import cached, server, visits
from zoo import limits

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_limit_that_is_nonsense_ends_the_server_with_a_sentence() -> None:
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    command += ["--server.headless=true", "--server.port=0"]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120,
        env=os.environ | {limits.UPLOAD_MIB.variable: "much"},
    )  # fmt: skip
    assert ended.returncode == 1
    assert "ZOOLENS_UPLOAD_MIB=much" in ended.stderr
    assert "must be a whole number (MiB), 1 or more. The default is 32." in ended.stderr


def test_what_takes_long_is_imported_behind_the_first_answer() -> None:
    asked = "import sys, ui.browser, ui.server; print('torch' in sys.modules, 'zoo' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["False", "False"]


def test_a_strange_origin_makes_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(requests, "get", lambda address, **_: asked.append(address))
    monkeypatch.setattr(net_util, "get_external_ip", net_util.get_external_ip)  # put back afterwards
    assert not server_util.is_url_from_allowed_origins("http://elsewhere.example")
    assert asked, "Streamlit no longer asks: then nothing needs to keep it from that"
    asked.clear()
    server.ask_nobody()
    assert not server_util.is_url_from_allowed_origins("http://elsewhere.example")
    assert server_util.is_url_from_allowed_origins("http://localhost")
    assert asked == []


def test_themes_are_gathered_once_and_are_as_streamlit_gathers_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def sent() -> NewSession:
        message = NewSession()
        theme = message.custom_theme
        for part, section in (
            (theme, "theme"),
            (theme.light, "theme.light"),
            (theme.dark, "theme.dark"),
            (theme.sidebar, "theme.sidebar"),
            (theme.light.sidebar, "theme.light.sidebar"),
        ):
            app_session._populate_theme_msg(part, section)
        return message

    config.get_config_options(force_reparse=True)
    theirs = sent()
    assert theirs.custom_theme.light.sidebar.background_color == "#f3f5f7"
    asked: list[str] = []
    gather = app_session._populate_theme_msg

    def counted(msg: CustomThemeConfig, section: str = "theme") -> None:
        asked.append(section)
        gather(msg, section)

    monkeypatch.setattr(app_session, "_populate_theme_msg", counted)  # and put back afterwards
    server.read_themes_once()
    for _ in range(3):
        assert sent() == theirs
    assert len(asked) == 5


class Window:
    """Of a session of Streamlit: what its script tells, and how often that wakes the loop."""

    def __init__(self) -> None:
        self._event_loop = asyncio.get_running_loop()
        self.woken = 0
        self.seen: list[int] = []

    def _call_soon_on_event_loop(self, callback: Callable[[], None]) -> None:
        self.woken += 1
        self._event_loop.call_soon_threadsafe(callback)

    def _handle_scriptrunner_event_on_event_loop(
        self, sender: None, event: ScriptRunnerEvent, n: int
    ) -> None:
        assert threading.current_thread() is threading.main_thread()
        if n == 1:
            raise ValueError("the first element cannot be sent")
        self.seen.append(n)


def test_what_a_script_draws_is_sent_together_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AppSession, "_on_scriptrunner_event", None)  # and put back afterwards
    monkeypatch.setattr(server, "_TOGETHER", 60.0)
    server.send_together()
    failed = []

    async def run() -> Window:
        asyncio.get_running_loop().set_exception_handler(
            lambda _, what: failed.append(str(what["exception"]))
        )
        window = Window()
        told: Any = AppSession._on_scriptrunner_event
        tell = partial(told, window, None)

        def script() -> None:
            tell(ScriptRunnerEvent.SCRIPT_STARTED, 0)
            for n in range(1, 50):
                tell(ScriptRunnerEvent.ENQUEUE_FORWARD_MSG, n)
            tell(ScriptRunnerEvent.SCRIPT_STOPPED_WITH_SUCCESS, 50)

        await asyncio.to_thread(script)
        while 50 not in window.seen:
            await asyncio.sleep(0)
        return window

    window = asyncio.run(run())
    assert window.seen == [0, *range(2, 51)]
    assert failed == ["the first element cannot be sent"]
    assert 3 <= window.woken <= 4  # by the beginning, an element (again, where that one had gone) and the end


class Runtime:
    """Of Streamlit: what the server asks it, and whom it forgets."""

    def __init__(self, state: RuntimeState) -> None:
        self.state = state
        self.closed: list[str] = []

    def is_active_session(self, session: str) -> bool:
        return False

    def close_session(self, session: str) -> None:
        self.closed.append(session)


@pytest.mark.parametrize(
    ("state", "forgotten"),
    [(RuntimeState.NO_SESSIONS_CONNECTED, True), (RuntimeState.ONE_OR_MORE_SESSIONS_CONNECTED, False)],
)
def test_what_was_computed_for_pictures_goes_with_the_last_reader(
    monkeypatch: pytest.MonkeyPatch, state: RuntimeState, forgotten: bool
) -> None:
    runtime = Runtime(state)
    monkeypatch.setattr("ui.server.runtime.get_instance", lambda: runtime)
    monkeypatch.setattr(visits, "_left", {"a window": 0.0})
    cached.found(("a picture",), lambda: bytes(1 << 20))

    async def tidied() -> None:
        tidying = asyncio.create_task(server._tidy())
        while not runtime.closed:
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.1)
        tidying.cancel()

    monkeypatch.setattr(st, "get_option", lambda name: 1.0)
    asyncio.run(tidied())
    assert runtime.closed == ["a window"]
    assert (cached.results.bytes < 1 << 20) == forgotten
    cached.results.clear()


@pytest.mark.slow
def test_what_the_last_reader_has_uploaded_is_forgotten() -> None:
    """Nobody else comes, at which Streamlit itself would look whom to forget. It counts bytes of uploads."""

    async def upload(base: str) -> None:
        async with session(base) as reader:
            await reader.open("train")
            await reader.upload("train.upload", "own.json", b"{}", "application/json")
            assert await asyncio.to_thread(held, base)

    def held(base: str) -> bool:
        return "UploadedFileManager" in requests.get(f"{base}/_stcore/metrics", timeout=10).text

    with driver.serving(STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL="1") as base:
        asyncio.run(upload(base))
        until(lambda: not held(base), 60, every=0.1)
