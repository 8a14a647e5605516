"""FractalNet: one rule, applied to its own result, gives paths of 1, 2, 4, ... layers and needs no shortcut.

Larsson, Maire, Shakhnarovich, "FractalNet: Ultra-Deep Neural Networks without Residuals", 2016,
arXiv:1605.07648. The rule: section 3, figure 1. Drop-path: section 3.1, figure 2. The network for CIFAR:
section 4. Module order follows pytorchcv, so its tensors fit by position.

B images, H x W pixels, C columns of a block; n columns that end in the same row.
"""

import torch
from torch import Tensor, flatten, nn

from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import he_init

GLOBAL = 0.5  # share of the images for which drop-path keeps a single column of the whole network
LOCAL = -1  # in place of a column: for this image each join decides for itself


class ConvDropNormAct(nn.Sequential):
    """3x3 convolution, dropout, batch norm, ReLU: (B, cin, H, W) -> (B, cout, H, W)."""

    def __init__(self, cin: int, cout: int, dropout: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, 3, padding=1, bias=False)
        self.drop = nn.Dropout(dropout)
        self.norm = nn.BatchNorm2d(cout)
        self.relu = nn.ReLU()


class Join(nn.Module):
    """The mean of n paths, in training of those that drop-path leaves: n times (B, ...) -> (B, ...)."""

    def __init__(self, drop_path: float) -> None:
        super().__init__()
        self.drop_path = drop_path

    def forward(self, paths: list[Tensor], column: Tensor | None) -> Tensor:
        if len(paths) == 1:
            return paths[0]
        if column is None:
            return sum(paths[1:], paths[0]) / len(paths)
        kept = keep(len(paths), column, self.drop_path)  # (n, B)
        kept = kept.to(paths[0].dtype)[:, :, None, None, None]
        return (torch.stack(paths) * kept).sum(0) / kept.sum(0)

    def extra_repr(self) -> str:
        return f"drop_path={self.drop_path}"


def keep(n: int, column: Tensor, drop_path: float) -> Tensor:
    """Which of n paths into a join stay: (B,) column numbers or LOCAL, one for each image -> (n, B) of bool.

    Local: each path is dropped with probability `drop_path`. Global: only the image's column stays. Where
    that leaves none, one path at random does. (The image's column may end further down; what a join before
    puts out is then of no use to it.)
    """
    batch, device = len(column), column.device
    number = torch.arange(n, device=device)[:, None]  # (n, 1)
    local = torch.rand(n, batch, device=device) >= drop_path
    kept = torch.where(column == LOCAL, local, number == column)
    survivor = number == torch.randint(n, (batch,), device=device)
    return kept | (survivor & ~kept.any(0))


class Row(nn.Module):
    """The convolutions of the n columns that end in one row, joined: n x (B, C, H, W) -> (B, cout, H, W)."""

    def __init__(self, convs: list[ConvDropNormAct], drop_path: float) -> None:
        super().__init__()
        self.convs = nn.ModuleList(convs)
        self.join = Join(drop_path)

    def forward(self, columns: list[Tensor], column: Tensor | None) -> Tensor:
        return self.join([conv(x) for conv, x in zip(self.convs, columns, strict=True)], column)


class FractalBlock(nn.Module):
    """2^(C-1) rows of convolutions in C columns, then max pooling: (B, cin, H, W) -> (B, cout, H/2, W/2).

    f_1 is one convolution; f_(C+1) joins one convolution with f_C after f_C. Unrolled, column c = 0, 1, ...
    has a convolution for every 2^c rows. Columns that end in the same row are joined: in the last row, all.
    """

    def __init__(self, cin: int, cout: int, columns: int, drop_path: float, dropout: float) -> None:
        super().__init__()
        self.columns = columns
        self.rows = nn.ModuleList()
        self.ending: list[int] = []  # how many columns end in each row
        for row in range(1, 2 ** (columns - 1) + 1):
            spans = [2**c for c in range(columns) if row % 2**c == 0]
            convs = [ConvDropNormAct(cin if row == span else cout, cout, dropout) for span in spans]
            self.rows.append(Row(convs, drop_path))
            self.ending.append(len(spans))
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor, column: Tensor | None) -> Tensor:
        columns = [x] * self.columns  # what the next convolution of each column reads
        for row, n in zip(self.rows, self.ending, strict=True):
            columns[:n] = [row(columns[:n], column)] * n
        return self.pool(columns[0])


class FractalBlocks(nn.Sequential):
    """One block after the other, all with the same column for an image."""

    def forward(self, x: Tensor, column: Tensor | None = None) -> Tensor:
        for block in self:
            x = block(x, column)
        return x


class FractalNet(nn.Module):
    """`blocks` fractal blocks, `width` channels in the first and up to 8 times as many; block b = 0, 1, ...
    drops b times `dropout` of the values behind its convolutions.
    """

    def __init__(
        self,
        *,
        columns: int,
        blocks: int,
        width: int,
        drop_path: float = 0.15,
        dropout: float = 0.1,
        num_classes: int,
    ) -> None:
        super().__init__()
        self.columns, self.drops_paths = columns, drop_path > 0
        self.stages = FractalBlocks()
        cin = 3
        for b in range(blocks):
            cout = width << min(b, 3)
            self.stages.append(FractalBlock(cin, cout, columns, drop_path, b * dropout))
            cin = cout
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(cin, num_classes)
        self.apply(he_init)

    def forward(self, x: Tensor) -> Tensor:
        column = None
        if self.training and self.drops_paths:  # one column for half of the images, for the rest each join
            column = torch.randint(self.columns, (len(x),), device=x.device)
            column[torch.rand(len(x), device=x.device) >= GLOBAL] = LOCAL
        x = self.stages(x, column)  # (B, 8 width, H/32, W/32)
        x = flatten(self.pool(x), 1)  # (B, 8 width)
        return self.head(x)  # (B, num_classes)


FAMILY = Family(
    key="fractalnet",
    title="FractalNet",
    year=2016,
    paper="FractalNet: Ultra-Deep Neural Networks without Residuals",
    authors="Larsson, Maire, Shakhnarovich",
    link="https://arxiv.org/abs/1605.07648",
    kind="branches",
    parents=("googlenet", "resnet"),
    idea="Double the depth by a rule that calls itself, and keep the short paths beside the long ones.",
    story=Story(
        problem="Since ResNet, very deep networks seemed to need shortcuts that let signals pass unchanged. "
        "Is learning a residual the key, or is it enough that short paths exist beside the long ones?",
        trick="Take a layer f. Put f after f and, beside both, one more layer; join the two by their mean. "
        "That is the new f: repeat. After C - 1 repetitions a block has C columns, with 1, 2, 4, ... layers. "
        "Drop-path, while training, drops paths into the joins at random, or all columns but one.",
        cost="Many parameters: each column has convolutions of full width, 2^C - 1 of them in a block. Depth "
        "doubles with each column, and so does the work.",
        outcome="As accurate as ResNets of its time on CIFAR and ImageNet without a single residual: 20 "
        "layers with drop-path and dropout reached 4.60 % error on CIFAR-10, and 7.33 instead of 10.18 % "
        "without augmentation. Its longest column, cut out and used alone, is almost as good as the whole.",
    ),
    model=FractalNet,
    lesson=FractalBlock,
    stages=("stages", "pool", "head"),
    table="section 4; table 1",
    knobs=(
        Knob(
            name="columns",
            meaning="columns of a block, C: its longest path has 2^(C-1) layers",
            choices=(1, 2, 3, 4, 5),
        ),
        Knob(
            name="blocks",
            meaning="blocks, B, each followed by max pooling",
            choices=(1, 2, 3, 4, 5),
        ),
        Knob(
            name="width",
            meaning="channels of the first block; doubles three times",
            choices=(4, 8, 16, 32, 64, 128),
        ),
        Knob(
            name="drop_path",
            meaning="probability that a path into a join is dropped while training",
            choices=(0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5),
        ),
        Knob(
            name="dropout",
            meaning="growth of the dropout from block to block: 0.1 means 0, 10, 20, 30, 40 %",
            choices=(0.0, 0.05, 0.1, 0.15),
        ),
    ),
    deviations=(
        Deviation(
            what="The paper prints 38.6 million parameters for 20 layers. Its section 4 (three columns, "
            "five blocks of 64, 128, 256, 512 and 512 channels) leads to our 33.7, as in pytorchcv.",
            effect="We found no reading of the text that gives 38.6.",
        ),
        Deviation(
            what="Which half of the images sees a single column is drawn image by image, for each step anew.",
            effect="None on the outputs once trained, when all paths are joined.",
        ),
    ),
    variants=(
        Variant(
            name="fractalnet_classroom",
            title="FractalNet, classroom size",
            config={"columns": 2, "blocks": 4, "width": 8, "dropout": 0.0},
            input_size=32,
            num_classes=10,
            note="Two columns in four blocks: paths of 4 to 8 layers. A third column learns more slowly.",
        ),
        Variant(
            name="fractalnet_cifar10",
            title="FractalNet for CIFAR-10",
            config={"columns": 3, "blocks": 5, "width": 64},
            input_size=32,
            num_classes=10,
            published=Published(
                params=33_724_618,
                macs=845_222_912,
                source="pytorchcv fractalnet_cifar10",
                twin="pytorchcv:fractalnet_cifar10",
                printed=(
                    Printed(
                        quantity="params",
                        value=38.6e6,
                        source="paper, table 1",
                        reason="the channels that section 4 states give 33.7 M; we could not find the rest",
                    ),
                ),
            ),
            note="B = 5 blocks of C = 3 columns: 20 layers on the longest path, 5 on the shortest.",
        ),
    ),
)
