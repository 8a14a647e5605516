"""OverFeat: a classifier made of convolutions slides over a large picture and says where it sees what.

Sermanet, Eigen, Zhang, Mathieu, Fergus, LeCun, "OverFeat: Integrated Recognition, Localization and Detection
using Convolutional Networks", 2013, arXiv:1312.6229.
Fast network: table 1. Accurate network: table 3. The classifier as a convolution: section 3.5 and figure 5.
Pooling at every offset: section 3.3 and figure 3. The maximum over the places: section 3.3.

B images, C channels, H x W pixels, K classes.
"""

from torch import Tensor, flatten, nn, stack

from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import he_init, map_size


class Classifier(nn.Sequential):
    """Two hidden layers and the scores, as convolutions: (B, cin, H, W) to (B, K, h, w).

    On the map of a training picture, `side` cells wide, they are fully connected layers and h = w = 1. On a
    larger map h = H - side + 1: an answer for each position of that window, and where windows overlap,
    nothing below them is computed twice.
    """

    def __init__(self, cin: int, side: int, hidden: tuple[int, int], num_classes: int) -> None:
        super().__init__()
        self.full1 = nn.Conv2d(cin, hidden[0], side)
        self.relu1 = nn.ReLU()
        self.drop1 = nn.Dropout(0.5)
        self.full2 = nn.Conv2d(hidden[0], hidden[1], 1)
        self.relu2 = nn.ReLU()
        self.drop2 = nn.Dropout(0.5)
        self.full3 = nn.Conv2d(hidden[1], num_classes, 1)


def look_finely(features: Tensor, pool: nn.MaxPool2d, classifier: Classifier) -> Tensor:
    """Scores at every cell of the map before the last pool, not at every window of it. Figure 3.

    Windows of n x n cells, n apart, can start at n x n offsets. Pool at each, classify each, and interleave
    the answers: (B, C, H, W) -> (B, K, n h, n w), in steps n times as fine.
    """
    n = pool.kernel_size
    assert isinstance(n, int)
    rows, columns = ((side - n + 1) // n * n for side in features.shape[-2:])  # whole windows at all offsets
    looks = [
        classifier(pool(features[:, :, y : y + rows, x : x + columns])) for y in range(n) for x in range(n)
    ]
    batch, classes, h, w = looks[0].shape
    grid = stack(looks, -1).reshape(batch, classes, h, w, n, n)
    return grid.permute(0, 1, 2, 4, 3, 5).reshape(batch, classes, n * h, n * w)


class OverFeat(nn.Module):
    """Convolutions, some of them pooled, and a classifier as wide as the map of a training picture."""

    def __init__(
        self,
        *,
        widths: tuple[int, ...],
        kernels: tuple[int, ...],
        pools: tuple[int, ...],
        stride: int = 1,
        hidden: tuple[int, int],
        num_classes: int,
        input_size: int,
    ) -> None:
        super().__init__()
        self.stages = nn.Sequential()
        cin, side = 3, input_size
        for i, (width, kernel, pool) in enumerate(zip(widths, kernels, pools, strict=True)):
            padding = 0 if i < 2 else kernel // 2  # the first two layers are not padded
            step = stride if i == 0 else 1
            stage = nn.Sequential()
            stage.add_module("conv", nn.Conv2d(cin, width, kernel, step, padding))
            stage.add_module("relu", nn.ReLU())
            if pool > 1:
                stage.add_module("pool", nn.MaxPool2d(pool))  # its windows do not overlap
            self.stages.append(stage)
            cin, side = width, map_size(side, kernel, step, padding) // pool
            if side < 1:
                raise ValueError(
                    f"Layer {i + 1} leaves nothing of a picture of {input_size} px. Smaller kernels, a "
                    "smaller stride or less pooling would."
                )
        self.head = Classifier(cin, side, hidden, num_classes)
        self.pool = nn.AdaptiveMaxPool2d(1)  # one place at the training size; on larger pictures the best one
        self.apply(he_init)

    def scores(self, x: Tensor) -> Tensor:
        """A map for each class: what the network says of each place where a training picture would fit."""
        return self.head(self.stages(x))  # (B, K, 1, 1) at the training size

    def fine_scores(self, x: Tensor) -> Tensor:
        """The same maps in finer steps. The picture has to be larger than a training picture."""
        *before, pool = [layer for stage in self.stages.children() for layer in stage.children()]
        if not isinstance(pool, nn.MaxPool2d):
            raise ValueError("The last layer does not pool, so there are no finer steps.")
        for layer in before:
            x = layer(x)
        return look_finely(x, pool, self.head)

    def forward(self, x: Tensor) -> Tensor:
        return flatten(self.pool(self.scores(x)), 1)  # (B, K)


FEWER = "the layers of the table give {} million multiply-adds, {} with their biases"
WIDTHS = (16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)

FAMILY = Family(
    key="overfeat",
    title="OverFeat",
    year=2013,
    paper="OverFeat: Integrated Recognition, Localization and Detection using Convolutional Networks",
    authors="Sermanet, Eigen, Zhang, Mathieu, Fergus, LeCun",
    link="https://arxiv.org/abs/1312.6229",
    kind="plain",
    parents=("alexnet",),
    idea="Make the classifier a convolution too, and one network classifies every place of a larger picture.",
    story=Story(
        problem="AlexNet looks at ten fixed crops and averages. It may miss an object that fills no crop "
        "well, it computes the overlap of the crops again and again, and it cannot say where the object is.",
        trick="A fully connected layer is a convolution as large as its map. Written so, the network "
        "accepts any larger picture and returns a map of scores, one for each window, with all the work "
        "below shared. Pooling at every offset makes the steps of that map two or three times as fine, and "
        "a second head on the same features predicts a box for each window.",
        cost="About 145 million weights, more than twice AlexNet's, nearly nine in ten of them in the three "
        "full layers. Larger first maps and wider layers need 2.8 and 5.4 GMACs, four and seven times as "
        "much as AlexNet.",
        outcome="First place in localisation in ILSVRC 2013, with 29.9 % errors, and fourth in "
        "classification. Dense evaluation caught on: VGG was tested that way a year later, and fully "
        "convolutional networks for segmentation took up the idea.",
    ),
    model=OverFeat,
    lesson=look_finely,
    stages=("stages", "head", "pool"),
    table="tables 1 and 3",
    knobs=(
        Knob(name="widths", meaning="maps of this convolution", choices=WIDTHS),
        Knob(name="kernels", meaning="side of this layer's filters in pixels", choices=(1, 3, 5, 7, 11)),
        Knob(
            name="pools",
            meaning="side of this layer's pooling windows, which do not overlap; 1 is none",
            choices=(1, 2, 3),
        ),
        Knob(name="stride", meaning="pixels between the first filters", choices=(1, 2, 4)),
        Knob(
            name="hidden",
            meaning="units of this hidden layer of the classifier",
            choices=(64, 128, 256, 512, 1024, 2048, 3072, 4096),
        ),
    ),
    deviations=(
        Deviation(
            what="Table 1 gives the input of layer 2 as 24 x 24. Filters of 11x11, 4 apart, leave 56 x 56 of "
            "231 pixels, pooled to 28 x 28; 24 x 24 is what unpadded 5x5 filters leave of that.",
            effect="None: all later sizes of the table, and its counts, are met.",
        ),
        Deviation(
            what="The classifier is a convolution in training too, where the paper's is fully connected "
            "until it is slid. The weights are the same.",
            effect="No count changes.",
        ),
        Deviation(
            what="The regression head that predicts boxes is not built; the app is about classification.",
            effect="No localisation; a class map says only where a class is seen.",
        ),
        Deviation(
            what="Dropout is one half behind both hidden layers, as the paper has it in layers 6 and 7; "
            "weights start by He's rule instead of a Gaussian of deviation 0.01.",
            effect="No count changes; a training starts differently.",
        ),
    ),
    variants=(
        Variant(
            name="overfeat_classroom",
            title="OverFeat, classroom size",
            config={
                "widths": (32, 48, 64, 64, 64),
                "kernels": (5, 3, 3, 3, 3),
                "pools": (2, 2, 1, 1, 2),
                "hidden": (256, 256),
            },
            input_size=32,
            num_classes=10,
            note="The fast network for 32x32 pictures: first filters of 5x5, no stride.",
        ),
        Variant(
            name="overfeat_fast",
            title="OverFeat, fast",
            config={
                "widths": (96, 256, 512, 1024, 1024),
                "kernels": (11, 5, 3, 3, 3),
                "pools": (2, 2, 1, 1, 2),
                "stride": 4,
                "hidden": (3072, 4096),
            },
            input_size=231,
            published=Published(
                params=145_920_872,
                macs=2_801_403_904,
                source="paper, table 1, by arithmetic",
                table="table 1",
                printed=(
                    Printed(
                        quantity="params", value=145e6, source="paper, table 4", reason="ours, rounded down"
                    ),
                    Printed(
                        quantity="macs",
                        value=2810e6,
                        source="paper, table 4, as connections",
                        reason=FEWER.format("2,801", "2,802"),
                    ),
                ),
            ),
            note="AlexNet with a finer first map, wider layers and pools that do not overlap.",
        ),
        Variant(
            name="overfeat_accurate",
            title="OverFeat, accurate",
            config={
                "widths": (96, 256, 512, 512, 1024, 1024),
                "kernels": (7, 7, 3, 3, 3, 3),
                "pools": (3, 2, 1, 1, 1, 3),
                "stride": 2,
                "hidden": (4096, 4096),
            },
            input_size=221,
            published=Published(
                params=144_656_488,
                macs=5_355_446_784,
                source="paper, table 3, by arithmetic",
                table="table 3",
                printed=(
                    Printed(
                        quantity="params", value=144e6, source="paper, table 4", reason="ours, rounded down"
                    ),
                    Printed(
                        quantity="macs",
                        value=5369e6,
                        source="paper, table 4, as connections",
                        reason=FEWER.format("5,355", "5,357"),
                    ),
                ),
            ),
            note="One layer more, first filters of 7x7 that are 2 apart: 36 pixels from window to window.",
        ),
    ),
)
