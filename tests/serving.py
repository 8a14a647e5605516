"""A server of files on this machine, which may break off, begin at the beginning, lie or stay silent."""

import http.server
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Site:
    """What is served, and how badly."""

    folder: Path
    address: str = ""
    cut_after: list[int] = field(default_factory=list)  # bytes of an answer before each line breaks, in turn
    ranges: bool = True  # False: every answer begins at the beginning
    lengths: bool = True  # False: no answer says how long it is
    code: int = 0  # of every answer; 0: as it should be
    silence: float = 0.0  # seconds before every answer
    pace: float = 0.0  # seconds between two pieces
    asked: list[tuple[str, str]] = field(default_factory=list)  # path and range of each request


@contextmanager
def serving(folder: Path) -> Iterator[Site]:
    """A folder at `Site.address`, until the block ends."""
    site = Site(folder)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            site.asked.append((self.path, wanted))
            time.sleep(site.silence)
            path = site.folder / self.path.strip("/")
            if site.code or not path.is_file():
                self.send_error(site.code or 404)
                return
            content = path.read_bytes()
            match = re.fullmatch(r"bytes=(\d+)-", wanted)
            start = int(match[1]) if match and site.ranges else 0
            if start >= len(content) and match:
                self.send_error(416)
                return
            self.send_response(206 if match and site.ranges else 200)
            if match and site.ranges:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            if site.lengths:
                self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            body = content[start : start + site.cut_after.pop(0)] if site.cut_after else content[start:]
            for at in range(0, len(body), 1 << 14):
                self.wfile.write(body[at : at + (1 << 14)])
                time.sleep(site.pace)

        def log_message(self, *_: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:  # a reader who hangs up is no news
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        site.address = f"http://127.0.0.1:{server.server_port}"
        yield site
        server.shutdown()
        thread.join()
