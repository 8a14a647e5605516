"""SENet: let every channel be weighed by what the whole map contains.

Hu, Shen, Albanie, Sun, Wu, "Squeeze-and-Excitation Networks", 2017, arXiv:1709.01507. The block: figure 3.

B images, C channels, H x W pixels.
"""

from torch import Tensor, nn

from zoo.families.resnet import BasicBlock, ResNet
from zoo.family import Family, Knob, Published, Story, Variant


class SqueezeExcite(nn.Module):
    """A weight in 0..1 for every channel, from the averages of all channels: (B, C, H, W) -> (B, C, H, W).

    Squeeze: the average of each map. Excitation: two layers with `hidden` units between them and a gate.
    """

    def __init__(
        self,
        channels: int,
        hidden: int,
        act: type[nn.Module] = nn.ReLU,
        gate: type[nn.Module] = nn.Sigmoid,
    ) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.act = act()
        self.fc2 = nn.Conv2d(hidden, channels, 1)
        self.gate = gate()

    def forward(self, x: Tensor) -> Tensor:
        weight = self.fc2(self.act(self.fc1(self.pool(x))))  # (B, C, 1, 1)
        return x * self.gate(weight)


class SEBlock(BasicBlock):
    """ResNet's basic block whose branch is weighed by channel before it is added."""

    def __init__(self, cin: int, width: int, stride: int, shortcut: str, stride_in: str) -> None:
        super().__init__(cin, width, stride, shortcut, stride_in)
        self.excite = SqueezeExcite(width, width // 16)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.norm1(self.conv1(x)))
        y = self.excite(self.norm2(self.conv2(y)))
        if self.shortcut is not None:
            y = y + self.shortcut(x)
        return self.relu2(y)


class SENet(ResNet):
    """ResNet with squeeze and excitation in every block."""


FAMILY = Family(
    key="senet",
    title="SENet",
    year=2017,
    paper="Squeeze-and-Excitation Networks",
    authors="Hu, Shen, Albanie, Sun, Wu",
    link="https://arxiv.org/abs/1709.01507",
    kind="shortcuts",
    parents=("resnet", "resnext"),
    idea="Look at the whole map once, then turn each of its channels up or down.",
    story=Story(
        problem="A convolution treats all channels alike wherever it stands, whatever the picture shows as a "
        "whole; what is useful in one picture is noise in another.",
        trick="Average each channel over the map (squeeze), let two small layers turn these averages into a "
        "weight for each channel (excitation), and multiply the channels by their weights.",
        cost="Few MACs, because the two layers see one number per channel. About ten per cent more "
        "parameters in a ResNet-50, most of them in the last stage.",
        outcome="Won ILSVRC 2017, the last one, with 2.25 % top-5 error (an ensemble). The block became a "
        "standard part of mobile networks.",
    ),
    model=SENet,
    lesson=SqueezeExcite,
    stages=("stem", "stages", "pool", "head"),
    table="table 1",
    knobs=(Knob(name="depths", meaning="blocks in this stage", choices=tuple(range(1, 37))),),
    deviations=(),
    variants=(
        Variant(
            name="senet_classroom",
            title="SENet, classroom size",
            config={"block": SEBlock, "depths": (1, 1, 1), "width": 16, "stem": "3x3"},
            input_size=32,
            num_classes=10,
            note="Three blocks with squeeze and excitation for 32x32 pictures.",
        ),
        Variant(
            name="seresnet34",
            title="SE-ResNet-34",
            config={"block": SEBlock, "depths": (3, 4, 6, 3)},
            input_size=224,
            published=Published(
                params=21_958_868,
                macs=3_663_918_592,
                source="pytorchcv seresnet34",
            ),
        ),
    ),
)
