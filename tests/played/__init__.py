"""Published weights played by random ones, in this process and in those that it starts.

Python imports the module `sitecustomize` of this folder when it starts and finds the folder on its path.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from torchvision.models import get_model

from tests.serving import Site, serving
from zoo import imagenet

NAME = "squeezenet1_1"
_HERE = Path(__file__).parent
_PLAYED = "ZOOLENS_TESTS_PLAY"  # in the environment: the name of the file and its size


@contextmanager
def played(folder: Path) -> Iterator[tuple[Site, dict[str, str]]]:
    """A server with weights for SqueezeNet, named by their checksum, and the variables that lead there."""
    torch.save(get_model(NAME, weights=None).state_dict(), folder / "new.pth")
    digest = hashlib.sha256((folder / "new.pth").read_bytes()).hexdigest()[:8]
    path = (folder / "new.pth").rename(folder / f"{NAME}-{digest}.pth")
    paths = [str(_HERE), str(_HERE.parents[1])]
    with serving(folder) as site:
        yield (
            site,
            {
                "ZOOLENS_MIRROR": site.address,
                "PYTHONPATH": os.pathsep.join([*paths, *filter(None, [os.environ.get("PYTHONPATH")])]),
                _PLAYED: f"{path.name}:{path.stat().st_size}",
            },
        )


def play() -> None:
    """From now on torchvision says of SqueezeNet what the environment says."""
    file, _, size = os.environ[_PLAYED].partition(":")
    real = imagenet._entry
    entry = replace(real(NAME), url=f"https://example.org/{file}", size=int(size))
    imagenet._entry = lambda name: entry if name == NAME else real(name)  # type: ignore[assignment]
