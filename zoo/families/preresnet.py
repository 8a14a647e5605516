"""Pre-activation ResNet: norm and ReLU move in front of each convolution, and the shortcut is left clean.

He, Zhang, Ren, Sun, "Identity Mappings in Deep Residual Networks", 2016, arXiv:1603.05027. Unit: figures 1b
and 4e. Shortcuts that are not clean: section 3, figure 2. Stage depths are ResNet's, and those of the
ResNet-200 of table 5. Module order follows pytorchcv, so its tensors fit by position.

B images, C channels, H x W pixels, s stride.
"""

from torch import Tensor, nn

from zoo.families import resnet
from zoo.families.resnet import ResidualNetwork, make_stages
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant


class PreBasicBlock(nn.Module):
    """BN, ReLU, 3x3, twice, added to the untouched input: (B, cin, H, W) -> (B, width, H/s, W/s).

    Where the shape changes, the shortcut is a 1x1 convolution that shares the first BN and ReLU.
    `stride_in` is for PreBottleneck.
    """

    expansion = 1

    def __init__(self, cin: int, width: int, stride: int, shortcut: str, stride_in: str) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(cin)
        self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv2d(cin, width, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.reshapes = cin != width or stride != 1
        self.shortcut = make_shortcut(shortcut, cin, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        a = self.relu1(self.norm1(x))
        y = self.conv1(a)  # (B, width, H/s, W/s)
        y = self.conv2(self.relu2(self.norm2(y)))
        return y + self.shortcut(a if self.reshapes else x)  # and nothing behind the sum


class PreBottleneck(nn.Module):
    """BN and ReLU before each of 1x1, 3x3, 1x1: (B, cin, H, W) -> (B, 4 width, H/s, W/s)."""

    expansion = 4

    def __init__(self, cin: int, width: int, stride: int, shortcut: str, stride_in: str) -> None:
        super().__init__()
        first, second = (stride, 1) if stride_in == "1x1" else (1, stride)
        cout = self.expansion * width
        self.norm1 = nn.BatchNorm2d(cin)
        self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv2d(cin, width, 1, first, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, second, padding=1, bias=False)
        self.norm3 = nn.BatchNorm2d(width)
        self.relu3 = nn.ReLU()
        self.conv3 = nn.Conv2d(width, cout, 1, bias=False)
        self.reshapes = cin != cout or stride != 1
        self.shortcut = make_shortcut(shortcut, cin, cout, stride)

    def forward(self, x: Tensor) -> Tensor:
        a = self.relu1(self.norm1(x))
        y = self.conv1(a)
        y = self.conv2(self.relu2(self.norm2(y)))  # (B, width, H/s, W/s)
        y = self.conv3(self.relu3(self.norm3(y)))  # (B, 4 width, H/s, W/s)
        return y + self.shortcut(a if self.reshapes else x)


class Half(nn.Module):
    """Constant scaling, equation 6: what has passed L of these is 2^L times smaller."""

    def forward(self, x: Tensor) -> Tensor:
        return 0.5 * x


def make_shortcut(kind: str, cin: int, cout: int, stride: int) -> nn.Module:
    """The way around a block: a 1x1 convolution where the shape changes, else the identity.

    The other kinds are those of section 3 that the paper tried in place of the identity, and rejected.
    """
    if cin != cout or stride != 1 or kind == "convolution":
        return nn.Conv2d(cin, cout, 1, stride, bias=False)
    if kind == "dropout":
        return nn.Dropout(0.5)
    return Half() if kind == "half" else nn.Identity()


def make_stem(kind: str, width: int) -> nn.Sequential:
    """ResNet's "7x7" stem, or for CIFAR a bare "3x3": the first block brings its own norm and ReLU."""
    if kind == "7x7":
        return resnet.make_stem(kind, width)
    stem = nn.Sequential()
    stem.add_module("conv1", nn.Conv2d(3, width, 3, padding=1, bias=False))
    return stem


def finish(stages: nn.Sequential, channels: int) -> nn.Sequential:
    """The stages with the norm and ReLU behind them that the last sum of pre-activated blocks still lacks."""
    stages.add_module("norm", nn.BatchNorm2d(channels))
    stages.add_module("relu", nn.ReLU())
    return stages


class PreResNet(ResidualNetwork):
    """ResNet's frame around pre-activated blocks."""

    def __init__(
        self,
        *,
        block: type[PreBasicBlock] | type[PreBottleneck],
        depths: tuple[int, ...],
        width: int = 64,
        stem: str = "7x7",
        shortcut: str = "identity",
        stride_in: str = "1x1",
        num_classes: int,
    ) -> None:
        def make_block(stage: int, cin: int, cout: int, stride: int) -> nn.Module:
            return block(cin, width << stage, stride, shortcut, stride_in)

        stages = make_stages(depths, width, block.expansion * width, make_block)
        channels = block.expansion * width << len(depths) - 1
        super().__init__(make_stem(stem, width), finish(stages, channels), channels, num_classes)


PYTORCHCV = "pytorchcv README, its own training, one 224 crop"
WRN_README = "szagoruyko/wide-residual-networks, pretrained/README.md"


def imagenet_row(
    depth: int,
    depths: tuple[int, ...],
    params: int,
    macs: int,
    top1: float,
    top5: float,
    accuracy_source: str = PYTORCHCV,
    printed: tuple[Printed, ...] = (),
) -> Variant:
    return Variant(
        name=f"preresnet{depth}",
        title=f"Pre-activation ResNet-{depth}",
        config={"block": PreBottleneck, "depths": depths},
        input_size=224,
        published=Published(
            params=params,
            macs=macs,
            source=f"pytorchcv preresnet{depth}",
            twin=f"pytorchcv:preresnet{depth}",
            top1=top1,
            top5=top5,
            accuracy_source=accuracy_source,
            printed=printed,
        ),
        note="The one that the paper trains on ImageNet beside 152 layers." if depth == 200 else "",
    )


FAMILY = Family(
    key="preresnet",
    title="Pre-activation ResNet",
    year=2016,
    paper="Identity Mappings in Deep Residual Networks",
    authors="He, Zhang, Ren, Sun",
    link="https://arxiv.org/abs/1603.05027",
    kind="shortcuts",
    parents=("resnet",),
    idea="Put norm and ReLU before each convolution, so that nothing stands in the way of the shortcut.",
    story=Story(
        problem="In ResNet a ReLU follows every sum, so the shortcut is a clean path only within its own "
        "block. With 1001 layers on CIFAR-10 the training loss fell very slowly, and the test error was "
        "7.61 %, worse than with 110 layers.",
        trick="Move batch norm and ReLU to the front of each convolution. Now the sum itself is handed on, "
        "and any block's input is an earlier block's input plus what the blocks between have added. The "
        "gradient reaches every block undiminished along the same path.",
        cost="None: the same convolutions in the same shapes. One more BN and ReLU is needed at the very "
        "end, because the last sum is not normalised.",
        outcome="1001 layers reached 4.92 % on CIFAR-10. On ImageNet, at 320 px, ResNet-200 improved from "
        "21.8 to 20.7 % top-1 error. Shortcuts that scale, gate, convolve or drop the signal were all worse "
        "than the identity. DenseNet and the transformer's pre-norm blocks keep this order.",
    ),
    model=PreResNet,
    lesson=PreBasicBlock,
    stages=("stem", "stages", "pool", "head"),
    table="table 5; table 1 for the shortcuts",
    knobs=(
        Knob(name="depths", meaning="blocks in this stage", choices=tuple(range(1, 37))),
        Knob(
            name="width",
            meaning="channels of the stem and of the first stage",
            choices=(8, 16, 24, 32, 48, 64, 80, 96, 128),
        ),
        Knob(
            name="shortcut",
            meaning="the way around a block that keeps its shape; all but identity hurt (section 3)",
            choices=("identity", "half", "convolution", "dropout"),
        ),
        Knob(
            name="stem",
            meaning="first convolution: 7x7 with max pooling, or one 3x3 at full resolution (CIFAR)",
            choices=("7x7", "3x3"),
        ),
        Knob(
            name="stride_in",
            meaning="where a bottleneck halves the map",
            choices=("1x1", "3x3"),
            only_with=("block", PreBottleneck),
        ),
    ),
    deviations=(
        Deviation(
            what="Where the shape changes, the 1x1 of the shortcut shares BN and ReLU with the branch, as in "
            "the authors' CIFAR code and in pytorchcv. Facebook's Torch code, from which the accuracy of "
            "ResNet-200 comes, projects the raw sum and normalises the result.",
            effect="Four batch norms fewer; the same convolutions.",
        ),
        Deviation(
            what="The map is halved in the first 1x1 of a stage, as pytorchcv does; Facebook's code halves "
            "it in the 3x3.",
            effect="Same parameters; ResNet-50 needs 3.86 instead of 4.09 GMACs. The knob turns it.",
        ),
    ),
    variants=(
        Variant(
            name="preresnet_classroom",
            title="Pre-activation ResNet, classroom size",
            config={"block": PreBasicBlock, "depths": (1, 1, 1), "width": 16, "stem": "3x3"},
            input_size=32,
            num_classes=10,
            note="The convolutions of ResNet's classroom variant, with norm and ReLU in front of them.",
        ),
        imagenet_row(50, (3, 4, 6, 3), 25_549_480, 3_857_973_248, 77.6, 93.53),
        imagenet_row(101, (3, 4, 23, 3), 44_541_608, 7_570_194_432, 79.19, 94.37),
        imagenet_row(152, (3, 8, 36, 3), 60_185_256, 11_282_415_616, 80.64, 95.36),
        imagenet_row(
            200,
            (3, 24, 36, 3),
            64_666_280,
            14_776_270_848,
            78.34,
            94.21,
            f"fb.resnet.torch, as listed in {WRN_README}, one 224 crop",
            (Printed(quantity="params", value=64.7e6, source=WRN_README),),
        ),
    ),
)
