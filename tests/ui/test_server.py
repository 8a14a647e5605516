"""The start of the server."""

import asyncio

import pytest
import streamlit as st

from ui import server
from zoo import limits, log


def test_a_limit_that_is_nonsense_ends_the_start_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The start of a server that ends without a word is what its owner would see else."""

    async def start() -> None:
        async with server.lifespan(st.App("app.py")):
            pass

    monkeypatch.setattr(log, "start", lambda: None)
    monkeypatch.setenv(limits.UPLOAD_MIB.variable, "much")
    with pytest.raises(ValueError, match="ZOOLENS_UPLOAD_MIB=much"):
        asyncio.run(start())
    assert "must be a whole number (MiB), 1 or more. The default is 32." in capsys.readouterr().err
