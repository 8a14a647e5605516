"""A reader without a browser: asks the server for pages over the same socket, to measure the server alone."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

_PROTOCOLS = [Subprotocol("streamlit"), Subprotocol("PLACEHOLDER_AUTH_TOKEN")]  # what its own client offers
_PATIENCE = 120.0  # seconds


class Session:
    """Asks over one connection; `session` opens one."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    def rerun(self, page: str) -> float:
        """Seconds until the script of a page has run and all that it shows is here."""
        message = BackMsg()
        message.rerun_script.page_name = page
        start = time.perf_counter()
        self._socket.send(message.SerializeToString())
        while True:
            content = self._socket.recv(timeout=_PATIENCE)
            answer = ForwardMsg()
            answer.ParseFromString(content if isinstance(content, bytes) else content.encode())
            if answer.delta.new_element.WhichOneof("type") == "exception":
                raise RuntimeError(answer.delta.new_element.exception.message)
            if answer.WhichOneof("type") == "script_finished":
                return time.perf_counter() - start


@contextmanager
def session(base: str) -> Iterator[Session]:
    """A reader of the app at `base`, http://host:port."""
    address = base.replace("http", "ws", 1) + "/_stcore/stream"
    with connect(address, subprotocols=_PROTOCOLS, origin=Origin(base), max_size=None) as socket:
        yield Session(socket)
