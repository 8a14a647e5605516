"""A reader who is no browser and need not be polite: a bare socket, and what is sent over it."""

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

PATIENCE = 300.0  # seconds: the first page of a server imports torch, whatever else the machine does

_PROTOCOLS = [
    Subprotocol("streamlit"),
    Subprotocol("PLACEHOLDER_AUTH_TOKEN"),
]  # as Streamlit's page


def opened(base: str, *, origin: str | None = None) -> ClientConnection:
    """A connection to the app at `base`, http://host:port, of a page that came from `origin`, or from it."""
    address = base.replace("http", "ws", 1) + "/_stcore/stream"
    return connect(address, subprotocols=_PROTOCOLS, origin=Origin(origin or base), max_size=None)


def ask(socket: ClientConnection, page: str, query: str = "") -> None:
    """Let the script of a page run, and do not wait for it."""
    message = BackMsg()
    message.rerun_script.page_name, message.rerun_script.query_string = page, query
    socket.send(message.SerializeToString())


def answered(socket: ClientConnection) -> int:
    """The elements until a run comes to its end that was not overtaken; AssertionError for an exception."""
    elements = 0
    while True:
        message = ForwardMsg()
        message.ParseFromString(socket.recv(timeout=PATIENCE, decode=False))
        if message.delta.WhichOneof("type") == "new_element":
            assert message.delta.new_element.WhichOneof("type") != "exception", message.delta.new_element
        elements += message.WhichOneof("type") in ("delta", "ref_hash")
        if message.WhichOneof("type") == "script_finished":
            if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                return elements
            assert message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN
