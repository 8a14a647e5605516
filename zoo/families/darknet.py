"""Darknet: VGG's 3x3 convolutions with NIN's 1x1 between them, small enough to carry a fast detector.

Redmon, Farhadi, "YOLO9000: Better, Faster, Stronger", 2016, arXiv:1612.08242: Darknet-19, section 3, table 6.
Redmon, Farhadi, "YOLOv3: An Incremental Improvement", 2018, arXiv:1804.02767: Darknet-53, table 1.
The Darknet reference network and Tiny Darknet are in no paper: pjreddie.com/darknet/imagenet, and the files
cfg/darknet.cfg and cfg/tiny.cfg of the framework of the same name. Module order follows pytorchcv.

B images, C channels, H x W pixels, K classes.
"""

from functools import partial

from torch import Tensor, flatten, nn

from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import ConvNormAct, he_init


class Leaky(nn.LeakyReLU):
    """x where it is positive, else a tenth of it: a unit that never fires still learns."""

    def __init__(self) -> None:
        super().__init__(0.1)


Conv = partial(ConvNormAct, act=Leaky)


class PlainStage(nn.Sequential):
    """Halve the map, then 3x3 and 1x1 convolutions in turn: (B, cin, H, W) -> (B, width, H/2, W/2).

    The 1x1 in between squeezes the channels to `width / squeeze`, so that the next 3x3 has less to read.
    Tiny Darknet begins with the 1x1; a single convolution is always 3x3.
    """

    def __init__(self, cin: int, width: int, depth: int, *, squeeze: int, squeeze_first: bool) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2)
        for i in range(depth):
            squeezes = depth > 1 and i % 2 == (0 if squeeze_first else 1)
            cout, kernel = (width // squeeze, 1) if squeezes else (width, 3)
            self.add_module(f"conv{i + 1}", Conv(cin, cout, kernel))
            cin = cout
        self.channels = cin


class DarkUnit(nn.Module):
    """1x1 to half the channels, 3x3 back to all of them, and the input added: shape stays."""

    def __init__(self, width: int, squeeze: int) -> None:
        super().__init__()
        self.conv1 = Conv(width, width // squeeze, 1)
        self.conv2 = Conv(width // squeeze, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(self.conv1(x))  # no activation behind the sum


class ResidualStage(nn.Sequential):
    """Halve the map by a 3x3 convolution, then `depth` units: (B, cin, H, W) -> (B, width, H/2, W/2)."""

    def __init__(self, cin: int, width: int, depth: int, *, squeeze: int) -> None:
        super().__init__()
        self.down = Conv(cin, width, 3, stride=2)
        for i in range(depth):
            self.add_module(f"unit{i + 1}", DarkUnit(width, squeeze))
        self.channels = width


class Darknet(nn.Module):
    """A 3x3 convolution, stages at half the resolution each, and a head without hidden layers.

    `shortcuts` makes the stages those of Darknet-53. `last` adds a 1x1 convolution before the head.
    """

    def __init__(
        self,
        *,
        width: int,
        widths: tuple[int, ...],
        depths: tuple[int, ...],
        shortcuts: bool = False,
        squeeze: int = 2,
        squeeze_first: bool = False,
        last: int = 0,
        head: str = "linear map",
        num_classes: int,
    ) -> None:
        super().__init__()
        self.stem = Conv(3, width, 3)
        self.stages = nn.Sequential()
        stage: PlainStage | ResidualStage
        for i, (cout, depth) in enumerate(zip(widths, depths, strict=True)):
            if shortcuts:
                stage = ResidualStage(width, cout, depth, squeeze=squeeze)
            else:
                stage = PlainStage(width, cout, depth, squeeze=squeeze, squeeze_first=squeeze_first)
            width = stage.channels
            if last and i == len(widths) - 1:
                stage.add_module("last", Conv(width, last, 1))
                width = last
            self.stages.append(stage)
        self.head = make_head(head, width, num_classes)
        self.apply(he_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (B, width, H, W)
        x = self.stages(x)  # (B, C, H/32, W/32)
        return flatten(self.head(x), 1)  # (B, K)


def make_head(kind: str, channels: int, num_classes: int) -> nn.Sequential:
    """From the last map to the scores: (B, channels, H, W) -> (B, K) or (B, K, 1, 1).

    "map" draws a map for each class and averages it, as NIN does, behind a leaky ReLU; "linear map" does so
    without the ReLU; "vector" averages the channels first and has one linear layer, as ResNet does.
    """
    head = nn.Sequential()
    if kind == "vector":
        head.add_module("pool", nn.AdaptiveAvgPool2d(1))
        head.add_module("flatten", nn.Flatten())
        head.add_module("linear", nn.Linear(channels, num_classes))
        return head
    head.add_module("conv", nn.Conv2d(channels, num_classes, 1))
    if kind == "map":
        head.add_module("act", Leaky())
    head.add_module("pool", nn.AdaptiveAvgPool2d(1))
    return head


SITE = "pjreddie.com/darknet/imagenet"
WIDTHS = (16, 32, 64, 96, 128, 192, 256, 512, 1024)

FAMILY = Family(
    key="darknet",
    title="Darknet",
    year=2016,
    paper="YOLO9000: Better, Faster, Stronger",
    authors="Redmon, Farhadi",
    link="https://arxiv.org/abs/1612.08242",
    kind="plain",
    parents=("vgg", "nin", "resnet"),
    idea="Alternate 3x3 convolutions with 1x1 ones that squeeze the channels: VGG's accuracy, a fifth of "
    "its work.",
    story=Story(
        problem="A detector that keeps up with video needs a fast network under it. VGG-16, which most "
        "detectors used, takes 30.69 billion operations for one picture of 224 pixels.",
        trick="Keep VGG's plan: 3x3 convolutions, and twice the channels after every pooling. Between them "
        "put 1x1 convolutions that halve the channels, let the average of a class's map be its score, as in "
        "NIN, and normalise every layer. Darknet-53 then adds ResNet's shortcuts and lets strided "
        "convolutions halve the map.",
        cost="Darknet-19 needs 5.58 billion operations, 2.79 GMACs, and 20.8 million parameters, where "
        "VGG-16 has 138 million. Darknet-53 needs 9.3 GMACs at 256 pixels.",
        outcome="Darknet-19 has 72.9 % top-1 and 91.2 % top-5 accuracy and carries YOLOv2. Darknet-53 "
        "carries YOLOv3: by that report it is as accurate as ResNet-101 and 1.5 times as fast. Both are "
        "named after Darknet, the first author's own framework in C.",
    ),
    model=Darknet,
    lesson=PlainStage,
    stages=("stem", "stages", "head"),
    table="YOLO9000, table 6; YOLOv3, table 1; cfg/darknet.cfg and cfg/tiny.cfg",
    knobs=(
        Knob(name="width", meaning="channels of the first convolution", choices=(8, 16, 32, 48, 64)),
        Knob(name="widths", meaning="channels of this stage", choices=WIDTHS),
        Knob(
            name="depths",
            meaning="convolutions in this stage, or units of two convolutions where there are shortcuts",
            choices=tuple(range(1, 9)),
        ),
        Knob(
            name="squeeze",
            meaning="how many times narrower the 1x1 convolutions are",
            choices=(1, 2, 4, 8),
        ),
        Knob(
            name="squeeze_first",
            meaning="whether a stage begins with its 1x1 convolution, as in Tiny Darknet",
            choices=(False, True),
            only_with=("shortcuts", False),
        ),
        Knob(
            name="shortcuts",
            meaning="stages of Darknet-53: residual units, and a strided convolution instead of the pool",
            choices=(False, True),
        ),
        Knob(
            name="head",
            meaning="average a map for each class, with a leaky ReLU or without, or classify the average",
            choices=("map", "linear map", "vector"),
        ),
    ),
    deviations=(
        Deviation(
            what="The last pool of the Darknet reference network rounds 7 x 7 down to 3 x 3, as in "
            "pytorchcv; cfg/darknet.cfg pads it to 4 x 4.",
            effect="No weight changes, but 362 instead of 403 million MACs at 224 pixels.",
        ),
        Deviation(
            what="The scores come out without the softmax that ends the definition files, as everywhere in "
            "this zoo.",
            effect="None on the ranking of the classes.",
        ),
    ),
    variants=(
        Variant(
            name="darknet_classroom",
            title="Darknet, classroom size",
            config={"width": 16, "widths": (32, 64, 128), "depths": (1, 3, 3), "shortcuts": False},
            input_size=32,
            num_classes=10,
            note="The first four stages of Darknet-19 at half their width; switch the shortcuts on to "
            "compare.",
        ),
        Variant(
            name="darknet_ref",
            title="Darknet reference",
            config={
                "width": 16,
                "widths": (32, 64, 128, 256, 512, 1024),
                "depths": (1, 1, 1, 1, 1, 1),
                "shortcuts": False,
                "head": "map",
            },
            input_size=224,
            published=Published(
                params=7_319_416,
                macs=362_373_120,
                source="pytorchcv darknet_ref",
                twin="pytorchcv:darknet_ref",
                top1=61.42,
                top5=82.82,
                accuracy_source="pytorchcv's own training, one 224 crop",
            ),
            note="One 3x3 convolution at each resolution: more accurate than AlexNet with an eighth of its "
            "weights.",
        ),
        Variant(
            name="darknet_tiny",
            title="Tiny Darknet",
            config={
                "width": 16,
                "widths": (32, 128, 256, 512),
                "depths": (1, 4, 4, 4),
                "shortcuts": False,
                "squeeze": 8,
                "squeeze_first": True,
                "last": 128,
            },
            input_size=224,
            published=Published(
                params=1_042_104,
                macs=491_524_096,
                source="pytorchcv darknet_tiny",
                twin="pytorchcv:darknet_tiny",
                top1=59.26,
                top5=82.16,
                accuracy_source="pytorchcv's own training, one 224 crop",
                printed=(Printed(quantity="flops", value=0.98e9, source=f"{SITE}, as operations"),),
            ),
            note="1x1 convolutions squeeze to an eighth: a million weights, fewer than SqueezeNet has.",
        ),
        Variant(
            name="darknet19",
            title="Darknet-19",
            config={
                "width": 32,
                "widths": (64, 128, 256, 512, 1024),
                "depths": (1, 3, 3, 5, 5),
                "shortcuts": False,
            },
            input_size=224,
            published=Published(
                params=20_842_376,
                macs=2_790_989_824,
                source="pytorchcv darknet19",
                twin="pytorchcv:darknet19",
                top1=72.9,
                top5=91.2,
                accuracy_source="YOLO9000, section 3, one 224 crop",
                printed=(
                    Printed(
                        quantity="flops",
                        value=5.58e9,
                        source="YOLO9000, section 3, as operations: each MAC is two",
                    ),
                ),
            ),
            note="Nineteen convolutions, five max pools; the network under YOLOv2.",
        ),
        Variant(
            name="darknet53",
            title="Darknet-53",
            config={
                "width": 32,
                "widths": (64, 128, 256, 512, 1024),
                "depths": (1, 2, 8, 8, 4),
                "shortcuts": True,
                "head": "vector",
            },
            input_size=256,
            year=2018,
            published=Published(
                params=41_609_928,
                macs=9_285_115_904,
                source="timm darknet53",
                adapted="pytorchcv darknet53 at 224 px; timm darknet53 with a slope of 0.1",
                top1=77.2,
                top5=93.8,
                accuracy_source="YOLOv3, table 2, one 256 crop",
                printed=(
                    Printed(
                        quantity="flops",
                        value=18.7e9,
                        source="YOLOv3, table 2, as operations",
                        reason="twice our MACs are 18.57, which is also what the authors' site prints",
                    ),
                ),
            ),
            note="Residual units and no pooling but the last; the network under YOLOv3.",
        ),
    ),
)
