"""What a step makes smaller: cross entropy with all that a recipe adds to it."""

from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.network import outputs
from training.recipe import Recipe


def losses(recipe: Recipe, network: nn.Module, images: Tensor, target: Tensor) -> tuple[Tensor, float, float]:
    """The loss to go down, the classifier's own part of it, and the share of pictures that it has right.

    `target` holds classes (B,) or, of mixed pictures, shares (B, K); of these the largest counts as right.
    """
    device, mixed = images.device.type, recipe.precision == "bfloat16"
    with torch.autocast(device, dtype=torch.bfloat16) if mixed else nullcontext():
        logits, *auxiliary = outputs(network, images) if recipe.auxiliary else [network(images)]
        own = F.cross_entropy(logits, target, label_smoothing=recipe.label_smoothing)
        loss = own
        for other in auxiliary:
            part = F.cross_entropy(other, target, label_smoothing=recipe.label_smoothing)
            loss = loss + recipe.auxiliary * part
    truth = target if target.ndim == 1 else target.argmax(1)
    right = (logits.detach().argmax(1) == truth).float().mean()
    return loss, own.item(), right.item()
