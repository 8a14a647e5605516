"""A reader without a browser: speaks the socket's protocol as Streamlit's page does, to measure the server.

It keeps what a page would keep: the address, the controls that were drawn, the fragments that want to be run
again and again. What it never does is draw.
"""

import asyncio
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

_PROTOCOLS = [Subprotocol("streamlit"), Subprotocol("PLACEHOLDER_AUTH_TOKEN")]  # what its own client offers
_PATIENCE = 120.0  # seconds
_REMEMBERED = 2  # runs without it after which a browser forgets a message: global.maxCachedMessageAge
_BOUNDARY = "a-boundary-that-no-picture-has-in-it"


class ScriptError(Exception):
    """The page showed an exception."""


@dataclass(eq=False)
class Session:
    """Asks over one connection; `session` opens one. One thing at a time."""

    base: str
    socket: ClientConnection
    patience: float = _PATIENCE  # seconds without a word from the server that are too long
    page: str = ""
    query: dict[str, str] = field(default_factory=dict)
    polls: dict[str, float] = field(default_factory=dict)  # fragments that run by themselves, seconds between
    received: int = 0  # bytes
    messages: int = 0
    weights: Counter[str] = field(default_factory=Counter)  # bytes of the last run by what they are for
    said: list[str] = field(default_factory=list)  # errors and warnings of the last run, in words
    _script: str = ""  # of the page
    _id: str = ""
    _controls: dict[str, str] = field(default_factory=dict)  # by key
    _runs: int = 0
    _known: dict[str, tuple[ForwardMsg, int]] = field(default_factory=dict)  # and in which run it last came
    _files: FileURLs | None = None

    async def open(self, page: str = "", **query: str) -> float:
        """Seconds until the script of a page has run and all that it shows is here."""
        self.page, self.query, self._script = page, query, ""
        return await self._run()

    async def rerun(self) -> float:
        """The same for the page that is open, as it is."""
        return await self._run()

    async def turn(self, key: str, **value: object) -> float:
        """The same after a control was turned; `value` as in `WidgetState`: `bool_value=True`."""
        return await self._run(WidgetState(id=self._controls[key], **value))  # type: ignore[arg-type]

    async def press(self, key: str) -> float:
        """The same after a press of a button."""
        return await self.turn(key, trigger_value=True)

    async def upload(self, key: str, name: str, content: bytes, kind: str = "image/png") -> float:
        """The same after a file was given to a control, its way to the server included."""
        start = time.perf_counter()
        ask = BackMsg()
        ask.file_urls_request.request_id = key
        ask.file_urls_request.file_names.append(name)
        ask.file_urls_request.session_id = self._id
        await self.socket.send(ask.SerializeToString())
        while self._files is None:
            self._take(await self._next())
        urls, self._files = self._files, None
        await asyncio.to_thread(_put, self.base, urls.upload_url, name, content, kind)
        state = WidgetState(id=self._controls[key])
        file = state.file_uploader_state_value.uploaded_file_info.add()
        file.name, file.size, file.file_id = name, len(content), urls.file_id
        file.file_urls.CopyFrom(urls)
        await self._run(state)
        return time.perf_counter() - start

    async def poll(self) -> list[float]:
        """Run each fragment that wants to be run again and again, once; seconds of each."""
        return [await self._run(fragment=fragment) for fragment in list(self.polls) if fragment in self.polls]

    def has(self, key: str) -> bool:
        """Was a control of this key drawn since the page was opened?"""
        return key in self._controls

    async def _run(self, *states: WidgetState, fragment: str = "") -> float:
        message = BackMsg()
        asked = message.rerun_script
        asked.page_name, asked.page_script_hash = self.page, self._script
        asked.query_string = urlencode(self.query)
        asked.widget_states.widgets.extend(states)
        self._runs += 1
        self._known = {
            hash: each for hash, each in self._known.items() if self._runs - each[1] <= _REMEMBERED
        }
        asked.cached_message_hashes.extend(self._known)
        asked.context_info.url = f"{self.base}/{self.page}"
        asked.context_info.timezone, asked.context_info.locale = "UTC", "en-GB"
        if fragment:
            asked.fragment_id, asked.is_auto_rerun = fragment, True
        self.said.clear()
        self.weights.clear()
        start = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        while not self._take(await self._next()):
            pass
        return time.perf_counter() - start

    async def _next(self) -> ForwardMsg:
        async with asyncio.timeout(self.patience):
            content = await self.socket.recv(decode=False)
        message = ForwardMsg()
        message.ParseFromString(content)
        self.received += len(content)
        self.messages += 1
        kind = message.delta.new_element.WhichOneof("type") or message.delta.WhichOneof("type")
        self.weights[kind or message.WhichOneof("type") or ""] += len(content)
        return message

    def _take(self, message: ForwardMsg) -> bool:
        """Remember what a message says; is the run over?"""
        if message.ref_hash:
            message = self._known[message.ref_hash][0]
        if message.metadata.cacheable:
            self._known[message.hash] = message, self._runs
        match message.WhichOneof("type"):
            case "delta":
                self._draw(message)
            case "new_session":
                session = message.new_session
                self._id = session.initialize.session_id or self._id
                if not message.metadata.run.fragment_ids:
                    self.polls.clear()
                    self._controls.clear()
            case "navigation":
                self._script = message.navigation.page_script_hash
            case "auto_rerun":
                self.polls[message.auto_rerun.fragment_id] = message.auto_rerun.interval
            case "page_info_changed":
                self.query = dict(parse_qsl(message.page_info_changed.query_string))
            case "file_urls_response":
                (self._files,) = message.file_urls_response.file_urls
            case "script_finished":
                return message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
        return False

    def _draw(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            trace = " | ".join(line.strip() for line in element.exception.stack_trace[-3:])
            raise ScriptError(f"{element.exception.type}: {element.exception.message} | {trace}")
        if kind == "alert":
            self.said.append(element.alert.body)
        drawn = getattr(element, kind) if kind else message.delta.add_block
        id = getattr(drawn, "id", "")
        if id.startswith("$$ID-"):  # $$ID-<hash>-<key>
            self._controls[id.split("-", 2)[2]] = id


def _put(base: str, path: str, name: str, content: bytes, kind: str) -> None:
    """Send a file as a browser does, with the token against forged requests."""
    with urllib.request.urlopen(f"{base}/_stcore/health", timeout=_PATIENCE) as answer:
        cookie = answer.headers.get("Set-Cookie", "").partition(";")[0]
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
    body = f"{head}Content-Type: {kind}\r\n\r\n".encode() + content + f"\r\n--{_BOUNDARY}--\r\n".encode()
    headers = {
        "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
        "Cookie": cookie,
        "X-Xsrftoken": cookie.partition("=")[2].strip('"'),
    }
    request = urllib.request.Request(f"{base}{urlsplit(path).path}", body, headers, method="PUT")
    urllib.request.urlopen(request, timeout=_PATIENCE).close()


@asynccontextmanager
async def session(base: str) -> AsyncIterator[Session]:
    """A reader of the app at `base`, http://host:port."""
    address = base.replace("http", "ws", 1) + "/_stcore/stream"
    opened = connect(
        address, subprotocols=_PROTOCOLS, origin=Origin(base), max_size=None, open_timeout=_PATIENCE,
        ping_interval=None, compression=None,
    )  # fmt: skip
    async with opened as socket:
        yield Session(base, socket)
