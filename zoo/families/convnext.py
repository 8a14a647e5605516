"""ConvNeXt: a ResNet rebuilt, one choice at a time, after the transformers that had overtaken it.

Liu, Mao, Wu, Feichtenhofer, Darrell, Xie, "A ConvNet for the 2020s", 2022, arXiv:2201.03545.
Block: figure 4. The way from ResNet-50, step by step: section 2 and figure 2. Widths and depths: section 3.
Layer scale: Touvron et al., "Going deeper with Image Transformers", 2021, arXiv:2103.17239.
Module order follows torchvision, so its weights load by position.

B images, C channels, H x W pixels.
"""

import torch
from torch import Tensor, flatten, nn

from zoo.family import Family, Knob, Printed, Published, Story, Variant
from zoo.layers import StochasticDepth, transformer_init

LAYER_SCALE = 1e-6  # what a block's branch is multiplied by at the start: almost nothing
EPS = 1e-6  # of every layer norm


class ConvNeXtBlock(nn.Module):
    """A depthwise convolution mixes pixels, an MLP mixes channels, beside a shortcut: (B, C, H, W) stays.

    One norm and one activation in all, where ResNet's bottleneck has three of each. The branch is scaled per
    channel by a learned factor that starts near zero, and in training it is left out at random.
    """

    def __init__(self, width: int, kernel: int, expansion: int, drop: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width, eps=EPS)
        self.linear1 = nn.Linear(width, expansion * width)
        self.gelu = nn.GELU()
        self.linear2 = nn.Linear(expansion * width, width)
        self.scale = nn.Parameter(torch.full((width, 1, 1), LAYER_SCALE))
        self.drop = StochasticDepth(drop)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)  # (B, C, H, W), every channel by itself
        y = y.permute(0, 2, 3, 1)  # (B, H, W, C): norm and linear layers see one pixel at a time
        y = self.linear2(self.gelu(self.linear1(self.norm(y))))
        y = y.permute(0, 3, 1, 2)  # (B, C, H, W)
        return x + self.drop(self.scale * y)


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of each pixel of a map: (B, C, H, W) stays."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    """A stem that cuts the image into patches, stages of equal blocks, and a linear head.

    Between two stages a 2x2 convolution of its own halves the map and doubles the channels. The chance that
    stochastic depth leaves a block out rises from 0 at the first block to `drop` at the last.
    """

    def __init__(
        self,
        *,
        depths: tuple[int, ...],
        width: int,
        patch: int = 4,
        kernel: int = 7,
        expansion: int = 4,
        drop: float = 0.0,
        num_classes: int,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential()
        self.stem.add_module("conv1", nn.Conv2d(3, width, patch, patch))
        self.stem.add_module("norm1", ChannelNorm(width, eps=EPS))
        self.stages = nn.Sequential()
        made, last = 0, max(1, sum(depths) - 1)
        for stage, depth in enumerate(depths):
            parts = nn.Sequential()
            if stage > 0:
                downsample = nn.Sequential()
                downsample.add_module("norm", ChannelNorm(width, eps=EPS))
                downsample.add_module("conv", nn.Conv2d(width, 2 * width, 2, 2))
                parts.add_module("downsample", downsample)
                width *= 2
            blocks = nn.Sequential()
            for _ in range(depth):
                blocks.append(ConvNeXtBlock(width, kernel, expansion, drop * made / last))
                made += 1
            parts.add_module("blocks", blocks)
            self.stages.append(parts)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.norm = nn.LayerNorm(width, eps=EPS)
        self.head = nn.Linear(width, num_classes)
        self.apply(transformer_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (B, width, H/4, W/4)
        x = self.stages(x)  # (B, C, H/32, W/32)
        x = self.norm(flatten(self.pool(x), 1))  # (B, C)
        return self.head(x)  # (B, num_classes)


README = "facebookresearch/ConvNeXt README"


def printed(params: float, macs: float, reason: str = "") -> tuple[Printed, ...]:
    """The authors' own figures, in millions and billions."""
    return (
        Printed(quantity="params", value=params * 1e6, source=README, reason=reason),
        Printed(quantity="macs", value=macs * 1e9, source=f"{README}, as FLOPs"),
    )


def torchvision_row(
    size: str,
    *,
    depths: tuple[int, ...],
    width: int,
    drop: float,
    params: int,
    macs: int,
    top1: float,
    top5: float,
    authors_top1: float,
    figures: tuple[Printed, ...],
) -> Variant:
    """A row of section 3, with the weights of torchvision's own training."""
    weights = f"ConvNeXt_{size.title()}_Weights.IMAGENET1K_V1"
    return Variant(
        name=f"convnext_{size}",
        title=f"ConvNeXt-{size[0].upper()}",
        config={"depths": depths, "width": width, "drop": drop},
        input_size=224,
        weights=weights,
        published=Published(
            params=params,
            macs=macs,
            source=f"torchvision convnext_{size}",
            twin=f"torchvision:convnext_{size}",
            top1=top1,
            top5=top5,
            accuracy_source=f"torchvision {weights}: torchvision's newer recipe, one 224 crop",
            printed=figures,
        ),
        note=f"The authors' own training reaches {authors_top1} % top-1; torchvision's recipe is another.",
    )


FAMILY = Family(
    key="convnext",
    title="ConvNeXt",
    year=2022,
    paper="A ConvNet for the 2020s",
    authors="Liu, Mao, Wu, Feichtenhofer, Darrell, Xie",
    link="https://arxiv.org/abs/2201.03545",
    kind="shortcuts",
    parents=("modern_resnet", "resnet", "resnext", "mobilenet_v2", "swin"),
    idea="Give a ResNet every habit of a vision transformer except attention, and it keeps up with them.",
    story=Story(
        problem="In 2021 Swin beat ResNets in classification, detection and segmentation, and attention got "
        "the credit. But transformers had also come with new training recipes, patches, norms and "
        "proportions: which of these made the difference?",
        trick="Start from ResNet-50 and change one thing at a time: the recipe (76.1 to 78.8 % top-1), stage "
        "proportions, a stem of 4x4 patches, ResNeXt's groups taken to their limit, the inverted bottleneck "
        "of MobileNetV2, 7x7 kernels, one GELU and one layer norm per block. The last step stands at 82.0 %.",
        cost="About the parameters and MACs of the Swin of the same size. It needs a transformer's training: "
        "300 epochs, strong augmentation, stochastic depth. Depthwise 7x7 kernels have few MACs but are slow "
        "on some hardware.",
        outcome="Slightly more accurate than Swin at equal cost, and up to 87.8 % top-1 for XL, with "
        "ImageNet-22K and 384 pixels, out of nothing but standard layers. Much of the transformers' lead "
        "had been recipe and proportions. Some lists date it 2020, after its title; it appeared in January "
        "2022.",
    ),
    model=ConvNeXt,
    lesson=ConvNeXtBlock,
    stages=("stem", "stages", "pool", "norm", "head"),
    table="section 3",
    knobs=(
        Knob(name="depths", meaning="blocks in this stage", choices=tuple(range(1, 37))),
        Knob(
            name="width",
            meaning="channels of the stem and of the first stage; doubles with every stage",
            choices=(16, 24, 32, 48, 64, 96, 128, 192, 256),
        ),
        Knob(
            name="kernel",
            meaning="side of the depthwise kernel; the paper tried 3 to 11",
            choices=(3, 5, 7, 9, 11),
        ),
        Knob(
            name="expansion",
            meaning="how much wider the MLP inside a block is than the block",
            choices=(1, 2, 3, 4, 6),
        ),
        Knob(name="patch", meaning="side of the patches the stem cuts, in pixels", choices=(1, 2, 4, 8)),
    ),
    deviations=(),
    variants=(
        Variant(
            name="convnext_classroom",
            title="ConvNeXt, classroom size",
            config={"depths": (1, 1, 3), "width": 32, "patch": 2},
            input_size=32,
            num_classes=10,
            note="Three stages and patches of 2x2. Its blocks wake much sooner with AdamW than with SGD.",
        ),
        torchvision_row(
            "tiny",
            depths=(3, 3, 9, 3),
            width=96,
            drop=0.1,
            params=28_589_128,
            macs=4_455_531_264,
            top1=82.52,
            top5=96.146,
            authors_top1=82.1,
            figures=printed(28, 4.5, reason="cut off, not rounded; their table for ImageNet-22K prints 29 M"),
        ),
        torchvision_row(
            "small",
            depths=(3, 3, 27, 3),
            width=96,
            drop=0.4,
            params=50_223_688,
            macs=8_683_712_256,
            top1=83.616,
            top5=96.65,
            authors_top1=83.1,
            figures=printed(50, 8.7),
        ),
        torchvision_row(
            "base",
            depths=(3, 3, 27, 3),
            width=128,
            drop=0.5,
            params=88_591_464,
            macs=15_354_729_472,
            top1=84.062,
            top5=96.87,
            authors_top1=83.8,
            figures=printed(89, 15.4),
        ),
        torchvision_row(
            "large",
            depths=(3, 3, 27, 3),
            width=192,
            drop=0.5,
            params=197_767_336,
            macs=34_361_433_600,
            top1=84.414,
            top5=96.976,
            authors_top1=84.3,
            figures=printed(198, 34.4),
        ),
        Variant(
            name="convnext_xlarge",
            title="ConvNeXt-XL",
            config={"depths": (3, 3, 27, 3), "width": 256, "drop": 0.4},
            input_size=224,
            published=Published(
                params=350_196_968,
                macs=60_921_030_656,
                source="timm convnext_xlarge",
                twin="timm:convnext_xlarge",
                top1=87.0,
                accuracy_source=f"{README}: pre-trained on ImageNet-22K, fine-tuned at 224",
                printed=printed(350, 60.9),
            ),
            note="Published only with pre-training on ImageNet-22K, fourteen million pictures.",
        ),
    ),
)
