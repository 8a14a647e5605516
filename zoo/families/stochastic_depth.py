"""Stochastic depth: a ResNet that skips a random part of its blocks while it trains, and none afterwards.

Huang, Sun, Liu, Sedra, Weinberger, "Deep Networks with Stochastic Depth", 2016, arXiv:1603.09382. Training
rule: section 3, equation 2. Survival probabilities: equation 4. Test rule: equation 5. The network is
ResNet-110; blocks, stem and module order are those of `resnet`.

B images, C channels, H x W pixels, s stride, L blocks, p_l probability that block l survives, l = 1 .. L.
"""

import itertools

import torch
from torch import Tensor, nn

from zoo.families.resnet import BasicBlock, ResidualNetwork, make_stages, make_stem
from zoo.family import Deviation, Family, Knob, Published, Story, Variant


class StochasticBlock(BasicBlock):
    """ResNet's basic block, with a coin for each batch: (B, cin, H, W) -> (B, width, H/s, W/s).

    Training: ReLU(x + b f(x)), where b is 1 with probability `survival`, else 0, and f is not even computed.
    Afterwards: ReLU(x + survival f(x)), the value that b takes on average.
    """

    def __init__(self, cin: int, width: int, stride: int, shortcut: str, survival: float) -> None:
        super().__init__(cin, width, stride, shortcut, stride_in="3x3")
        self.survival = survival

    def forward(self, x: Tensor) -> Tensor:
        around = x if self.shortcut is None else self.shortcut(x)  # (B, width, H/s, W/s)
        if self.training and torch.rand(()) >= self.survival:
            return self.relu2(around)
        y = self.relu1(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))  # (B, width, H/s, W/s)
        if not self.training and self.survival < 1:
            y = self.survival * y
        return self.relu2(around + y)


def survival(block: int, blocks: int, last: float) -> float:
    """p_l of block l = `block` of L = `blocks`: falls evenly from 1 at the image to p_L = `last` at the end.

    The first layers find what all later ones need, so they are dropped least.
    """
    return 1 - block / blocks * (1 - last)


class StochasticDepthResNet(ResidualNetwork):
    """A CIFAR ResNet whose block l survives a training step with probability p_l."""

    def __init__(
        self,
        *,
        depths: tuple[int, ...],
        last_survival: float = 0.5,
        width: int = 16,
        shortcut: str = "projection",
        num_classes: int,
    ) -> None:
        number = itertools.count(1)

        def make_block(stage: int, cin: int, cout: int, stride: int) -> nn.Module:
            p = survival(next(number), sum(depths), last_survival)
            return StochasticBlock(cin, cout, stride, shortcut, p)

        stages = make_stages(depths, width, width, make_block)
        super().__init__(make_stem("3x3", width), stages, width << len(depths) - 1, num_classes)


FAMILY = Family(
    key="stochastic_depth",
    title="Stochastic depth",
    year=2016,
    paper="Deep Networks with Stochastic Depth",
    authors="Huang, Sun, Liu, Sedra, Weinberger",
    link="https://arxiv.org/abs/1603.09382",
    kind="shortcuts",
    parents=("resnet",),
    idea="Train a short network and use a deep one: skip random blocks in every step, none at test time.",
    story=Story(
        problem="Very deep ResNets learn slowly: gradients shrink on their way down, the features of early "
        "layers wash out on their way up, and one step through more than a hundred layers takes long.",
        trick="Toss a coin for each block and each batch. With probability 1 - p the block is left out and "
        "only its shortcut remains. p falls evenly, from almost 1 at the first block to 0.5 at the last. At "
        "test time all blocks run, each weighted by its p.",
        cost="None at test time, where it is an ordinary ResNet. Training gets cheaper: of 54 blocks only "
        "about 40 are computed in a step, which saves about a quarter of the time.",
        outcome="ResNet-110 improved from 6.41 to 5.23 % error on CIFAR-10. 1202 layers, with which ResNet "
        "had got worse again (7.93 %), reached 4.91 %. The rule can be read as averaging 2^L networks of "
        "different depth. EfficientNet, Swin and ConvNeXt all train with it.",
    ),
    model=StochasticDepthResNet,
    lesson=StochasticBlock,
    stages=("stem", "stages", "pool", "head"),
    table="section 4",
    knobs=(
        Knob(
            name="last_survival",
            meaning="probability that the last block survives a step; 1 drops nothing, a plain ResNet",
            choices=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
        ),
        Knob(name="depths", meaning="blocks in this stage", choices=tuple(range(1, 37))),
        Knob(
            name="width",
            meaning="channels of the stem and of the first stage",
            choices=(8, 12, 16, 24, 32, 48, 64),
        ),
        Knob(
            name="shortcut",
            meaning="what runs beside a block whose shape changes",
            choices=("projection", "padding", "average"),
        ),
    ),
    deviations=(
        Deviation(
            what="The network projects where the shape changes (ResNet's option B), as our ResNet-110 does.",
            effect="1,730,714 parameters; turn the shortcut to padding for ResNet's option A, 1,727,962.",
        ),
        Deviation(
            what="Younger families divide by p while training instead of multiplying by p afterwards, and "
            "toss a coin for each image, not for each batch. This file keeps the paper's rule.",
            effect="The same on average; only with one coin for the batch is there a block to skip.",
        ),
    ),
    variants=(
        Variant(
            name="stochastic_depth_classroom",
            title="Stochastic depth, classroom size",
            config={"depths": (2, 2, 2), "width": 8, "last_survival": 0.8},
            input_size=32,
            num_classes=10,
            note="Six blocks; a short network wants to keep more of them than a long one.",
        ),
        Variant(
            name="resnet110_sd_cifar10",
            title="ResNet-110 with stochastic depth for CIFAR-10",
            config={"depths": (18, 18, 18), "last_survival": 0.5},
            input_size=32,
            num_classes=10,
            published=Published(
                params=1_730_714,
                macs=253_149_824,
                source="pytorchcv resnet110_cifar10, the same network at test time",
                adapted="pytorchcv resnet110_cifar10 with its branches weighted",
            ),
            note="54 blocks, the last of which survives every second step; 5.23 % error in the paper.",
        ),
    ),
)
