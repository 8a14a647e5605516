"""The start of the server, and what it asks of nobody."""

import asyncio

import pytest
import requests
import streamlit as st
from streamlit import net_util
from streamlit.web.server import server_util

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
