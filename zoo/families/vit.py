"""ViT: cut the picture into patches, call them words, and let a language model's encoder read them.

Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale", 2020,
arXiv:2010.11929. Network: figure 1 and equations 1 to 4. Attention: appendix A. Sizes: table 1.
Head: the single linear layer of fine-tuning; the hidden layer it has during pre-training is left out.
Module order follows torchvision, so its weights load by position.

B images, H x W pixels, P side of a patch, N tokens, D width of a token, h heads.
"""

import torch
from torch import Tensor, nn

from zoo.family import Deviation, Family, Knob, Printed, Published, Story, Variant
from zoo.layers import transformer_init


class Attention(nn.Module):
    """Every token gathers from all, most from those whose keys fit its query: (B, N, D) -> (B, N, D)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"{heads} heads do not divide {width} channels.")
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.softmax = nn.Softmax(dim=-1)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        images, tokens, width = x.shape
        head = width // self.heads
        qkv = self.qkv(x).reshape(images, tokens, 3, self.heads, head)  # (B, N, 3, h, D/h)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each (B, h, N, D/h)
        scores = torch.matmul(q * head**-0.5, k.transpose(-2, -1))  # (B, h, N, N)
        weights = self.softmax(scores)  # each row sums to one
        x = torch.matmul(weights, v)  # (B, h, N, D/h)
        x = x.transpose(1, 2).reshape(images, tokens, width)  # (B, N, D)
        return self.proj(x)


def make_mlp(width: int, ratio: int) -> nn.Sequential:
    """Two linear layers on every token alone, `ratio` times as wide in the middle."""
    mlp = nn.Sequential()
    mlp.add_module("linear1", nn.Linear(width, ratio * width))
    mlp.add_module("gelu", nn.GELU())
    mlp.add_module("linear2", nn.Linear(ratio * width, width))
    return mlp


class EncoderBlock(nn.Module):
    """Attention between tokens, then an MLP on each; each behind a norm, beside a shortcut: eq. 2, 3."""

    def __init__(self, width: int, heads: int, mlp_ratio: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = make_mlp(width, mlp_ratio)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PositionEmbedding(nn.Module):
    """One learned vector per place, added to the token there; without it a picture is a bag of patches."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.empty(1, tokens, width))
        nn.init.trunc_normal_(self.vectors, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.vectors


class ViT(nn.Module):
    """Patches as tokens behind one class token, equal encoder blocks, a linear head on the class token."""

    def __init__(
        self,
        *,
        patch: int,
        depth: int,
        width: int,
        heads: int,
        mlp_ratio: int = 4,
        input_size: int,
        num_classes: int,
    ) -> None:
        super().__init__()
        if input_size < patch or input_size % patch:
            raise ValueError(f"Patches of {patch} px do not divide a picture of {input_size} px.")
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.stem = nn.Conv2d(3, width, patch, patch)  # one linear map for every patch
        self.position = PositionEmbedding((input_size // patch) ** 2 + 1, width)
        self.stages = nn.Sequential(*(EncoderBlock(width, heads, mlp_ratio) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, num_classes)
        self.apply(transformer_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (B, D, H/P, W/P)
        x = x.flatten(2).transpose(1, 2)  # (B, HW/PP, D)
        x = torch.cat((self.class_token.expand(x.shape[0], -1, -1), x), 1)  # (B, N, D)
        x = self.position(x)
        x = self.norm(self.stages(x))
        return self.head(x[:, 0])  # (B, num_classes)


def from_twin(reference: str, state: dict[str, Tensor]) -> list[Tensor]:
    """timm keeps the position embedding beside the class token, torchvision after the patch projection."""
    if reference.startswith("timm:"):
        class_token, position, weight, bias, *rest = state.values()
        return [class_token, weight, bias, position, *rest]
    return list(state.values())


SIZES = {  # table 1; S and Ti are DeiT's (arXiv:2012.12877)
    "ti": {"depth": 12, "width": 192, "heads": 3},
    "s": {"depth": 12, "width": 384, "heads": 6},
    "b": {"depth": 12, "width": 768, "heads": 12},
    "l": {"depth": 24, "width": 1024, "heads": 16},
    "h": {"depth": 32, "width": 1280, "heads": 16},
}
SCRATCH = "ImageNet-1k alone, one 224 crop"
SWAG = "pre-trained on hashtagged photos (SWAG), frozen, linear head, one 224 crop"
ONE_FIGURE = "one figure for all patch sizes, head not named"


def paper_row(
    size: str, patch: int, params: int, macs: int, top1: float, top5: float, printed: float,
    reason: str = "", member: str = "IMAGENET1K_V1", recipe: str = SCRATCH, note: str = "",
) -> Variant:  # fmt: skip
    name = f"vit_{size}_{patch}"
    weights = f"ViT_{size.upper()}_{patch}_Weights.{member}"
    table = Printed(quantity="params", value=printed, source="paper, table 1", reason=reason)
    return Variant(
        name=name,
        title=f"ViT-{size.upper()}/{patch}",
        config=SIZES[size] | {"patch": patch},
        input_size=224,
        weights=weights,
        published=Published(
            params=params,
            macs=macs,
            source=f"torchvision {name}",
            twin=f"torchvision:{name}",
            top1=top1,
            top5=top5,
            accuracy_source=f"torchvision {weights}: {recipe}",
            printed=(table,),
        ),
        note=note,
    )


def small_row(
    size: str, twin: str, params: int, macs: int, top1: float, top5: float, recipe: str, note: str
) -> Variant:
    return Variant(
        name=f"vit_{size}_16",
        title=f"ViT-{size.title()}/16",
        config=SIZES[size] | {"patch": 16},
        input_size=224,
        published=Published(
            params=params,
            macs=macs,
            source=f"timm {twin}",
            twin=f"timm:{twin}",
            top1=top1,
            top5=top5,
            accuracy_source=f"timm results, {twin}.{recipe}, one 224 crop",
        ),
        note=note,
    )


FAMILY = Family(
    key="vit",
    title="ViT",
    year=2020,
    paper="An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale",
    authors="Dosovitskiy, Beyer, Kolesnikov, Weissenborn, Zhai, Unterthiner, Dehghani, Minderer, Heigold, "
    "Gelly, Uszkoreit, Houlsby",
    link="https://arxiv.org/abs/2010.11929",
    kind="attention",
    parents=("resnet",),
    idea="Cut the picture into patches and let every patch look at every other, from the first layer on.",
    story=Story(
        problem="Transformers had become the standard for language, but vision kept its convolutions, whose "
        "small windows need many layers until one corner of a picture learns of the other.",
        trick="Leave the Transformer as it is for language and change only its input: every 16x16 patch "
        "becomes one token by one linear map, a learned vector tells where it was, and an extra class token "
        "collects the answer. The shortcuts around both halves of a block come from ResNet.",
        cost="Every pair of tokens is compared: twice the side is four times the tokens and sixteen times "
        "the pairs. And nothing says that neighbouring pixels belong together: data must teach it.",
        outcome="On ImageNet alone it stayed a few points below ResNets of its size; pre-trained on 300 "
        "million pictures, ViT-H/14 reached 88.55 % top-1. With later recipes ImageNet is enough.",
    ),
    model=ViT,
    lesson=Attention,
    stages=("stem", "position", "stages", "norm", "head"),
    table="table 1",
    knobs=(
        Knob(
            name="patch",
            meaning="side of a patch in pixels; it must divide the picture",
            choices=(2, 4, 8, 14, 16, 28, 32, 56),
        ),
        Knob(name="depth", meaning="encoder blocks", choices=tuple(range(1, 33))),
        Knob(
            name="width",
            meaning="numbers in a token",
            choices=(48, 96, 192, 384, 576, 768, 1024, 1280),
        ),
        Knob(
            name="heads",
            meaning="attention patterns in a block, each on its share of the width",
            choices=(1, 2, 3, 4, 6, 8, 12, 16),
        ),
        Knob(
            name="mlp_ratio",
            meaning="how many times wider a token is inside the MLP",
            choices=(1, 2, 3, 4, 6, 8),
        ),
    ),
    deviations=(
        Deviation(
            what="The head starts with small random weights; the paper's and torchvision's start at zero.",
            effect="None after loading weights. Untrained, the logits already depend on the picture, and the "
            "first step trains every layer.",
        ),
        Deviation(
            what="The head is the linear layer of fine-tuning; for pre-training the paper puts a hidden "
            "layer before it.",
            effect="The counts are torchvision's and timm's; the paper does not name the head of its counts.",
        ),
        Deviation(
            what="No dropout, as torchvision and timm by default.",
            effect="None in use; training overfits sooner.",
        ),
    ),
    variants=(
        Variant(
            name="vit_classroom",
            title="ViT, classroom size",
            config={"patch": 4, "depth": 3, "width": 48, "heads": 3},
            input_size=32,
            num_classes=10,
            note="64 patches of 4x4 pixels and the class token; trains while you watch.",
        ),
        small_row(
            "ti", "vit_tiny_patch16_224", 5_717_416, 1_253_683_200, 75.452, 92.858,
            "augreg_in21k_ft_in1k: pre-trained on ImageNet-21k", "Not in the paper: the size of DeiT-Ti.",
        ),
        small_row(
            "s", "vit_small_patch16_224", 22_050_664, 4_598_882_304, 78.842, 94.28,
            "augreg_in1k: ImageNet-1k alone", "Not in the paper: the size of DeiT-S.",
        ),
        paper_row(
            "b", 32, 88_224_232, 4_409_186_304, 75.912, 92.466, 86e6, reason=ONE_FIGURE,
            note="The encoder of B/16 with 50 instead of 197 tokens; only the patch projection is larger.",
        ),
        paper_row(
            "b", 16, 86_567_656, 17_563_828_224, 81.072, 95.318, 86e6,
            reason=f"{ONE_FIGURE}: ours is 85.8 M without it",
            note="The one everybody means: 12 blocks, 768 numbers in a token.",
        ),
        paper_row("l", 32, 306_535_400, 15_377_539_072, 76.972, 93.07, 307e6),
        paper_row(
            "l", 16, 304_326_632, 61_554_712_576, 79.662, 94.638, 307e6,
            reason=f"{ONE_FIGURE}: it fits L/32",
            note="Three and a half times the parameters of B/16 and, from ImageNet alone, less accurate.",
        ),
        paper_row(
            "h", 14, 632_045_800, 167_295_109_120, 85.708, 97.73, 632e6,
            member="IMAGENET1K_SWAG_LINEAR_V1", recipe=SWAG,
            note="Patches of 14 pixels: 257 tokens. torchvision has no weights from ImageNet alone.",
        ),
    ),
)  # fmt: skip
