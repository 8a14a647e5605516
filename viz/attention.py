"""What transformers attend to: their real attention weights, brought back to the places of the picture.

A pass through `viz.hooks` takes what the softmax modules put out, so nothing is computed a second time. In
ViT all tokens attend to each other and to a class token, in Swin those of a window: `Block.places` says which
token of the map stands where, so that both are read in the same way.

h heads, G groups (one, or the windows) of N tokens, a map of H x W tokens.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from viz import hooks
from viz.windows import Layout
from zoo.families import swin, vit


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """One attention of a network."""

    path: str  # of the block: "stages.0.block1"
    title: str
    heads: int
    shape: tuple[int, int]  # H, W
    patch: int  # pixels between two tokens
    layout: Layout | None  # of windows; None: everything attends to everything
    places: Tensor  # (G, N) of y W + x; -1 for the class token and for padding

    @property
    def softmax(self) -> str:
        """The path of the module whose output are the weights."""
        return f"{self.path}.attn.softmax"

    def slot(self, y: int, x: int) -> tuple[int, int]:
        """Group and place in it of the token at row y, column x. ValueError where there is none."""
        height, width = self.shape
        if not (0 <= y < height and 0 <= x < width):
            raise ValueError(f"The map has {height} x {width} tokens: there is none at {y}, {x}.")
        group, place = (self.places == y * width + x).nonzero()[0].tolist()
        return group, place

    def laid_out(self, values: Tensor, group: int) -> Tensor:
        """Values (..., N) of a group at their places of the map, (..., H, W); zero elsewhere."""
        height, width = self.shape
        there = self.places[group] >= 0
        laid = values.new_zeros(*values.shape[:-1], height * width)
        laid[..., self.places[group][there]] = values[..., there]
        return laid.reshape(*values.shape[:-1], height, width)


@dataclass(frozen=True, kw_only=True, eq=False)
class Captured:
    """The attention weights of one picture."""

    logits: Tensor  # (1, K)
    blocks: tuple[Block, ...]
    weights: Mapping[str, Tensor]  # path of the block -> (G, h, N, N); rows sum to one

    def row(self, block: Block, y: int, x: int) -> Tensor:
        """What the token at row y, column x attends to: (h, H, W)."""
        group, place = block.slot(y, x)
        return block.laid_out(self.weights[block.path][group, :, place], group)

    @cached_property
    def distances(self) -> Mapping[str, Tensor]:
        """The mean distance over which each head of each block attends, in pixels: path -> (h,).

        Dosovitskiy et al. 2020 (arXiv:2010.11929), figure 7 on the right: distances between tokens, weighted
        by attention, over all tokens of the map. The class token and padding have no place and are left out.
        """
        return {block.path: _distance(block, self.weights[block.path]) for block in self.blocks}

    def of_class(self, block: Block) -> Tensor:
        """What ViT's class token attends to among the patches: (h, H, W); the rest of 1 is for itself."""
        _demand_class_token(block)
        return block.laid_out(self.weights[block.path][0, :, 0], 0)


def blocks(model: nn.Module, image: Tensor) -> tuple[Block, ...]:
    """The attentions of a network from the first to the last, for pictures (1, C, H, W) of this size.

    Raises ValueError, with a sentence, for networks without such attention.
    """
    if isinstance(model, vit.ViT):
        return _of_vit(model)
    if isinstance(model, swin.Swin):
        return _of_swin(model, image)
    raise ValueError("This network has no attention between tokens: take a ViT or a Swin.")


def _of_vit(model: vit.ViT) -> tuple[Block, ...]:
    side = math.isqrt(model.position.vectors.shape[1] - 1)
    patch = int(model.stem.stride[0])
    places = torch.arange(-1, side * side)[None]  # the class token comes first
    return tuple(
        Block(
            path=f"stages.{at}", title=f"Block {at + 1}", heads=block.attn.heads, shape=(side, side),
            patch=patch, layout=None, places=places,
        )
        for at, block in enumerate(model.stages)
        if isinstance(block, vit.EncoderBlock)
    )  # fmt: skip


def _of_swin(model: swin.Swin, image: Tensor) -> tuple[Block, ...]:
    patch = int(model.stem.conv.stride[0])
    height, width = (int(side) // patch for side in image.shape[-2:])
    found = []
    for stage, stages in enumerate(model.stages):
        if stage:
            height, width, patch = -(-height // 2), -(-width // 2), 2 * patch
        for name, block in stages.named_children():
            if not isinstance(block, swin.SwinBlock):
                continue
            heads = block.attn.heads
            assert isinstance(heads, int)
            layout = Layout(height=height, width=width, window=block.window, shift=block.shift)
            where = "windows stay" if not any(layout.moved) else "windows are shifted"
            found.append(
                Block(
                    path=f"stages.{stage}.{name}",
                    title=f"Stage {stage + 1}, block {int(name.removeprefix('block')) + 1}: {where}",
                    heads=heads,
                    shape=(height, width),
                    patch=patch,
                    layout=layout,
                    places=layout.places,
                )
            )
    return tuple(found)


def capture(model: nn.Module, image: Tensor, *, mask: bool = True) -> Captured:
    """All attention weights of one pass of an image (1, C, H, W).

    `mask` False: Swin's shifted windows without their mask, so that far edges attend to each other; 100 is
    given back to the scores that it was taken from.
    """
    known = blocks(model, image)
    changed = {}
    if not mask:
        for block in known:
            if block.layout is not None and any(block.layout.moved):
                given_back = -block.layout.mask[:, None]
                changed[block.softmax] = lambda scores, given=given_back: scores + given
    passed = hooks.observe(model, image, [block.softmax for block in known], changed)
    return Captured(
        logits=passed.logits,
        blocks=known,
        weights={block.path: passed.outputs[block.softmax] for block in known},
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Pair:
    """How much one token attends to another, step by step."""

    query: Tensor  # (d,) of a head
    key: Tensor  # (d,)
    scaled: float  # query . key / sqrt(d)
    bias: float  # of Swin's table for their offset; 0 in ViT
    mask: float  # 0 or -100
    score: float  # the sum of the three
    total: float  # sum of exp(score - largest score) over the row
    largest: float  # of the row's scores
    weight: float  # exp(score - largest) / total


def pair(
    model: nn.Module, image: Tensor, block: Block, head: int, one: tuple[int, int], other: tuple[int, int]
) -> Pair:
    """The softmax spelled out for the tokens at (y, x) `one` and `other`, which stand in one group.

    ViT: Vaswani et al. 2017, equation 1; Swin: equation 4 of its paper. ValueError, with a sentence, where
    the two never meet, or for Swin V2, whose scores are cosines.
    """
    attention = model.get_submodule(f"{block.path}.attn")
    if type(attention) not in (vit.Attention, swin.WindowAttention):
        raise ValueError("Its scores are cosines with a learned temperature and are not taken apart here.")
    group, place = block.slot(*one)
    other_group, other_place = block.slot(*other)
    if group != other_group:
        raise ValueError("The two tokens are in different windows of this block: they do not meet here.")
    path = f"{block.path}.attn.qkv"
    qkv = hooks.up_to(model, image, path)[group]  # (N, 3 D)
    queries, keys, _ = qkv.reshape(len(qkv), 3, block.heads, -1).permute(1, 2, 0, 3)[:, head]
    scaled = queries[place] @ keys.T * queries.shape[1] ** -0.5
    bias, mask = torch.zeros_like(scaled), torch.zeros_like(scaled)
    if isinstance(attention, swin.WindowAttention) and block.layout is not None:
        rows = attention.bias_index.reshape(len(qkv), -1)[place]
        bias = attention.bias_table.detach()[rows, head]
        mask = block.layout.mask[group, place]
    scores = scaled + bias + mask
    largest = scores.max()
    total = (scores - largest).exp().sum()
    return Pair(
        query=queries[place], key=keys[other_place], scaled=float(scaled[other_place]),
        bias=float(bias[other_place]), mask=float(mask[other_place]), score=float(scores[other_place]),
        total=float(total), largest=float(largest),
        weight=float((scores[other_place] - largest).exp() / total),
    )  # fmt: skip


def biases(model: nn.Module, block: Block) -> Tensor:
    """What Swin has learnt to add to the score of each offset: (h, 2M - 1, 2M - 1).

    Its middle is the token itself. ValueError, with a sentence, for ViT, and for Swin V2, which computes its
    biases.
    """
    attention = model.get_submodule(f"{block.path}.attn")
    if type(attention) is not swin.WindowAttention or block.layout is None:
        raise ValueError("This attention holds no table of biases.")
    side = 2 * block.layout.window - 1
    return attention.bias_table.detach().T.reshape(-1, side, side)


def rollout(captured: Captured) -> Tensor:
    """How much of each patch reaches ViT's class token, by mean weights and shortcuts alone: (H, W).

    Abnar, Zuidema 2020 (arXiv:2005.00928), section 3: half of each layer is its attention, half the shortcut,
    and the layers are multiplied. The rest of 1 is what stays of the class token itself.
    """
    _demand_class_token(captured.blocks[0])
    return _rolled(captured, len(captured.blocks), captured.blocks[0].shape, -1)


def rollout_to(captured: Captured, count: int, shape: tuple[int, int], place: tuple[int, int]) -> Tensor:
    """The same for a place, row and column, of the map of `shape` after `count` blocks: over the first map.

    In Swin the weights of each block lie inside its windows, and a merging, which computes one token of four,
    is taken to owe as much to each of them. What goes to ViT's class token or to padding is the rest of 1.
    """
    return _rolled(captured, count, shape, place[0] * shape[1] + place[1])


def _rolled(captured: Captured, count: int, shape: tuple[int, int], token: int) -> Tensor:
    """Shares of a token, -1 for the class token, handed back from block to block: (H, W) of the first map."""
    first = captured.blocks[0]
    shares = torch.zeros(shape[0] * shape[1] + 1)  # the last is of the class token
    shares[token] = 1
    for block in reversed(captured.blocks[:count]):
        shares, shape = _unmerged(shares, shape, block.shape), block.shape
        handed = shares[block.places][:, None] @ captured.weights[block.path].mean(1)  # (G, 1, N)
        slots = block.places.remainder(len(shares)).flatten()
        shares = (shares + torch.zeros_like(shares).index_add(0, slots, handed.flatten())) / 2
        if block.layout is not None:
            shares[-1] = 0  # padding hands nothing on
    return _unmerged(shares, shape, first.shape)[:-1].reshape(first.shape)


def _unmerged(shares: Tensor, shape: tuple[int, int], finer: tuple[int, int]) -> Tensor:
    """Shares of the tokens of a map at those that were merged into them, two by two, where it was merged."""
    if shape == finer:
        return shares
    spread = shares[:-1].reshape(shape)
    for axis, length in enumerate(finer):
        into = torch.arange(length) // 2
        there = torch.bincount(into)[into].reshape((-1, 1) if axis == 0 else (1, -1))  # 1 beside padding
        spread = spread.index_select(axis, into) / there
    return torch.cat([spread.flatten(), shares[-1:]])


def relevance(model: nn.Module, image: Tensor, target: int) -> Tensor:
    """The same for one class: weights count as far as they raise its logit. (H, W), 0 and above.

    Chefer, Gur, Wolf 2021 (arXiv:2103.15679), equations 5 and 6, for the class token of a ViT.
    """
    known = blocks(model, image)
    _demand_class_token(known[0])
    passed = hooks.differentiable(model, image, [block.softmax for block in known])
    weights = [passed.outputs[block.softmax] for block in known]
    slopes = hooks.gradients(hooks.score(passed.logits, target), weights)
    reached = torch.eye(weights[0].shape[-1])
    for weight, slope in zip(weights, slopes, strict=True):
        raised = (weight.detach()[0] * slope[0]).clamp(min=0).mean(0)
        reached = reached + raised @ reached
    return known[0].laid_out(reached[0], 0)


def _distance(block: Block, weights: Tensor) -> Tensor:
    """Of each head (h,), from the weights (G, h, N, N)."""
    there = (block.places >= 0).to(torch.float32)
    y, x = block.places.clamp(min=0) // block.shape[1], block.places.clamp(min=0) % block.shape[1]
    places = torch.stack([y, x], -1).float()
    apart = torch.cdist(places, places)[:, None]  # (G, 1, N, N)
    counted = weights * (there[:, :, None] * there[:, None, :])[:, None]
    return block.patch * (counted * apart).sum((0, 2, 3)) / counted.sum((0, 2, 3))


def alike_places(model: nn.Module, y: int, x: int) -> Tensor:
    """Cosine similarity of the position embedding at row y, column x with all others of a ViT: (H, W).

    Dosovitskiy et al. 2020, figure 7 in the middle.
    """
    if not isinstance(model, vit.ViT):
        raise ValueError("Only ViT adds a learned vector for each place.")
    block = _of_vit(model)[0]
    _, place = block.slot(y, x)
    vectors = model.position.vectors.detach()[0]
    similarity = nn.functional.cosine_similarity(vectors, vectors[place][None], dim=1)
    return block.laid_out(similarity, 0)


def lens(model: nn.Module, image: Tensor, targets: Sequence[int]) -> Tensor:
    """What the network would answer after each block of a ViT: probabilities (blocks + 1, targets).

    The class token of that moment goes through the last norm and the head ("logit lens", nostalgebraist
    2020). The first row is before any block.
    """
    known = blocks(model, image)
    _demand_class_token(known[0])
    assert isinstance(model, vit.ViT)
    paths = ["position", *(block.path for block in known)]
    passed = hooks.observe(model, image, paths)
    with torch.no_grad():
        tokens = torch.cat([passed.outputs[path][:, 0] for path in paths])
        answers: Tensor = model.head(model.norm(tokens))
    return answers.softmax(1)[:, list(targets)]


def _demand_class_token(block: Block) -> None:
    if block.layout is not None:
        raise ValueError("Swin has no class token: it averages over all tokens in the end.")
