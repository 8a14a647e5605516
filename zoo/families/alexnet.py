"""AlexNet: LeNet's plan, a thousand times larger, with ReLUs, dropout and two GPUs.

Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", 2012.
The layers: figure 2 and section 3.5. ReLU: 3.1. Two GPUs: 3.2. Local response normalisation: 3.3.
Overlapping pooling: 3.4. Dropout: 4.2.
The narrower single tower: Krizhevsky, "One weird trick for parallelizing convolutional neural networks",
2014, arXiv:1404.5997, in torchvision's reading, whose weights load by position.

B images, C channels, H x W pixels, s stride.
"""

from torch import Tensor, flatten, nn

from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import he_init


def make_norm(kind: str) -> nn.LocalResponseNorm:
    """Each value divided by a power of the sum of squares of five neighbouring maps, at the same pixel.

    Section 3.3 multiplies that sum by alpha = 1e-4. torch and Caffe divide alpha by five first: "printed"
    makes up for it, "divided" leaves it at that.
    """
    return nn.LocalResponseNorm(5, alpha={"printed": 5e-4, "divided": 1e-4}[kind], beta=0.75, k=2)


class Stage(nn.Sequential):
    """Convolution, batch norm where asked for, ReLU, then normalisation across maps and overlapping pooling.

    (B, cin, H, W) -> (B, cout, H/s, W/s), and half of that where windows of 3x3 pixels, 2 apart, pool. In two
    groups, each half of the maps sees one half of the maps below: a GPU each, and nothing to exchange.
    """

    def __init__(
        self,
        cin: int,
        cout: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        norm: str = "none",
        pool: bool = False,
        ceil: bool = False,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, kernel, stride, padding, groups=groups)
        if norm == "batch":
            self.bn = nn.BatchNorm2d(cout)
        self.relu = nn.ReLU()
        if norm not in ("none", "batch"):
            self.norm = make_norm(norm)
        if pool:
            self.pool = nn.MaxPool2d(3, 2, ceil_mode=ceil)


class Classifier(nn.Sequential):
    """Two hidden layers or fewer, half of whose units are silent in each training step, and the scores."""

    def __init__(self, inputs: int, hidden: int, num_classes: int, *, layers: int = 2) -> None:
        super().__init__()
        for number in (6, 7)[:layers]:
            self.add_module(f"fc{number}", nn.Linear(inputs, hidden))
            self.add_module(f"relu{number}", nn.ReLU())
            self.add_module(f"drop{number}", nn.Dropout(0.5))
            inputs = hidden
        self.fc8 = nn.Linear(inputs, num_classes)


class AlexNet(nn.Module):
    """Five convolutional layers, three of them pooled, and three fully connected ones."""

    def __init__(
        self,
        *,
        widths: tuple[int, int, int, int, int] = (96, 256, 384, 384, 256),
        hidden: int = 4096,
        kernel: int = 11,
        stride: int = 4,
        padding: int = 0,
        groups: int = 1,
        lrn: str = "none",
        grid: int = 6,
        num_classes: int,
    ) -> None:
        super().__init__()
        w1, w2, w3, w4, w5 = widths
        self.stages = nn.Sequential(
            Stage(3, w1, kernel, stride=stride, padding=padding, norm=lrn, pool=True),
            Stage(w1, w2, 5, padding=2, groups=groups, norm=lrn, pool=True),
            Stage(w2, w3, 3, padding=1),  # here the two GPUs exchange their maps
            Stage(w3, w4, 3, padding=1, groups=groups),
            Stage(w4, w5, 3, padding=1, groups=groups, pool=True),
        )
        self.pool = nn.AdaptiveAvgPool2d(grid)  # changes nothing at the printed size, lets others in
        self.head = Classifier(w5 * grid * grid, hidden, num_classes)
        self.apply(he_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stages(x)  # (B, 256, 6, 6) from 227 x 227 pixels
        x = flatten(self.pool(x), 1)  # (B, 9216)
        return self.head(x)  # (B, num_classes)


FAMILY = Family(
    key="alexnet",
    title="AlexNet",
    year=2012,
    paper="ImageNet Classification with Deep Convolutional Neural Networks",
    authors="Krizhevsky, Sutskever, Hinton",
    link="https://proceedings.neurips.cc/paper/2012/hash/c399862d3b9d6b76c8436e924a68c45b-Abstract.html",
    kind="plain",
    parents=("lenet",),
    idea="Train a large convolutional network on a million photos, fast enough with ReLUs on two GPUs.",
    story=Story(
        problem="1.2 million labelled photos of a thousand classes were there, but a network large enough "
        "for them could not be trained: saturating units learn slowly, a GPU held 3 GB, and 60 million "
        "weights can learn the training images by heart.",
        trick="ReLUs instead of tanh: in the paper's CIFAR-10 test they reach the same training error six "
        "times sooner. Two GPUs hold half of the maps each. Dropout and randomly cropped, mirrored and "
        "recoloured pictures hold over-fitting down.",
        cost="60 million weights, 58.6 million of them in the fully connected layers, while nine tenths "
        "of the multiplications are in the convolutions. Five to six days of training on two GTX 580.",
        outcome="15.3 % top-5 error in ILSVRC 2012 (an ensemble), where the runner-up had 26.2 %. Within two "
        "years almost every entry was a convolutional network.",
    ),
    model=AlexNet,
    lesson=Stage,
    stages=("stages.0", "stages.1", "stages.2", "stages.3", "stages.4", "pool", "head"),
    table="figure 2 and section 3.5",
    knobs=(
        Knob(
            name="widths",
            meaning="maps of this convolutional layer",
            choices=(16, 32, 48, 64, 96, 128, 192, 256, 384, 512),
        ),
        Knob(name="hidden", meaning="units of fc6 and of fc7", choices=(128, 256, 512, 1024, 2048, 4096)),
        Knob(
            name="groups",
            meaning="GPUs over which layers 2, 4 and 5 are split without exchange",
            choices=(1, 2, 4),
        ),
        Knob(name="kernel", meaning="side of the first filters in pixels", choices=(3, 5, 7, 11)),
        Knob(name="stride", meaning="pixels between the first filters", choices=(1, 2, 4)),
        Knob(
            name="lrn",
            meaning="normalisation across maps: none, alpha as printed, or alpha divided by five",
            choices=("none", "printed", "divided"),
        ),
    ),
    deviations=(
        Deviation(
            what="The picture is 227 pixels wide where the paper says 224: only 227 gives the paper's 55 x "
            "55 first maps with 11x11 filters 4 apart and no padding.",
            effect="None on the weights; at 224 the first maps would be 54 x 54.",
        ),
        Deviation(
            what="An adaptive average pool stands before fc6, as in torchvision.",
            effect="Nothing at the printed size, where the map is 6 x 6 already; other sizes fit as well.",
        ),
        Deviation(
            what="torchvision drops inputs of fc6 and fc7; here outputs are dropped, as in the paper.",
            effect="None on a trained network, where dropout is off.",
        ),
        Deviation(
            what="The single tower divides the alpha of its response normalisation by five, as Caffe and "
            "Krizhevsky's own cuda-convnet do. The network for two GPUs takes alpha as printed.",
            effect="No count changes. The outputs differ, the more the larger the activations are.",
        ),
        Deviation(
            what="Convolutions start by He's rule, linear layers as torch starts them. The paper draws "
            "from a Gaussian of deviation 0.01 and starts the biases of layers 2, 4, 5, fc6 and fc7 at "
            "one.",
            effect="No count changes; a training starts differently.",
        ),
    ),
    variants=(
        Variant(
            name="alexnet_classroom",
            title="AlexNet, classroom size",
            config={
                "widths": (32, 64, 96, 96, 64),
                "hidden": 512,
                "kernel": 5,
                "stride": 1,
                "padding": 2,
                "groups": 2,
                "lrn": "printed",
                "grid": 3,
            },
            input_size=32,
            num_classes=10,
            note="All eight layers and the two groups, for 32x32 pictures: first filters of 5x5, no stride.",
        ),
        Variant(
            name="alexnet_2gpu",
            title="AlexNet, two GPUs (as printed)",
            config={"groups": 2, "lrn": "printed"},
            input_size=227,
            published=Published(
                params=60_965_224,
                macs=724_406_816,
                source="Caffe's models/bvlc_alexnet",
                table="figure 2",
                top1=59.3,
                top5=81.8,
                accuracy_source="paper, table 2, 1 CNN, validation, mean of ten crops",
                printed=(
                    Printed(
                        quantity="params", value=60e6, source="paper, abstract", reason="ours, rounded down"
                    ),
                ),
            ),
            note="Layers 2, 4 and 5 see only the maps of their own GPU; layer 3 and the head see all.",
        ),
        Variant(
            name="alexnet_1tower",
            title="AlexNet, one tower",
            config={"lrn": "divided"},
            input_size=227,
            published=Published(
                params=62_378_344,
                macs=1_135_256_096,
                source="pytorchcv alexnet, at 227 pixels",
                twin="pytorchcv:alexnet",
                top1=61.5,
                top5=83.36,
                accuracy_source="pytorchcv's own training, one 224 crop",
                printed=(
                    Printed(
                        quantity="params",
                        value=60e6,
                        source="paper, abstract",
                        reason="on two GPUs layers 2, 4 and 5 have half as many weights: 1.4 million fewer",
                    ),
                ),
            ),
            note="The same maps without the split: what many mean by AlexNet's 62 million parameters.",
        ),
        Variant(
            name="alexnet",
            title="AlexNet (One weird trick, torchvision)",
            config={"widths": (64, 192, 384, 256, 256), "padding": 2},
            input_size=224,
            year=2014,
            weights="AlexNet_Weights.IMAGENET1K_V1",
            published=Published(
                params=61_100_840,
                macs=714_188_480,
                source="torchvision alexnet",
                twin="torchvision:alexnet",
                top1=56.522,
                top5=79.066,
                accuracy_source="torchvision AlexNet_Weights.IMAGENET1K_V1: one 224 crop",
                printed=(
                    Printed(
                        quantity="params",
                        value=60e6,
                        source="AlexNet paper, abstract",
                        reason="other widths, one tower, no response normalisation: arXiv:1404.5997",
                    ),
                ),
            ),
            note="One tower with narrower layers and no response normalisation.",
        ),
    ),
)
