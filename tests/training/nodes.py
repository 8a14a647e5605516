"""A Ray cluster on this machine: `python -m tests.training.nodes`, a head without cores and two nodes of one.

Says the port for clients. At each line that it reads, a node that trains goes as in a power cut; at the end
of its input all of it ends.
"""

import os
import signal
import socket
import sys
import warnings
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
    for _ in sys.stdin:
        for node in nodes:
            raylet = node.all_processes["raylet"][0].process.pid
            on_it = [raylet, *_below(raylet)]
            if any(b"mortal" in (_PROC / str(each) / "cmdline").read_bytes() for each in on_it):
                for each in on_it:
                    os.kill(each, signal.SIGKILL)
                break
    cluster.shutdown()


if __name__ == "__main__":
    main()
