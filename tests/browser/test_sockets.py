"""Readers who are no browsers: who hammer, say nothing, or talk nonsense. Everybody else goes on."""

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from tests.browser import driver
from tests.browser.raw import answered, ask, opened

PAGE = "swin"
RERUNS = 200
SILENT = 50
FEW = 10  # elements: fewer are no page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """A server of their own: what they do to it, they do to no other test."""
    with driver.serving() as base:
        yield base


def everybody_else_goes_on(base: str, *readers: ClientConnection) -> None:
    """Those who were here before see their page, and so does who comes now."""
    with opened(base) as newcomer:
        for reader in (*readers, newcomer):
            ask(reader, PAGE)
        for reader in (*readers, newcomer):
            assert answered(reader) > FEW
    with urllib.request.urlopen(f"{base}/_stcore/health", timeout=10) as health:
        assert health.status == 200


def test_two_hundred_reruns_before_the_first_is_over(base: str) -> None:
    """As from a slider that is dragged by force: the last one is shown, nothing is raised."""
    with opened(base) as calm, opened(base) as hasty:
        for number in range(RERUNS):
            ask(hasty, PAGE, f"swin.step={number % 5 + 1}")
        everybody_else_goes_on(base, calm)
        assert answered(hasty) > FEW


def test_sockets_that_say_nothing(base: str) -> None:
    with ExitStack() as silent, opened(base) as reader:
        for _ in range(SILENT):
            silent.enter_context(opened(base))
        everybody_else_goes_on(base, reader)
    everybody_else_goes_on(base)


NONSENSE: dict[str, BackMsg | bytes | str] = {
    "nothing": b"",
    "zero": b"\0",
    "noise": b"\xff" * 1_000,
    "another protocol": b"GET / HTTP/1.1\r\n\r\n",
    "text": "{}" * 1_000,
    "too large": b"\0" * (26 << 20),
    "another page": BackMsg(rerun_script=ClientState(page_name="../../etc/passwd")),
    "no page": BackMsg(rerun_script=ClientState(page_script_hash="0" * 32)),
    "an endless query": BackMsg(rerun_script=ClientState(query_string="%" * 100_000)),
    "nobody's fragment": BackMsg(rerun_script=ClientState(fragment_id="0")),
    "stop": BackMsg(stop_script=True),
    "shut down": BackMsg(debug_shutdown_runtime=True),
    "clear the caches": BackMsg(clear_cache=True),
}


@pytest.mark.parametrize("message", NONSENSE.values(), ids=NONSENSE)
def test_sockets_that_talk_nonsense(base: str, message: BackMsg | bytes | str) -> None:
    sent = message.SerializeToString() if isinstance(message, BackMsg) else message
    with opened(base) as reader, opened(base) as babbler:
        with suppress(ConnectionClosed):  # the server hangs up, or takes no notice
            babbler.send(sent)
            babbler.send(sent)
            time.sleep(0.1)
        everybody_else_goes_on(base, reader)


def test_one_window_closes_beside_another(base: str) -> None:
    """A second tab is a reader of its own: where it goes, and that it goes, the first does not notice."""
    with opened(base) as first:
        ask(first, PAGE, "swin.step=2")
        before = answered(first)
        with opened(base) as second:
            ask(second, PAGE, "swin.step=3")
        ask(first, PAGE, "swin.step=2")
        assert answered(first) == before


def test_pages_of_other_sites_get_no_socket(base: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        opened(base, origin="https://elsewhere.example")
    assert refused.value.response.status_code == 403


def test_a_server_that_has_a_name_answers_to_no_other() -> None:
    """As SECURITY.md advises behind a proxy."""
    with driver.serving(STREAMLIT_SERVER_ALLOWED_HOSTS="zoolens.example.org") as base:
        with pytest.raises(InvalidStatus) as refused:
            opened(base)
        assert refused.value.response.status_code == 403


def test_nothing_is_uploaded_without_a_session_and_its_token(base: str) -> None:
    asked = urllib.request.Request(f"{base}/_stcore/upload_file/nobody/1", data=b"x", method="PUT")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked, timeout=10)
    with refused.value:
        assert refused.value.code in (400, 403)
