"""Swin: attention inside small windows that move by half a window from block to block.

Liu et al., "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows", 2021, arXiv:2103.14030.
Network: figure 3. Windows and shifted windows: figure 2. Cyclic shift and mask: figure 4. Sizes: section 3.3.
Module order follows torchvision, so its weights load by position. Maps have their channels last.

B images, H x W map, C channels, M side of a window, N = M x M tokens in it, w windows in a map, h heads.
"""

from functools import lru_cache
from typing import ClassVar

import torch
from torch import Tensor, flatten, nn
from torch.nn import functional as F

from zoo.families.vit import make_mlp
from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import StochasticDepth, transformer_init


def window_partition(x: Tensor, window: int) -> Tensor:
    """Cut a map into windows, row by row: (B, H, W, C) -> (B w, M M, C). `window` must divide H and W."""
    images, height, width, channels = x.shape
    x = x.reshape(images, height // window, window, width // window, window, channels)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, window * window, channels)


def window_merge(windows: Tensor, window: int, height: int, width: int) -> Tensor:
    """Put the windows back where `window_partition` took them: (B w, M M, C) -> (B, H, W, C)."""
    channels = windows.shape[-1]
    x = windows.reshape(-1, height // window, width // window, window, window, channels)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, height, width, channels)


def axis_shift(size: int, window: int, shift: int) -> int:
    """How far an axis of `size` tokens is rolled: not at all where one window covers it."""
    return shift if size > window else 0


def shifted_regions(
    height: int, width: int, window: int, shift: int, device: torch.device | None = None
) -> Tensor:
    """Which tokens of the rolled map were neighbours before: (H, W) of region numbers 0 to 8.

    Three strips along each axis: the whole windows, the rest of the last window, and what was rolled in from
    the other side. Two strips, rolled in or not, give the same mask; three also set the border apart.
    """

    def strips(size: int) -> Tensor:
        token = torch.arange(size, device=device)
        rolled_in = token >= size - axis_shift(size, window, shift)
        return (token >= size - window).int() + rolled_in.int()

    return 3 * strips(height)[:, None] + strips(width)


def shifted_window_mask(
    height: int, width: int, window: int, shift: int, device: torch.device | None = None
) -> Tensor:
    """What is added to the scores of a rolled map: (w, M M, M M), 0 inside a region and -100 between regions.

    After the softmax -100 is nothing, so a window at the border falls apart into the smaller windows that
    shifting without rolling would have left there, and their number does not grow. Depends on sizes only.
    """
    regions = shifted_regions(height, width, window, shift, device)
    regions = window_partition(regions[None, :, :, None], window).squeeze(-1)  # (w, M M)
    same = regions[:, :, None] == regions[:, None, :]  # (w, M M, M M)
    return torch.where(same, 0.0, -100.0)


def relative_position_index(window: int) -> Tensor:
    """The row of the bias table for each pair of tokens in a window: (M M, M M) of 0 to (2M - 1)^2 - 1.

    Pairs with the same offset in rows and columns share a row.
    """
    return torch.tensor(_rows_of_pairs(window)).reshape(window * window, window * window)


@lru_cache(maxsize=16)  # every block of a network asks for the same
def _rows_of_pairs(window: int) -> tuple[int, ...]:
    tokens = [divmod(i, window) for i in range(window * window)]  # row and column
    far = window - 1  # makes the smallest offset 0
    return tuple(
        (2 * window - 1) * (row - other_row + far) + (column - other_column + far)
        for row, column in tokens
        for other_row, other_column in tokens
    )


def add_mask(scores: Tensor, mask: Tensor) -> Tensor:
    """The same mask for every image and head: (B w, h, N, N) + (w, N, N)."""
    images = scores.reshape(-1, mask.shape[0], *scores.shape[1:])  # (B, w, h, N, N)
    return (images + mask[:, None].to(scores.dtype)).reshape(scores.shape)


class WindowAttention(nn.Module):
    """Attention inside each window, with a learned bias per head and offset: (B w, N, C) -> (B w, N, C)."""

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.bias_table = nn.Parameter(torch.empty((2 * window - 1) ** 2, heads))
        self.bias_index: Tensor
        self.register_buffer("bias_index", relative_position_index(window).flatten())
        self.qkv = nn.Linear(width, 3 * width)
        self.softmax = nn.Softmax(dim=-1)
        self.proj = nn.Linear(width, width)
        nn.init.trunc_normal_(self.bias_table, std=0.02)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        windows, tokens, width = x.shape
        head = width // self.heads
        qkv = self.qkv(x).reshape(windows, tokens, 3, self.heads, head)  # (B w, N, 3, h, C/h)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each (B w, h, N, C/h)
        scores = torch.matmul(q * head**-0.5, k.transpose(-2, -1))  # (B w, h, N, N)
        bias = self.bias_table[self.bias_index].reshape(tokens, tokens, self.heads)
        scores = scores + bias.permute(2, 0, 1)
        if mask is not None:
            scores = add_mask(scores, mask)
        x = torch.matmul(self.softmax(scores), v)  # (B w, h, N, C/h)
        x = x.transpose(1, 2).reshape(windows, tokens, width)  # (B w, N, C)
        return self.proj(x)


class SwinBlock(nn.Module):
    """Attention in windows that `shift` moves down and right, then an MLP: (B, H, W, C) -> (B, H, W, C).

    To roll the map up and left by `shift` and cut it as always is to cut it at the moved places; the mask
    keeps apart what only the roll has brought together.
    """

    attention: ClassVar[type[nn.Module]] = WindowAttention

    def __init__(
        self, width: int, heads: int, window: int, shift: int, mlp_ratio: int, drop_path: float
    ) -> None:
        super().__init__()
        self.window, self.shift = window, shift
        self.norm1 = nn.LayerNorm(width)
        self.attn = self.attention(width, heads, window)
        self.drop1 = StochasticDepth(drop_path)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = make_mlp(width, mlp_ratio)
        self.drop2 = StochasticDepth(drop_path)

    def attend(self, x: Tensor) -> Tensor:
        height, width = x.shape[1:3]
        bottom, right = -height % self.window, -width % self.window
        if bottom or right:
            x = F.pad(x, (0, 0, 0, right, 0, bottom))
        rows, columns = height + bottom, width + right
        up, left = axis_shift(rows, self.window, self.shift), axis_shift(columns, self.window, self.shift)
        mask = None
        if up or left:
            x = torch.roll(x, (-up, -left), (1, 2))
            mask = shifted_window_mask(rows, columns, self.window, self.shift, x.device)
        windows = window_partition(x, self.window)  # (B w, N, C)
        windows = self.attn(windows, mask)
        x = window_merge(windows, self.window, rows, columns)  # (B, H, W, C)
        if up or left:
            x = torch.roll(x, (up, left), (1, 2))
        if bottom or right:
            x = x[:, :height, :width]
        return x

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop1(self.attend(self.norm1(x)))
        return x + self.drop2(self.mlp(self.norm2(x)))


class PatchEmbedding(nn.Module):
    """One linear map for every patch, channels last: (B, 3, H, W) -> (B, H/P, W/P, C)."""

    def __init__(self, width: int, patch: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, patch, patch)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x).permute(0, 2, 3, 1))


def gather_2x2(x: Tensor) -> Tensor:
    """The four tokens of each 2x2 square side by side, odd maps padded: (B, H, W, C) -> (B, H/2, W/2, 4C)."""
    bottom, right = x.shape[1] % 2, x.shape[2] % 2
    if bottom or right:
        x = F.pad(x, (0, 0, 0, right, 0, bottom))
    above, below = x[:, 0::2], x[:, 1::2]
    return torch.cat((above[:, :, 0::2], below[:, :, 0::2], above[:, :, 1::2], below[:, :, 1::2]), -1)


class PatchMerging(nn.Module):
    """Half the resolution, twice the channels: (B, H, W, C) -> (B, H/2, W/2, 2C)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)
        self.norm = nn.LayerNorm(4 * width)

    def forward(self, x: Tensor) -> Tensor:
        return self.reduction(self.norm(gather_2x2(x)))


class Swin(nn.Module):
    """Patches, stages of blocks whose windows stay and shift in turn, merges between them, a linear head."""

    block: ClassVar[type[nn.Module]] = SwinBlock
    merging: ClassVar[type[nn.Module]] = PatchMerging

    def __init__(
        self,
        *,
        depths: tuple[int, ...],
        width: int,
        window: int,
        patch: int = 4,
        shifted: bool = True,
        head_width: int = 32,
        mlp_ratio: int = 4,
        drop_path: float = 0.0,
        num_classes: int,
    ) -> None:
        super().__init__()
        if width % head_width:
            raise ValueError(f"Heads of {head_width} channels do not divide {width} channels.")
        self.stem = PatchEmbedding(width, patch)
        self.stages = nn.Sequential()
        before = 0  # blocks so far; deeper ones are dropped more often
        for stage, depth in enumerate(depths):
            channels = width << stage
            blocks = nn.Sequential()
            if stage:
                blocks.add_module("merge", self.merging(channels // 2))
            for i in range(depth):
                shift = window // 2 if shifted and i % 2 else 0
                rate = drop_path * before / max(1, sum(depths) - 1)
                block = self.block(channels, channels // head_width, window, shift, mlp_ratio, rate)
                blocks.add_module(f"block{i}", block)
                before += 1
            self.stages.append(blocks)
        channels = width << (len(depths) - 1)
        self.norm = nn.LayerNorm(channels)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(channels, num_classes)
        self.apply(transformer_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (B, H/4, W/4, C)
        x = self.norm(self.stages(x))  # (B, H/32, W/32, 8C)
        x = self.pool(x.permute(0, 3, 1, 2))  # (B, 8C, 1, 1)
        return self.head(flatten(x, 1))  # (B, num_classes)


def from_twin(reference: str, state: dict[str, Tensor]) -> list[Tensor]:
    """timm keeps no index in its state dict and creates a merge's norm before its reduction."""
    if not reference.startswith("timm:"):
        return list(state.values())
    tensors: list[Tensor] = []
    for name, tensor in state.items():
        if name.endswith("downsample.reduction.weight"):
            tensors.insert(-2, tensor)  # before weight and bias of the norm
        else:
            tensors.append(tensor)
        if name.endswith("relative_position_bias_table"):
            window = (int(tensor.shape[0] ** 0.5) + 1) // 2
            tensors.append(relative_position_index(window).flatten())
    return tensors


TABLE_1 = "paper, table 1"


def torchvision_row(
    name: str, title: str, size_px: int, config: dict[str, object], params: int, macs: int, top1: float,
    top5: float, printed: tuple[float, float], printed_in: str, reason: str = "", note: str = "",
) -> Variant:  # fmt: skip
    weights = f"{'_'.join(part.capitalize() for part in name.split('_'))}_Weights.IMAGENET1K_V1"
    return Variant(
        name=name,
        title=title,
        config=config,
        input_size=size_px,
        weights=weights,
        published=Published(
            params=params,
            macs=macs,
            source=f"torchvision {name}",
            twin=f"torchvision:{name}",
            top1=top1,
            top5=top5,
            accuracy_source=f"torchvision {weights}: ImageNet-1k alone, one {size_px} crop",
            printed=(
                Printed(quantity="params", value=printed[0], source=printed_in, reason=reason),
                Printed(quantity="macs", value=printed[1], source=f"{printed_in}, as FLOPs"),
            ),
        ),
        note=note,
    )


KNOBS = (
    Knob(name="patch", meaning="side of a patch in pixels", choices=(2, 4, 8)),
    Knob(
        name="width",
        meaning="channels of the first stage; each later stage has twice as many",
        choices=(32, 64, 96, 128, 160, 192),
    ),
    Knob(name="depths", meaning="blocks in this stage", choices=tuple(range(1, 25))),
    Knob(
        name="window",
        meaning="side of a window in tokens; maps are padded to a multiple of it",
        choices=(2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16),
    ),
    Knob(
        name="shifted",
        meaning="whether every second block moves its windows; without it windows never exchange",
        choices=(True, False),
    ),
    Knob(
        name="head_width",
        meaning="channels of one head; it must divide the width",
        choices=(8, 16, 32, 64),
    ),
    Knob(
        name="mlp_ratio",
        meaning="how many times wider a token is inside the MLP",
        choices=(1, 2, 3, 4, 6, 8),
    ),
)
FAMILY = Family(
    key="swin",
    title="Swin Transformer",
    year=2021,
    paper="Swin Transformer: Hierarchical Vision Transformer using Shifted Windows",
    authors="Liu, Lin, Cao, Hu, Wei, Zhang, Lin, Guo",
    link="https://arxiv.org/abs/2103.14030",
    kind="attention",
    parents=("vit", "resnet"),
    idea="Attend inside small windows, and move the windows by half their size in every second block.",
    story=Story(
        problem="ViT compares every patch with every other, which larger pictures cannot afford. And it "
        "keeps one coarse map from start to end; finding and outlining objects needs maps of several sizes.",
        trick="Attention stays inside windows of 7x7 tokens. Every second block moves the windows by 3, so "
        "that neighbours get into contact; a cyclic roll and a mask do this with the same number "
        "of windows. Between stages 2x2 tokens merge into one, as ResNet's stages halve their maps.",
        cost="Attention grows with the picture's area and not with its square: in Swin-T's first stage a "
        "token meets the 49 of its window instead of 3,136. But within a stage no token sees far, and rolls, "
        "masks and bias tables are bookkeeping that a convolution does not need.",
        outcome="Best paper of ICCV 2021: 58.7 box AP on COCO, 53.5 mIoU on ADE20K and, pre-trained on "
        "ImageNet-22k, 87.3 % top-1 on ImageNet. Transformers became backbones for detection and "
        "segmentation, and ConvNeXt was the convolutional answer.",
    ),
    model=Swin,
    lesson=SwinBlock,
    stages=("stem", "stages", "norm", "pool", "head"),
    table="section 3.3",
    knobs=KNOBS,
    deviations=(
        Deviation(
            what="A map that its windows do not divide is padded at the bottom and right, as in torchvision, "
            "and the padding takes part in attention. The authors' classifier shrinks the window to a "
            "map that is smaller.",
            effect="None at 224 pixels, whose maps of 56, 28, 14 and 7 tokens fit. Other sizes cost more: a "
            "map of 8 tokens is computed as one of 14.",
        ),
    ),
    variants=(
        Variant(
            name="swin_classroom",
            title="Swin, classroom size",
            config={"depths": (2, 2, 2), "width": 32, "window": 4, "patch": 2, "head_width": 16},
            input_size=32,
            num_classes=10,
            note="Maps of 16, 8 and 4 tokens in windows of 4x4; trains while you watch.",
        ),
        torchvision_row(
            "swin_t", "Swin-T", 224, {"depths": (2, 2, 6, 2), "width": 96, "window": 7, "drop_path": 0.2},
            28_288_354, 4_490_566_656, 81.474, 95.776, (29e6, 4.5e9), TABLE_1,
            reason="28.3 M rounds to 28, which is what the authors' repository prints",
            note="Close to ResNet-50 in size. Its last maps, 7x7 tokens, are one window: nothing shifts.",
        ),
        torchvision_row(
            "swin_s", "Swin-S", 224, {"depths": (2, 2, 18, 2), "width": 96, "window": 7, "drop_path": 0.3},
            49_606_258, 8_740_875_264, 83.196, 96.36, (50e6, 8.7e9), TABLE_1,
            note="Swin-T with three times as many blocks in its third stage.",
        ),
        torchvision_row(
            "swin_b", "Swin-B", 224, {"depths": (2, 2, 18, 2), "width": 128, "window": 7, "drop_path": 0.5},
            87_768_224, 15_430_946_816, 83.582, 96.64, (88e6, 15.4e9), TABLE_1,
            note="As large as ViT-B/16.",
        ),
        Variant(
            name="swin_l",
            title="Swin-L",
            config={"depths": (2, 2, 18, 2), "width": 192, "window": 7, "drop_path": 0.2},
            input_size=224,
            published=Published(
                params=196_532_476,
                macs=34_475_759_616,
                source="timm swin_large_patch4_window7_224",
                twin="timm:swin_large_patch4_window7_224",
                top1=86.3,
                top5=97.9,
                accuracy_source="the authors' README: pre-trained on ImageNet-22k, one 224 crop",
                printed=(
                    Printed(quantity="params", value=197e6, source="the authors' README"),
                    Printed(quantity="macs", value=34.5e9, source="the authors' README, as FLOPs"),
                ),
            ),
            note="Twice the width of Swin-S; pre-trained on the 14 million pictures of ImageNet-22k.",
        ),
    ),
)  # fmt: skip
