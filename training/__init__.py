"""Live training: what to train (Recipe), the training itself (Trainer, train), and runs on disk (Runs)."""

from training.recipe import Recipe

__all__ = ["Recipe"]
