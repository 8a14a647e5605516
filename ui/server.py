"""The server from its start to its end."""

import gc
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pkgutil import iter_modules

import streamlit as st
import torch
from streamlit import net_util

import ui
from training.pool import shared
from training.runs import Runs
from zoo import limits, log

_SOON = 5.0  # seconds after the start, when the first page is drawn, until the rest is imported


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Around the time in which the server answers: the log, and what nobody shall wait for."""
    try:
        log.start()
        limits.check()
    except ValueError as error:  # which would end the start without a word
        sys.stderr.write(f"{error}\n")
        raise
    ask_nobody()
    from ui import cached  # noqa: F401  (here, because it looks for Streamlit's runtime)

    log.event("server start", streamlit=st.__version__, torch=torch.__version__)
    later = threading.Timer(_SOON, _later)
    later.daemon = True
    later.start()
    yield
    later.cancel()
    log.event("server end")


def ask_nobody() -> None:
    """Keep Streamlit from asking a host on the internet for the address of this machine.

    It would do so whenever a socket names a strange origin, and keep all readers waiting for up to two
    seconds. A page's own socket is allowed by the name that it was opened at.
    """
    net_util.get_external_ip = lambda: None


def _later() -> None:
    """Import what only some pages need, and let runs go on that a server has left."""
    for module in iter_modules(ui.__path__, "ui."):
        import_module(module.name)
    import torchvision  # noqa: F401

    from ui import cached

    gc.collect()
    gc.freeze()
    log.start()  # for libraries that came meanwhile
    if shared(Runs()):
        cached.pool()  # else the first who wants to train brings it
