"""NFNet: a deep residual network without batch norm, because every step is built to keep the variance at one.

Brock, De, Smith, Simonyan, "High-Performance Large-Scale Image Recognition Without Normalization", 2021,
arXiv:2102.06171. Rows: table 1. Block: figure 3. Standardised weights, alpha, beta and gamma: section 3,
from their "Characterizing Signal Propagation to Close the Performance Gap in Unnormalized ResNets", 2021,
arXiv:2101.08692. SkipInit: De and Smith, 2020, arXiv:2002.10444. What the paper leaves open follows the
authors' code; module order follows timm's port of it. Adaptive gradient clipping belongs to the training.

B images, C channels, H x W pixels, s stride.
"""

import torch
from torch import Tensor, flatten, nn
from torch.nn import functional as F

from zoo.families.senet import SqueezeExcite
from zoo.family import Deviation, Family, Knob, Published, Story, Variant, both_printed
from zoo.layers import SamePad, StochasticDepth

ALPHA = 0.2  # how much a branch adds: variance ALPHA^2 to the signal's 1
GAMMA = 1.7015043497085571  # 1 / deviation of GELU(z) for z of mean 0 and deviation 1


class Scale(nn.Module):
    """Times a fixed number."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


class SkipInit(nn.Module):
    """Times one learned number; where it starts at 0, a branch is silent until training lets it speak."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(start))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gain


class ScaledGELU(nn.Sequential):
    """GELU whose output has variance one where its input is normal with variance one."""

    def __init__(self) -> None:
        super().__init__()
        self.gelu = nn.GELU()
        self.gamma = Scale(GAMMA)


class ScaledConv(nn.Conv2d):
    """A convolution with standardised weights: (B, cin, H, W) -> (B, cout, H/s, W/s).

    Of each output channel's weights the mean is taken out, so that no channel drifts; their variance becomes
    gain^2 / fan-in, so that the output varies as much as the input. Batch norm does both to the activations.
    """

    def __init__(self, cin: int, cout: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(cin, cout, kernel, stride, padding=kernel // 2 if stride == 1 else 0, groups=groups)
        self.gain = nn.Parameter(torch.ones(cout, 1, 1, 1))
        self.pad = SamePad((kernel, kernel), stride) if stride > 1 else None
        nn.init.kaiming_normal_(self.weight, mode="fan_in", nonlinearity="linear")
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def standardised(self) -> Tensor:
        centred = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        variance = centred.square().mean((1, 2, 3), keepdim=True)  # (cout, 1, 1, 1)
        fan_in = self.weight[0].numel()
        return self.gain * centred / (fan_in * (variance + 1e-5)).sqrt()

    def forward(self, x: Tensor) -> Tensor:
        if self.pad is not None:
            x = self.pad(x)
        return F.conv2d(x, self.standardised(), self.bias, self.stride, self.padding, groups=self.groups)


class NFBlock(nn.Module):
    """x + alpha f(x / beta): (B, cin, H, W) -> (B, cout, H/s, W/s).

    beta is the deviation that x is expected to have. The branch f: 1x1, two grouped 3x3, 1x1, each after an
    activation, squeeze-and-excitation, and SkipInit unless `skip_gain` is None.
    """

    def __init__(
        self,
        cin: int,
        cout: int,
        stride: int,
        *,
        bottleneck: float,
        group_width: int,
        beta: float,
        drop_path: float,
        skip_gain: float | None,
    ) -> None:
        super().__init__()
        inner = int(cout * bottleneck)
        group_width = min(group_width, inner)
        groups = inner // group_width
        inner = groups * group_width
        self.skip_init = None if skip_gain is None else SkipInit(skip_gain)
        self.shortcut = None
        if cin != cout or stride > 1:
            self.shortcut = nn.Sequential()
            if stride > 1:
                self.shortcut.add_module("pool", nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False))
            self.shortcut.add_module("conv", ScaledConv(cin, cout, 1))
        self.act1 = ScaledGELU()
        self.by_beta = Scale(1 / beta)
        self.conv1 = ScaledConv(cin, inner, 1)
        self.act2 = ScaledGELU()
        self.conv2 = ScaledConv(inner, inner, 3, stride, groups)
        self.act3 = ScaledGELU()
        self.conv3 = ScaledConv(inner, inner, 3, groups=groups)
        self.act4 = ScaledGELU()
        self.conv4 = ScaledConv(inner, cout, 1)
        self.se = SqueezeExcite(cout, cout // 2)
        self.twice = Scale(2)  # a fresh gate is half open
        self.drop_path = StochasticDepth(drop_path)
        self.alpha = Scale(ALPHA)

    def forward(self, x: Tensor) -> Tensor:
        a = self.by_beta(self.act1(x))
        skip = x if self.shortcut is None else self.shortcut(a)  # (B, cout, H/s, W/s)
        y = self.conv1(a)  # (B, inner, H, W)
        y = self.conv2(self.act2(y))  # (B, inner, H/s, W/s)
        y = self.conv3(self.act3(y))
        y = self.conv4(self.act4(y))  # (B, cout, H/s, W/s)
        y = self.drop_path(self.twice(self.se(y)))
        if self.skip_init is not None:
            y = self.skip_init(y)
        return skip + self.alpha(y)


class NFNet(nn.Module):
    """A stem of four 3x3, stages of blocks that know the variance of their input, a last 1x1 that widens."""

    def __init__(
        self,
        *,
        depths: tuple[int, ...],
        widths: tuple[int, ...] = (256, 512, 1536, 1536),
        bottleneck: float = 0.5,
        group_width: int = 128,
        stem_stride: int = 4,
        drop_path: float = 0.25,
        dropout: float,
        skip_gain: float | None = 0.0,
        num_classes: int,
    ) -> None:
        super().__init__()
        cin = widths[0] // 2
        self.stem = nn.Sequential()
        self.stem.add_module("conv1", ScaledConv(3, cin // 8, 3, stride=2))
        self.stem.add_module("act1", ScaledGELU())
        self.stem.add_module("conv2", ScaledConv(cin // 8, cin // 4, 3))
        self.stem.add_module("act2", ScaledGELU())
        self.stem.add_module("conv3", ScaledConv(cin // 4, cin // 2, 3))
        self.stem.add_module("act3", ScaledGELU())
        self.stem.add_module("conv4", ScaledConv(cin // 2, cin, 3, stride=stem_stride // 2))
        self.stages = nn.Sequential()
        variance, index = 1.0, 0
        for stage, (depth, cout) in enumerate(zip(depths, widths, strict=True)):
            blocks = nn.Sequential()
            for i in range(depth):
                block = NFBlock(
                    cin,
                    cout,
                    stride=2 if stage > 0 and i == 0 else 1,
                    bottleneck=bottleneck,
                    group_width=group_width,
                    beta=variance**0.5,
                    drop_path=drop_path * index / sum(depths),
                    skip_gain=skip_gain,
                )
                blocks.append(block)
                if block.shortcut is not None:
                    variance = 1.0  # this shortcut reads the scaled signal
                variance += ALPHA**2  # and the branch adds its share
                cin = cout
                index += 1
            self.stages.append(blocks)
        self.last = ScaledConv(cin, 2 * cin, 1)
        self.act = ScaledGELU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(2 * cin, num_classes)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (B, 128, H/4, W/4)
        x = self.stages(x)  # (B, 1536, H/32, W/32)
        x = self.act(self.last(x))  # (B, 3072, H/32, W/32)
        x = flatten(self.pool(x), 1)  # (B, 3072)
        return self.head(self.drop(x))  # (B, num_classes)


def row(
    f: int,
    train_px: int,
    test_px: int,
    dropout: float,
    params: int,
    macs: int,
    printed: tuple[float, float],
    accuracy: tuple[float, float],
) -> Variant:
    """A row of table 1, with the weights of the authors as timm measured them."""
    return Variant(
        name=f"nfnet_f{f}",
        title=f"NFNet-F{f}",
        config={"depths": tuple(n * (f + 1) for n in (1, 2, 6, 3)), "dropout": dropout},
        input_size=test_px,
        published=Published(
            params=params,
            macs=macs,
            source=f"timm dm_nfnet_f{f}",
            twin=f"timm:dm_nfnet_f{f}",
            top1=accuracy[0],
            top5=accuracy[1],
            accuracy_source=f"timm results, dm_nfnet_f{f}.dm_in1k, the authors' weights at {test_px} px",
            printed=both_printed("paper, table 3", *printed),
        ),
        note=f"Trained at {train_px} pixels, tested and counted at {test_px}.",
    )


FAMILY = Family(
    key="nfnet",
    title="NFNet",
    year=2021,
    paper="High-Performance Large-Scale Image Recognition Without Normalization",
    authors="Brock, De, Smith, Simonyan",
    link="https://arxiv.org/abs/2102.06171",
    kind="shortcuts",
    parents=("preresnet", "resnext", "senet"),
    idea="Standardise the weights and scale each sum, and a residual network needs no batch norm.",
    story=Story(
        problem="Batch norm makes deep networks trainable, but it costs time and memory, behaves differently "
        "in training and in use, and lets the pictures of a batch influence one another. Without it, the "
        "signal grows from block to block and training breaks down.",
        trick="Work out the variance beforehand. Standardised weights and a GELU times 1.70 hand on the "
        "variance they get, a block divides its input by the deviation it expects, and adds only 0.2 of what "
        "it finds. In training, adaptive clipping cuts a gradient that is large beside its weights.",
        cost="The weights are standardised anew at every step, which depends on their number and not on the "
        "batch. The networks are large: F0 has 71 million parameters. Clipping is indispensable with large "
        "batches, and its threshold has to be tuned.",
        outcome="F1 is as accurate as EfficientNet-B7 and takes 8.7 times less time for a training step. F5 "
        "reached 86.0 % top-1 on ImageNet without further data, then the best, and F6 with sharpness-aware "
        "minimisation 86.5 %.",
    ),
    model=NFNet,
    lesson=ScaledConv,
    stages=("stem", "stages", "last", "act", "pool", "head"),
    table="table 1",
    knobs=(
        Knob(name="depths", meaning="blocks in this stage", choices=(1, 2, 3, 4, 6, 8, 12, 18, 24, 36, 48)),
        Knob(
            name="widths",
            meaning="channels of this stage; the stem makes half as many as the first",
            choices=(32, 64, 128, 192, 256, 384, 512, 768, 1536, 2048),
        ),
        Knob(
            name="bottleneck",
            meaning="channels inside a block, as a part of those it puts out",
            choices=(0.25, 0.5, 1.0),
        ),
        Knob(
            name="group_width",
            meaning="channels in a group of the 3x3 convolutions, at most all that are there",
            choices=(1, 8, 16, 32, 64, 128, 256),
        ),
        Knob(
            name="stem_stride",
            meaning="how much smaller the map is after the stem",
            choices=(2, 4),
        ),
    ),
    deviations=(
        Deviation(
            what="The paper divides a block's input by beta before the activation; the authors' code, timm "
            "and this network divide after it.",
            effect="For a ReLU it is the same; for GELU nearly so.",
        ),
        Deviation(
            what="The variance of a channel's weights gets 1e-5 added, as in timm; the authors' code keeps "
            "fan-in times variance above 1e-4.",
            effect="With random weights of fan-in 1,536, the standardised ones come out 0.8 % smaller.",
        ),
        Deviation(
            what="F7 stands here as timm has it, without SkipInit; with it, as in the paper, it has one "
            "parameter more in each of its 96 blocks. The paper gives no ImageNet accuracy for F7.",
            effect="96 of 499.5 million parameters.",
        ),
        Deviation(
            what="SkipInit's factors start at 0, as in the paper, but in the classroom network at 0.5. And "
            "where stochastic depth keeps a branch, it is scaled up, unlike in the authors' code.",
            effect="All layers of the classroom network learn from the first step on. None after loading "
            "weights.",
        ),
    ),
    variants=(
        Variant(
            name="nfnet_classroom",
            title="NFNet, classroom size",
            config={
                "depths": (1, 1, 2),
                "widths": (64, 96, 128),
                "group_width": 16,
                "stem_stride": 2,
                "drop_path": 0.0,
                "dropout": 0.0,
                "skip_gain": 0.5,
            },
            input_size=32,
            num_classes=10,
            note="Four blocks without any norm: standardised weights, scaled GELUs, squeeze-and-excitation.",
        ),
        row(0, 192, 256, 0.2, 71_489_284, 12_384_198_656, (71.5e6, 12.38e9), (83.468, 96.57)),
        row(1, 224, 320, 0.3, 132_634_256, 35_538_968_576, (132.6e6, 35.54e9), (84.7, 97.178)),
        row(2, 256, 352, 0.4, 193_779_228, 62_592_978_944, (193.8e6, 62.59e9), (85.184, 97.34)),
        row(3, 320, 416, 0.4, 254_924_200, 114_763_501_568, (254.9e6, 114.76e9), (85.676, 97.576)),
        row(4, 384, 512, 0.5, 316_069_172, 215_241_187_328, (316.1e6, 215.24e9), (85.838, 97.652)),
        row(5, 416, 544, 0.5, 377_214_144, 289_757_106_176, (377.2e6, 289.76e9), (86.102, 97.688)),
        row(6, 448, 576, 0.5, 438_359_116, 377_280_307_200, (438.4e6, 377.28e9), (86.364, 97.9)),
        Variant(
            name="nfnet_f7",
            title="NFNet-F7",
            config={"depths": (8, 16, 48, 24), "dropout": 0.5, "skip_gain": None},
            input_size=608,
            published=Published(
                params=499_503_992, macs=478_781_640_704, source="timm nfnet_f7", table="table 1"
            ),
            note="Trained at 480 pixels, counted at 608. Without SkipInit, as in timm.",
        ),
    ),
)
