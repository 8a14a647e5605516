"""Live training: what to train (Recipe), the training itself (Trainer, train), and runs on disk (Runs)."""

from training.loop import Trainer, train
from training.recipe import Recipe
from training.runs import Runs

__all__ = ["Recipe", "Runs", "Trainer", "train"]
