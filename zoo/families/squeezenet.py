"""SqueezeNet: few channels in front of every 3x3 convolution, and AlexNet's accuracy in 5 MB.

Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer, "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters
and <0.5MB model size", 2016, arXiv:1602.07360. The fire module: figure 1. The network: table 1. The numbers
that make all modules (base_e, incr_e, freq, pct_3x3, SR): section 5.1. Bypasses: section 6 and figure 2.
Version 1.1 is from the authors' repository. Module order follows torchvision, so its weights load by
position.

B images, C channels, H x W pixels; module i = 0, 1, ... has e expand filters and s squeeze filters.
"""

import torch
from torch import Tensor, flatten, nn

from zoo.families.googlenet import convolution, fan_in_init
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant


class Fire(nn.Module):
    """Squeeze to `squeeze` channels, expand by 1x1 and by 3x3 side by side: (B, cin, H, W) -> (B, e, H, W).

    The nine weights per channel of a 3x3 are paid for `squeeze` channels, not for all that come in. `bypass`
    adds the input to the output: "simple" where it has as many channels, "complex" elsewhere through a 1x1.
    """

    def __init__(
        self, cin: int, squeeze: int, expand1x1: int, expand3x3: int, *, bypass: str, norm: str
    ) -> None:
        super().__init__()
        cout = expand1x1 + expand3x3
        self.squeeze = convolution(cin, squeeze, 1, norm=norm)
        self.expand1x1 = convolution(squeeze, expand1x1, 1, norm=norm)
        self.expand3x3 = convolution(squeeze, expand3x3, 3, norm=norm)
        self.bypass: nn.Module | None = None
        if bypass != "none" and cin == cout:
            self.bypass = nn.Identity()
        elif bypass == "complex":
            self.bypass = nn.Conv2d(cin, cout, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.squeeze(x)  # (B, s, H, W)
        y = torch.cat((self.expand1x1(y), self.expand3x3(y)), 1)  # (B, e, H, W)
        return y if self.bypass is None else y + self.bypass(x)


def module_widths(
    i: int, *, base_e: int, incr_e: int, freq: int, pct_3x3: float, squeeze_ratio: float
) -> tuple[int, int, int]:
    """Filters of fire module i (section 5.1): squeeze, expand 1x1, expand 3x3. At least one of each."""
    e = base_e + incr_e * (i // freq)
    expand3x3 = min(max(1, round(pct_3x3 * e)), e - 1)
    return max(1, round(squeeze_ratio * e)), e - expand3x3, expand3x3


class SqueezeNet(nn.Module):
    """A stem, stages that open with a pool and go on with fire modules, a 1x1 convolution to the classes.

    `depths` are the fire modules of each stage. There is no fully connected layer.
    """

    def __init__(
        self,
        *,
        depths: tuple[int, ...] = (3, 4, 1),
        base_e: int = 128,
        incr_e: int = 128,
        freq: int = 2,
        pct_3x3: float = 0.5,
        squeeze_ratio: float = 0.125,
        bypass: str = "none",
        norm: str = "none",
        stem_kernel: int = 7,
        stem_width: int = 96,
        stem_stride: int = 2,
        num_classes: int,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential()
        self.stem.add_module("conv", nn.Conv2d(3, stem_width, stem_kernel, stem_stride))
        if norm == "batch":
            self.stem.add_module("norm", nn.BatchNorm2d(stem_width))
        self.stem.add_module("relu", nn.ReLU())
        self.stages = nn.Sequential()
        cin, i = stem_width, 0
        for depth in depths:
            stage = nn.Sequential()
            stage.add_module("pool", nn.MaxPool2d(3, 2, ceil_mode=True))
            for _ in range(depth):
                squeeze, e1, e3 = module_widths(
                    i, base_e=base_e, incr_e=incr_e, freq=freq, pct_3x3=pct_3x3, squeeze_ratio=squeeze_ratio
                )
                fire = Fire(cin, squeeze, e1, e3, bypass=bypass, norm=norm)
                stage.add_module(f"fire{i + 2}", fire)  # numbered as in table 1
                cin, i = e1 + e3, i + 1
            self.stages.append(stage)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Conv2d(cin, num_classes, 1)
        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.apply(fan_in_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (B, 96, H/2, W/2)
        x = self.stages(x)  # (B, 512, H/16, W/16)
        x = self.relu(self.head(self.drop(x)))  # (B, num_classes, H/16, W/16): one map for each class
        return flatten(self.pool(x), 1)  # (B, num_classes)


PAPER = Printed(quantity="params", value=1_248_424, source="paper, table 1")

FAMILY = Family(
    key="squeezenet",
    title="SqueezeNet",
    year=2016,
    paper="SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size",
    authors="Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer",
    link="https://arxiv.org/abs/1602.07360",
    kind="branches",
    parents=("nin", "googlenet"),
    idea="Squeeze the channels with 1x1 filters before a mix of cheap 1x1 and few 3x3 filters expands them.",
    story=Story(
        problem="AlexNet has 60 million parameters, 240 MB. That is much to send to a car over the air, to "
        "share among machines in training, or to fit on a chip, and most of it is not needed for AlexNet's "
        "accuracy.",
        trick="Three rules. Use 1x1 filters wherever a 3x3 is not needed, for they are nine times smaller. "
        "Let few channels into each 3x3: the fire module squeezes first, then expands. Pool late, so that "
        "most layers see large maps. And like Network in Network, end in class maps, not in linear layers.",
        cost="Small is not fast. Large maps make version 1.0 cost 819 million MACs, more than AlexNet; "
        "version 1.1 pools earlier and needs 349 million. The squeeze layers also hold back accuracy.",
        outcome="57.5 % top-1, as AlexNet, with 1.25 million parameters: 50 times fewer, 4.8 MB. The 0.5 MB "
        "of the title needs Deep Compression on top (pruned weights in 6 bits). A simple bypass adds 2.9 "
        "points without a single parameter.",
    ),
    model=SqueezeNet,
    lesson=Fire,
    stages=("stem", "stages", "head", "relu", "pool"),
    table="table 1; sections 5 and 6 for the knobs",
    knobs=(
        Knob(
            name="squeeze_ratio",
            meaning="squeeze filters per expand filter, called SR",
            choices=(0.125, 0.25, 0.5, 0.75, 1.0),
        ),
        Knob(
            name="pct_3x3",
            meaning="share of the expand filters that are 3x3, the others being 1x1",
            choices=(0.01, 0.125, 0.25, 0.5, 0.75, 0.99),
        ),
        Knob(
            name="base_e",
            meaning="expand filters of the first fire module",
            choices=(16, 32, 64, 128, 256),
        ),
        Knob(
            name="incr_e",
            meaning="how many expand filters are added every `freq` modules",
            choices=(0, 16, 32, 64, 128, 256),
        ),
        Knob(name="freq", meaning="fire modules between two such increases", choices=(1, 2, 4)),
        Knob(
            name="bypass",
            meaning="add each module's input: nowhere, where channels agree, or elsewhere too through a 1x1",
            choices=("none", "simple", "complex"),
        ),
        Knob(
            name="depths",
            meaning="fire modules at this resolution, after its pool",
            choices=tuple(range(1, 9)),
        ),
        Knob(
            name="norm",
            meaning="none as in the paper, or batch norm in place of the biases, which trains faster",
            choices=("none", "batch"),
        ),
        Knob(name="stem_kernel", meaning="side of the first filters: 7 in 1.0, 3 in 1.1", choices=(3, 5, 7)),
        Knob(name="stem_width", meaning="channels of the first convolution", choices=(16, 32, 64, 96, 128)),
        Knob(name="stem_stride", meaning="stride of the first convolution", choices=(1, 2)),
    ),
    deviations=(
        Deviation(
            what="At 224 px the first map has 109 pixels a side. Table 1 prints 111, which belongs to 227 "
            "px, the size in the authors' file.",
            effect="From the second pool on the maps agree. The authors' file also pads the last convolution "
            "to 15x15: 861 million MACs instead of our 819.",
        ),
        Deviation(
            what="A complex bypass stands around fire modules 2, 4, 6 and 8, where channels change, as "
            "section 6 says.",
            effect="1,589,672 parameters, 6.1 MB. The paper prints 7.7 MB and does not say what the rest is.",
        ),
    ),
    variants=(
        Variant(
            name="squeezenet_classroom",
            title="SqueezeNet, classroom size",
            config={
                "depths": (2, 2, 2),
                "base_e": 64,
                "incr_e": 32,
                "squeeze_ratio": 0.25,
                "bypass": "simple",
                "norm": "batch",
                "stem_kernel": 3,
                "stem_width": 32,
                "stem_stride": 1,
            },
            input_size=32,
            num_classes=10,
            note="Six fire modules with a simple bypass and batch norm, for 32x32 pictures.",
        ),
        Variant(
            name="squeezenet1_0",
            title="SqueezeNet 1.0",
            config={},
            input_size=224,
            weights="SqueezeNet1_0_Weights.IMAGENET1K_V1",
            published=Published(
                params=1_248_424,
                macs=818_924_576,
                source="torchvision squeezenet1_0",
                twin="torchvision:squeezenet1_0",
                top1=58.092,
                top5=80.42,
                accuracy_source="torchvision SqueezeNet1_0_Weights.IMAGENET1K_V1: ported from the authors' "
                "Caffe model, one 224 crop",
                printed=(
                    PAPER,
                    Printed(
                        quantity="macs",
                        value=861_339_936,
                        source="authors' deploy.prototxt, counted",
                        reason="227 px, and a padded last convolution",
                    ),
                ),
            ),
            note="The network of table 1: pools after conv1, fire4 and fire8.",
        ),
        Variant(
            name="squeezenet1_1",
            title="SqueezeNet 1.1",
            config={"depths": (2, 2, 4), "stem_kernel": 3, "stem_width": 64},
            input_size=224,
            weights="SqueezeNet1_1_Weights.IMAGENET1K_V1",
            published=Published(
                params=1_235_496,
                macs=349_151_936,
                source="torchvision squeezenet1_1",
                twin="torchvision:squeezenet1_1",
                top1=58.178,
                top5=80.624,
                accuracy_source="torchvision SqueezeNet1_1_Weights.IMAGENET1K_V1: ported from the authors' "
                "Caffe model, one 224 crop",
            ),
            note="A smaller first convolution and earlier pools: 2.4 times cheaper, and no less accurate.",
        ),
        Variant(
            name="squeezenet1_0_bypass",
            title="SqueezeNet 1.0 with simple bypass",
            config={"bypass": "simple"},
            input_size=224,
            published=Published(
                params=1_248_424,
                macs=818_924_576,
                source="pytorchcv squeezeresnet_v1_0",
                twin="pytorchcv:squeezeresnet_v1_0",
                top1=60.23,
                top5=81.91,
                accuracy_source="pytorchcv README, SqueezeResNet v1.0, its own training",
                printed=(PAPER,),
            ),
            note="Fire modules 3, 5, 7 and 9 add their input; the paper reports 60.4 % instead of 57.5 %.",
        ),
    ),
)
