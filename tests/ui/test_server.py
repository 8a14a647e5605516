"""The server asks nobody on the internet, whatever a socket says of itself."""

import pytest
import requests
from streamlit import net_util
from streamlit.web.server import server_util

from ui import server


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
