"""A Ray cluster on this machine: `python -m tests.training.nodes`, a head without cores and two nodes of one.

Says the port for clients. What it reads says which node goes as in a power cut, `leads`: one whose process
has the lock of a run, `helps`: one whose process works for such a one. After `come` there is another node.
At the end of its input all of it ends.
"""

import os
import signal
import socket
import sys
import warnings
from contextlib import suppress
from pathlib import Path

warnings.simplefilter("ignore")

from ray.cluster_utils import Cluster  # noqa: E402

_PROC = Path("/proc")
_SMALL = 80 << 20  # bytes for Ray's objects


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _below(parent: int) -> list[int]:
    """All processes that a process has started, and what they have."""
    children = [
        int(path.name) for path in _PROC.glob("[0-9]*")
        if f"\nPPid:\t{parent}\n" in _status(path)
    ]  # fmt: skip
    return children + [each for child in children for each in _below(child)]


def _status(process: Path) -> str:
    try:
        return (process / "status").read_text()
    except OSError:  # it has ended
        return ""


def _leads(process: int) -> bool:
    """Whether it has the lock of a run open."""
    for file in (_PROC / f"{process}" / "fd").iterdir():
        with suppress(OSError):  # it has been closed
            if os.readlink(file).endswith("/lock"):
                return True
    return False


def main() -> None:
    port = _free_port()
    cluster = Cluster(
        initialize_head=True,
        head_node_args={
            "num_cpus": 0, "ray_client_server_port": port, "include_dashboard": False,
            "object_store_memory": _SMALL,
        },
    )  # fmt: skip
    nodes = [cluster.add_node(num_cpus=1, object_store_memory=_SMALL) for _ in range(2)]
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    for line in sys.stdin:
        if line == "come\n":
            nodes.append(cluster.add_node(num_cpus=1, object_store_memory=_SMALL))
            continue
        for node in nodes:
            raylet = node.all_processes["raylet"][0].process.pid
            on_it = [raylet, *_below(raylet)]
            train = [each for each in on_it if b"mortal" in (_PROC / f"{each}" / "cmdline").read_bytes()]
            if train and any(map(_leads, train)) == (line == "leads\n"):
                nodes.remove(node)
                for each in on_it:
                    os.kill(each, signal.SIGKILL)
                break
    cluster.shutdown()


if __name__ == "__main__":
    main()
