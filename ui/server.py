"""The server from its start to its end."""

import gc
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
import torch

from zoo import limits, log


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Around the time in which the server answers: the log, and what nobody shall wait for."""
    try:
        log.start()
        limits.check()
    except ValueError as error:  # which would end the start without a word
        sys.stderr.write(f"{error}\n")
        raise
    from ui import cached  # noqa: F401  (here, because it looks for Streamlit's runtime)

    log.event("server start", streamlit=st.__version__, torch=torch.__version__)
    threading.Thread(target=_later, name="imports", daemon=True).start()
    yield
    log.event("server end")


def _later() -> None:
    """Import what only some pages need."""
    import torchvision  # noqa: F401

    gc.collect()
    gc.freeze()
    log.start()  # for libraries that came meanwhile
