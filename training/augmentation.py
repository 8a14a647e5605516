"""What is done to pictures before the network sees them, so that it never sees one twice the same."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from training.chance import drawn_from
from training.recipe import Recipe

MARGIN = 8  # a crop has an eighth of the picture's side around it


def per_picture(recipe: Recipe, strength: float = 1.0) -> Callable[[Tensor], Tensor] | None:
    """What happens to one picture, uint8 (C, H, W) -> the same; None where the recipe wants nothing.

    `strength` weakens RandAugment, for progressive resizing. Draws from torch's default generator.
    """
    # here, because the server does not augment and need not wait for the import
    from torchvision.transforms import v2

    steps: list[Callable[[Tensor], Tensor]] = []
    if recipe.flip:
        steps.append(v2.RandomHorizontalFlip())
    if recipe.crop:
        steps.append(v2.RandomCrop(recipe.size, padding=max(1, recipe.size // MARGIN)))
    if recipe.colour:
        steps.append(v2.ColorJitter(recipe.colour, recipe.colour, recipe.colour))
    if recipe.randaugment:
        steps.append(v2.RandAugment(num_ops=2, magnitude=round(strength * recipe.randaugment)))
    return v2.Compose(steps) if steps else None


def per_batch(
    recipe: Recipe, classes: int, strength: float = 1.0
) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None:
    """What mixes pictures: (B, C, H, W) and labels (B,) -> pictures and shares (B, K); None for nothing.

    Where a recipe wants both MixUp and CutMix, a coin for each batch decides. `strength` weakens MixUp.
    """
    from torchvision.transforms import v2

    mixes = []
    if recipe.mixup:
        mixes.append(v2.MixUp(alpha=strength * recipe.mixup, num_classes=classes))
    if recipe.cutmix:
        mixes.append(v2.CutMix(alpha=recipe.cutmix, num_classes=classes))
    if not mixes:
        return None
    return mixes[0] if len(mixes) == 1 else v2.RandomChoice(mixes)


def augmented(pictures: Tensor, change: Callable[[Tensor], Tensor] | None) -> Tensor:
    """Each picture of (B, C, H, W) changed by itself."""
    return pictures if change is None else torch.stack([change(picture) for picture in pictures])


def examples(
    pictures: Tensor, labels: Tensor, classes: int, recipe: Recipe, count: int, seed: int
) -> tuple[Tensor, Tensor]:
    """What the recipe makes of the first picture and its label (P,) in `count` draws.

    uint8 (P, C, H, W) -> (count, C, H, W) and shares (count, K). The other pictures are those it may be mixed
    with, so there have to be some where the recipe mixes.
    """
    size = pictures.shape[-1]
    change = per_picture(replace(recipe, size=size))
    mix = per_batch(recipe, classes)
    drawn, shares = [], []
    for at in range(count):
        with drawn_from(torch.device("cpu"), seed, "example", at):
            partner = 1 + int(torch.randint(len(pictures) - 1, ())) if mix else 0
            both = [0, partner] if mix else [0]
            made, share = augmented(pictures[both], change), F.one_hot(labels[both], classes).float()
            if mix:
                mixed, share = mix(made.float(), labels[both])
                made = mixed.round().clamp(0, 255).byte()
            drawn.append(made[0])
            shares.append(share[0])
    return torch.stack(drawn), torch.stack(shares)
