"""Swin V2: norms and cosines that keep a large Swin stable, and a position bias that fits every window size.

Liu et al., "Swin Transformer V2: Scaling Up Capacity and Resolution", 2021, arXiv:2111.09883.
All changes: figure 1. Offsets scaled to 8 and a bias of at most 16 are taken from the authors' code.
Windows, shifts and masks are Swin's own. Module order follows torchvision, so its weights load by position.

C channels, M side of a window, N = M x M tokens in it, w windows in a map, h heads.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.families.swin import (
    KNOBS,
    Swin,
    SwinBlock,
    add_mask,
    gather_2x2,
    relative_position_index,
    torchvision_row,
)
from zoo.family import Deviation, Family, Story, Variant


def log_offsets(window: int) -> Tensor:
    """All offsets between two tokens of a window, far ones drawn together: (1, 2M - 1, 2M - 1, 2).

    Rows and columns from -(M - 1) to M - 1 are brought to -8 .. 8, then to sign(x) log8(1 + |x|): the MLP
    tells near offsets well apart and far ones hardly.
    """
    offset = torch.arange(1 - window, window, dtype=torch.float32) * (8 / (window - 1))
    offset = offset.sign() * torch.log2(1 + offset.abs()) / 3
    return torch.stack(torch.meshgrid(offset, offset, indexing="ij"), -1)[None]


class QueryKeyValue(nn.Linear):
    """Queries, keys and values by one linear map, of whose bias the keys' third is not used."""

    def forward(self, x: Tensor) -> Tensor:
        q, v = self.bias[: self.in_features], self.bias[2 * self.in_features :]
        return F.linear(x, self.weight, torch.cat((q, torch.zeros_like(q), v)))


class CosineWindowAttention(nn.Module):
    """Attention by angle, with a position bias computed from the offset: (B w, N, C) -> (B w, N, C).

    A score is the cosine of query and key, times at most 100, plus a bias between 0 and 16: no token wins
    by the sheer size of its numbers.
    """

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.log_scale = nn.Parameter(torch.full((heads, 1, 1), math.log(10)))
        self.offsets: Tensor
        self.register_buffer("offsets", log_offsets(window))
        self.bias_index: Tensor
        self.register_buffer("bias_index", relative_position_index(window).flatten())
        self.qkv = QueryKeyValue(width, 3 * width)
        self.softmax = nn.Softmax(dim=-1)
        self.proj = nn.Linear(width, width)
        self.bias_mlp = nn.Sequential(nn.Linear(2, 512), nn.ReLU(), nn.Linear(512, heads, bias=False))

    def position_bias(self) -> Tensor:
        table = self.bias_mlp(self.offsets).reshape(-1, self.heads)  # ((2M - 1)^2, h)
        tokens = math.isqrt(self.bias_index.shape[0])
        bias = table[self.bias_index].reshape(tokens, tokens, self.heads)
        return 16 * torch.sigmoid(bias.permute(2, 0, 1))  # (h, N, N)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        windows, tokens, width = x.shape
        qkv = self.qkv(x).reshape(windows, tokens, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each (B w, h, N, C/h)
        cosines = torch.matmul(F.normalize(q, dim=-1), F.normalize(k, dim=-1).transpose(-2, -1))
        scores = cosines * self.log_scale.clamp(max=math.log(100)).exp()  # (B w, h, N, N)
        scores = scores + self.position_bias()
        if mask is not None:
            scores = add_mask(scores, mask)
        x = torch.matmul(self.softmax(scores), v)  # (B w, h, N, C/h)
        x = x.transpose(1, 2).reshape(windows, tokens, width)  # (B w, N, C)
        return self.proj(x)


class SwinV2Block(SwinBlock):
    """Swin's block with the norms behind: what a branch adds has the same size in every block."""

    attention = CosineWindowAttention

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop1(self.norm1(self.attend(x)))
        return x + self.drop2(self.norm2(self.mlp(x)))


class PatchMergingV2(nn.Module):
    """Half the resolution, twice the channels, the norm behind: (B, H, W, C) -> (B, H/2, W/2, 2C)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)
        self.norm = nn.LayerNorm(2 * width)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.reduction(gather_2x2(x)))


class SwinV2(Swin):
    """Swin's plan, built of other blocks and merges."""

    block = SwinV2Block
    merging = PatchMergingV2


MODEL_LIST = "the authors' model list"
FAMILY = Family(
    key="swin_v2",
    title="Swin Transformer V2",
    year=2021,
    paper="Swin Transformer V2: Scaling Up Capacity and Resolution",
    authors="Liu, Hu, Lin, Yao, Xie, Wei, Ning, Cao, Zhang, Dong, Wei, Guo",
    link="https://arxiv.org/abs/2111.09883",
    kind="attention",
    parents=("swin",),
    idea="Normalise what each block adds and compare directions only, so that a Swin can grow and stay calm.",
    story=Story(
        problem="Made larger, Swin became unstable: block after block added to the same signal, whose "
        "numbers grew with depth, and a few pairs came to rule attention. And a bias table fits one window.",
        trick="The norm moves behind attention and MLP. Scores are cosines times a learned scale. The bias "
        "of a pair comes from a small MLP that reads the logarithm of its offset, so any window has one.",
        cost="Little: the bias MLPs are 0.3 % of SwinV2-T's multiply-accumulates, and the same for every "
        "picture. These rows cost more than Swin's because they read 256 instead of 224 pixels.",
        outcome="3 billion parameters, the largest dense vision model of its time, on pictures of up to "
        "1,536x1,536 pixels: 84.0 % top-1 on ImageNet-V2 and 63.1 box AP on COCO.",
    ),
    model=SwinV2,
    lesson=CosineWindowAttention,
    stages=("stem", "stages", "norm", "pool", "head"),
    table="the section on model configurations",
    knobs=KNOBS,
    deviations=(
        Deviation(
            what="The norms behind attention and MLP start with weight one, as in torchvision; the authors "
            "start them at zero, so that every block begins by passing its input on.",
            effect="None after loading weights.",
        ),
        Deviation(
            what="The keys have a bias that is never used, as in torchvision; the authors' code has none.",
            effect="C more parameters in every block, 4,416 in SwinV2-T.",
        ),
        Deviation(
            what="A map that its windows do not divide is padded, as in Swin.",
            effect="None at 256 pixels, whose maps of 64, 32, 16 and 8 tokens fit windows of 8.",
        ),
    ),
    variants=(
        Variant(
            name="swin_v2_classroom",
            title="Swin V2, classroom size",
            config={"depths": (2, 2, 2), "width": 32, "window": 4, "patch": 2, "head_width": 16},
            input_size=32,
            num_classes=10,
            note="Maps of 16, 8 and 4 tokens in windows of 4x4; trains while you watch.",
        ),
        torchvision_row(
            "swin_v2_t", "SwinV2-T", 256,
            {"depths": (2, 2, 6, 2), "width": 96, "window": 8, "drop_path": 0.2},
            28_351_570, 5_939_690_496, 82.072, 96.132, (28e6, 5.9e9), MODEL_LIST,
        ),
        torchvision_row(
            "swin_v2_s", "SwinV2-S", 256,
            {"depths": (2, 2, 18, 2), "width": 96, "window": 8, "drop_path": 0.3},
            49_737_442, 11_545_857_024, 83.712, 96.816, (50e6, 11.5e9), MODEL_LIST,
        ),
        torchvision_row(
            "swin_v2_b", "SwinV2-B", 256,
            {"depths": (2, 2, 18, 2), "width": 128, "window": 8, "drop_path": 0.5},
            87_930_848, 20_325_134_336, 84.112, 96.864, (88e6, 20.3e9), MODEL_LIST,
        ),
    ),
)  # fmt: skip
