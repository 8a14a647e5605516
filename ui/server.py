"""The server from its start to its end.

It answers at once, and imports what pages need while the first browser loads Streamlit's own files. So this
module imports nothing that takes long.
"""

import asyncio
import gc
import os
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache, partial
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import streamlit as st
from streamlit import net_util, runtime
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session
from streamlit.runtime.scriptrunner import ScriptRunnerEvent

import ui
from ui import memory

_SOON = 5.0  # seconds after pages can be drawn until what only some of them need is imported
_SWITCH = 0.001  # seconds that a thread computes while others want to go on; of Python itself: 0.005
_TOGETHER = 0.005  # seconds within which what a script draws is sent together
_LOOKS = 6  # for those who have left, in the time in which they can come back to where they were
_ready = threading.Event()
_ready.set()  # without a server, as in tests, a page imports what it needs


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Around the time in which the server answers."""
    memory.one_heap()
    ask_nobody()
    read_themes_once()
    send_together()
    # A script, and the thread that sends what it draws, ask for Python's lock again and again: at the
    # default, beside somebody's computing, a page of a few milliseconds would take hundreds.
    sys.setswitchinterval(_SWITCH)
    _ready.clear()
    threading.Thread(target=_begin, daemon=True).start()
    tidying = asyncio.create_task(_tidy())
    yield
    tidying.cancel()
    if _ready.is_set():
        from zoo import log

        log.event("server end")


def ready() -> None:
    """Wait until a page can be drawn."""
    _ready.wait()


def ask_nobody() -> None:
    """Keep Streamlit from asking a host on the internet for the address of this machine.

    It would do so whenever a socket names a strange origin, and keep all readers waiting for up to two
    seconds. A page's own socket is allowed by the name that it was opened at.
    """
    net_util.get_external_ip = lambda: None


def read_themes_once() -> None:
    """Keep Streamlit from gathering the settings of the themes anew in every rerun of every reader.

    It goes through all of its settings six times for that, for more than 1 ms, in which
    nobody else's page goes on.
    """
    gather = app_session._populate_theme_msg

    @cache
    def made(section: str) -> bytes:
        theme = CustomThemeConfig()
        gather(theme, section)
        return theme.SerializeToString()

    def copied(msg: CustomThemeConfig, section: str = "theme") -> None:
        if theme := made(section):
            msg.MergeFromString(theme)

    app_session._populate_theme_msg = copied


def send_together() -> None:
    """Keep a script from waking the thread that sends for each of the dozens of elements that it draws.

    Each time it would have to wait for Python's lock again, behind whoever computes. What is drawn within a
    few milliseconds is sent together, and what begins or ends a script at once.
    """
    waiting: deque[Callable[[], None]] = deque()
    due = threading.Event()

    def send(loop: asyncio.AbstractEventLoop) -> None:
        due.clear()
        try:
            while waiting:
                waiting.popleft()()
        finally:
            if waiting:  # one has failed, which the loop tells of
                loop.call_soon(send, loop)

    def soon(loop: asyncio.AbstractEventLoop) -> None:
        loop.call_later(_TOGETHER, send, loop)

    def told(
        self: app_session.AppSession, sender: Any, event: ScriptRunnerEvent, *more: Any, **named: Any
    ) -> None:
        waiting.append(partial(self._handle_scriptrunner_event_on_event_loop, sender, event, *more, **named))
        if event != ScriptRunnerEvent.ENQUEUE_FORWARD_MSG:
            self._call_soon_on_event_loop(partial(send, self._event_loop))
        elif not due.is_set():
            due.set()
            self._call_soon_on_event_loop(partial(soon, self._event_loop))

    app_session.AppSession._on_scriptrunner_event = told  # type: ignore[method-assign]


def _begin() -> None:
    """Start the log, and import what every page needs; a wrong limit ends the server with a sentence."""
    try:
        import torch

        from ui import cached, shell  # noqa: F401  (most of it)
        from zoo import limits, log

        log.start()
        limits.check()
        log.event("server start", streamlit=st.__version__, torch=torch.__version__)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        sys.stderr.flush()
        os._exit(1)  # from a thread; nothing is under way yet
    finally:
        _ready.set()  # in any case: what else has failed fails again in a page, which tells of it
    later = threading.Timer(_SOON, _later)
    later.daemon = True
    later.start()


async def _tidy() -> None:
    """Again and again: forget who left long ago, and give back what they held, once for all of them.

    Streamlit itself would forget them no sooner than somebody else leaves, so that the pictures of a class
    would stay over night. On its own thread, which is the one to end sessions. What was computed for them
    goes when nobody is left.
    """
    remembered = float(st.get_option("server.disconnectedSessionTTL"))  # seconds, to come back in
    rest = max(1.0, remembered / _LOOKS)
    while True:
        await asyncio.sleep(rest)
        if not _ready.is_set():
            continue
        from ui import cached, visits

        here = runtime.get_instance()
        gone = [each for each in visits.left(remembered - 2 * rest) if not here.is_active_session(each)]
        for session in gone:
            here.close_session(session)
        if not gone:
            continue
        if here.state == runtime.RuntimeState.NO_SESSIONS_CONNECTED:
            cached.forget_pictures()
        gc.collect()  # what they leave refers to itself in circles, and Python rarely looks for those
        await asyncio.to_thread(memory.trim)


def _later() -> None:
    """Import what only some pages need, and let runs go on that a server has left."""
    for module in iter_modules(ui.__path__, "ui."):
        import_module(module.name)
    import torchvision  # noqa: F401

    from training.pool import shared
    from training.runs import Runs
    from ui import cached
    from zoo import log

    gc.collect()
    gc.freeze()
    log.start()  # for libraries that came meanwhile
    if shared(Runs()):
        cached.pool()  # else the first who wants to train brings it
    cached.apart().start()
