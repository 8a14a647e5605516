"""Importing the zoo is cheap however many families there are: it reads records and builds nothing."""

import subprocess
import sys
from pathlib import Path

CHILD = """
import sys, time
import torch
built = []
torch.nn.Module.__init__ = lambda self, *args, **kwargs: built.append(type(self).__name__)
before = time.process_time()
import zoo
spent = time.process_time() - before
heavy = [name for name in ("torchvision", "streamlit", "plotly", "timm") if name in sys.modules]
print(len(zoo.FAMILIES) > 10, built, heavy, spent < 0.3, spent)
"""


def test_it_builds_nothing_and_needs_torch_alone() -> None:
    command = [sys.executable, "-W", "error", "-c", CHILD]
    run = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert run.stdout.startswith("True [] [] True"), run.stdout + run.stderr
