"""ZFNet: look at what AlexNet has learnt, see what is wrong in its first layers, and repair that.

Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", 2013, arXiv:1311.2901.
The network: figure 3. What was wrong with AlexNet's first layers: section 4.1 and figure 6. Sizes: table 3.
The deconvnet that shows it (section 2.1) goes back through the max pools and ReLUs of `stages`.
Stage and classifier are AlexNet's.

B images, C channels, H x W pixels.
"""

from torch import Tensor, flatten, nn

from zoo.families.alexnet import Classifier, Stage
from zoo.family import Deviation, Family, Knob, Published, Story, Variant
from zoo.layers import he_init


class ZFNet(nn.Module):
    """AlexNet on one GPU whose first filters are 7 pixels wide and 2 apart instead of 11 and 4.

    The second layer strides instead, on maps that are still fine: 110 x 110, pooled to 55 x 55.
    """

    def __init__(
        self,
        *,
        widths: tuple[int, int, int, int, int] = (96, 256, 384, 384, 256),
        hidden: int = 4096,
        kernel: int = 7,
        stride: int = 2,
        stride2: int = 2,
        padding: int = 1,
        padding2: int = 0,
        norm: str = "divided",
        middle: bool = True,
        fc: int = 2,
        grid: int = 6,
        num_classes: int,
    ) -> None:
        super().__init__()
        w1, w2, w3, w4, w5 = widths
        rest = norm if norm == "batch" else "none"  # the paper normalises across maps in two layers only
        self.stages = nn.Sequential(
            Stage(3, w1, kernel, stride=stride, padding=padding, norm=norm, pool=True, ceil=True),
            Stage(w1, w2, 5, stride=stride2, padding=padding2, norm=norm, pool=True, ceil=True),
            Stage(w2, w3, 3, padding=1, norm=rest) if middle else nn.Identity(),
            Stage(w3, w4, 3, padding=1, norm=rest) if middle else nn.Identity(),
            Stage(w4 if middle else w2, w5, 3, padding=1, norm=rest, pool=True, ceil=True),
        )
        self.pool = nn.AdaptiveAvgPool2d(grid)  # changes nothing at the printed size, lets others in
        self.head = Classifier(w5 * grid * grid, hidden, num_classes, layers=fc)
        self.apply(he_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stages(x)  # (B, 256, 6, 6) from 224 x 224 pixels
        x = flatten(self.pool(x), 1)  # (B, 9216)
        return self.head(x)  # (B, num_classes)


FAMILY = Family(
    key="zfnet",
    title="ZFNet",
    year=2013,
    paper="Visualizing and Understanding Convolutional Networks",
    authors="Zeiler, Fergus",
    link="https://arxiv.org/abs/1311.2901",
    kind="plain",
    parents=("alexnet",),
    idea="Project activations back to pixels, find the faults of AlexNet's first layers, and mend them.",
    story=Story(
        problem="AlexNet worked, and nobody could say why, or how to make it better except by trial and "
        "error. What does a unit deep inside the network respond to?",
        trick="A deconvnet runs the layers backwards: one activation goes back through the pools (which "
        "remember where each maximum was), the ReLUs and the transposed filters, down to a picture. Seen "
        "this way, AlexNet's first layer had dead filters and few of middle frequency, its second layer "
        "aliasing from the stride of 4. Smaller filters and a stride of 2 cured both.",
        cost="Almost nothing: as many weights and 3 % more multiplications than AlexNet on one GPU, "
        "because the first layer strides by 2 instead of 4, and the second, by 2 as well, takes most of it "
        "back.",
        outcome="38.4 % instead of 40.5 % top-1 error of the authors' own AlexNet, and 14.8 % top-5 error "
        "for an ensemble on the test images of 2012. Looking inside became a field of its own.",
    ),
    model=ZFNet,
    lesson=ZFNet,
    stages=("stages.0", "stages.1", "stages.2", "stages.3", "stages.4", "pool", "head"),
    table="figure 3; table 3 for the wider network",
    knobs=(
        Knob(
            name="widths",
            meaning="maps of this convolutional layer",
            choices=(16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024),
        ),
        Knob(name="hidden", meaning="units of fc6 and of fc7", choices=(128, 256, 512, 1024, 2048, 4096)),
        Knob(
            name="kernel",
            meaning="side of the first filters in pixels; AlexNet has 11",
            choices=(3, 5, 7, 11),
        ),
        Knob(name="stride", meaning="pixels between the first filters; AlexNet has 4", choices=(1, 2, 4)),
        Knob(name="stride2", meaning="pixels between the filters of layer 2; AlexNet has 1", choices=(1, 2)),
        Knob(
            name="norm",
            meaning="normalisation: none, across maps with alpha as AlexNet printed it or divided by "
            "five, or batch norm after each convolution",
            choices=("none", "printed", "divided", "batch"),
        ),
        Knob(name="middle", meaning="whether layers 3 and 4 are there (table 3)", choices=(True, False)),
        Knob(name="fc", meaning="hidden fully connected layers (table 3)", choices=(0, 1, 2)),
    ),
    deviations=(
        Deviation(
            what="The paper says contrast normalised across maps, after the pooling, and prints no "
            "constants. Here it is AlexNet's response normalisation, before the pooling, as in pytorchcv.",
            effect="No count changes; the outputs differ.",
        ),
        Deviation(
            what="An adaptive average pool stands before fc6, as in torchvision's AlexNet.",
            effect="Nothing at 224 pixels, where the map is 6 x 6 already; other sizes fit as well.",
        ),
        Deviation(
            what="The paper scales a filter back whenever the root mean square of its weights passes 0.1, "
            "so that no filter of layer 1 drowns the others. This is a part of the training and not built "
            "in.",
            effect="None on a trained network.",
        ),
        Deviation(
            what="Convolutions start by He's rule, linear layers as torch starts them; the paper sets all "
            "weights to 0.01 and all biases to 0.",
            effect="No count changes; a training starts differently.",
        ),
    ),
    variants=(
        Variant(
            name="zfnet_classroom",
            title="ZFNet, classroom size",
            config={
                "widths": (32, 64, 96, 96, 64),
                "hidden": 256,
                "kernel": 3,
                "stride": 1,
                "stride2": 1,
                "padding2": 2,
                "norm": "none",
                "grid": 4,
            },
            input_size=32,
            num_classes=10,
            note="First filters of 3x3 where the AlexNet of this size has 5x5; no groups, no normalisation.",
        ),
        Variant(
            name="zfnet",
            title="ZFNet (figure 3)",
            config={},
            input_size=224,
            published=Published(
                params=62_357_608,
                macs=1_168_032_896,
                source="pytorchcv zfnet",
                twin="pytorchcv:zfnet",
                top1=61.6,
                top5=83.5,
                accuracy_source="paper, table 2, 1 convnet as per figure 3, validation",
            ),
            note="AlexNet's widths on one GPU, with first filters of 7x7 at stride 2.",
        ),
        Variant(
            name="zfnet_512",
            title="ZFNet, 512-1024-512 maps",
            config={"widths": (96, 256, 512, 1024, 512)},
            input_size=224,
            published=Published(
                params=107_627_624,
                macs=2_476_704_896,
                source="pytorchcv zfnetb",
                twin="pytorchcv:zfnetb",
                top1=62.5,
                top5=84.0,
                accuracy_source="paper, table 2, network (b), validation",
            ),
            note="The same with more maps in layers 3, 4 and 5.",
        ),
        Variant(
            name="zfnet_photos",
            title="ZFNet for photos",
            config={"norm": "batch", "fc": 0, "grid": 1},
            input_size=224,
            note="Figure 3's convolutions with batch norm and, behind a global average, no hidden layers: a "
            "sixteenth of the weights, and quick to train.",
        ),
    ),
)
