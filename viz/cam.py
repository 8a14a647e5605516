"""Class activation maps: where in the picture a layer's maps speak for a class, or against it.

Most of them are formulas over one activation A and one gradient G = dy/dA of the class's logit y, both of
shape (C, h, w): `evidence` makes the two in one pass and a backward pass behind the layer only. k counts
channels, i and j positions, Z = h w. Score-CAM asks the network again for every channel instead; CAM itself
reads the weights of the last linear layer.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from viz import hooks, layers

BATCH = 16  # pictures at a time: more are no faster on a CPU

Rounds: TypeAlias = Generator[tuple[float, Tensor], None, None]  # shares done, and maps so far
Progress = Callable[[float], None]  # is told the share that is done; what it raises ends the work


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """What a layer gave for a picture, and what its outputs do to the score of a class."""

    path: str
    target: int
    activation: Tensor  # (C, h, w)
    gradient: Tensor  # (C, h, w), of the logit of `target`
    logits: Tensor  # (K,)


def evidence(model: nn.Module, image: Tensor, target: int, path: str) -> Evidence:
    """Activation and gradient of one layer for a normalised image (1, C, H, W).

    `path` names any layer of `layers.layers`; ValueError for another one, and for a class there is not.
    """
    return evidences(model, image, target, [path])[0]


def evidences(model: nn.Module, image: Tensor, target: int, paths: Sequence[str]) -> tuple[Evidence, ...]:
    """The same for several layers, from one pass and one backward pass."""
    return _evidences(model, image, hooks.differentiable(model, image, paths), target, paths)


@dataclass(frozen=True, kw_only=True, eq=False)
class Film:
    """A class through the depth of a network."""

    maps: Mapping[str, Tensor]  # raw (h, w), by path of the layer
    ends: Mapping[int, Evidence]  # of the last of the layers: for the class, and for the likeliest other one
    logits: Tensor  # (K,)


def film(model: nn.Module, image: Tensor, target: int | None, paths: Sequence[str], method: str) -> Film:
    """The map of each of several layers, and all evidence of the last, from one pass and its way back.

    `target` None: the prediction. `method` is one of those of `coarse`. ValueError as in `evidence`.
    """
    passed = hooks.differentiable(model, image, paths)
    logits = passed.logits.detach()[0]
    order = logits.argsort(descending=True, stable=True).tolist()
    target = order[0] if target is None else target
    ends = {}
    if rival := [each for each in order if each != target][:1]:
        (ends[rival[0]],) = _evidences(model, image, passed, rival[0], paths[-1:], again=True)
    found = _evidences(model, image, passed, target, paths)
    ends[target] = found[-1]
    return Film(maps={each.path: coarse(each, method) for each in found}, ends=ends, logits=logits)


def _evidences(
    model: nn.Module, image: Tensor, passed: hooks.Passed, target: int, paths: Sequence[str], *,
    again: bool = False,
) -> tuple[Evidence, ...]:  # fmt: skip
    """What a pass says of a class at these layers; `again`: it will be asked of another one."""
    outputs = [passed.outputs[path] for path in paths]
    logits = passed.logits.detach()[0]
    slopes = hooks.gradients(hooks.score(passed.logits, target), outputs, again=again)
    found: list[Evidence] = []
    for path, output, gradient in zip(paths, outputs, slopes, strict=True):
        kind = layers.kind_of(model, image, path, output)
        activation, slope = (layers.as_maps(tensor, kind)[0] for tensor in (output.detach(), gradient))
        one = slope[:, :1, :1]
        if (slope == one).all():  # as behind an average: then one number a channel is enough to keep
            slope = one.clone().expand_as(slope)
        found.append(Evidence(path=path, target=target, activation=activation, gradient=slope, logits=logits))
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Method:
    """A way to make one map (h, w) of a layer's maps."""

    key: str
    title: str
    paper: str
    what: str  # what it shows, a sentence
    formula: str
    slow: bool = False  # whether it asks the network more than once


def coarse(evidence: Evidence, method: str = "gradcam") -> Tensor:
    """The raw map (h, w) of a method that needs no more than the evidence; positive speaks for the class.

    The papers show its positive half, `F.relu(coarse(...))`. ValueError for other methods.
    """
    if method not in _FORMULAS:
        raise ValueError(f"{method!r} is not made of one activation and one gradient.")
    return _FORMULAS[method](evidence.activation, evidence.gradient)


def raw(
    model: nn.Module,
    image: Tensor,
    target: int,
    layer: str | None = None,
    method: str = "gradcam",
    progress: Progress | None = None,
) -> Tensor:
    """The raw map (h, w) of any method; `layer` None: the one that `layers.best` advises.

    ValueError, with a sentence, where the method is not defined for the network.
    """
    if method not in METHODS:
        raise ValueError(f"There is no method called {method!r}. Known are {', '.join(METHODS)}.")
    path = layer or layers.best(None, model, image).path
    if method == "scorecam":
        return finished(score_cam(model, image, target, path), progress)
    found = evidence(model, image, target, path)
    return class_activation(model, found) if method == "cam" else coarse(found, method)


def finished(rounds: Iterator[tuple[float, Tensor]], progress: Progress | None = None) -> Tensor:
    """The last map of a method that shows how it grows."""
    found = torch.empty(0)
    for share, latest in rounds:
        found = latest
        if progress:
            progress(share)
    return found


def cam(
    model: nn.Module, image: Tensor, target: int, layer: str | None = None, method: str = "gradcam"
) -> Tensor:
    """The positive half of a map over the picture, (H, W) in 0..1: 1 at its peak, 0 where nothing speaks for
    the class. All zeros where nothing does; `said` tells why. ValueError as in `raw`.
    """
    return scaled(over(raw(model, image, target, layer, method).relu(), image))


def over(raw: Tensor, image: Tensor) -> Tensor:
    """A map (h, w) laid over the picture, (H, W): bilinear, corners not aligned, so that cells keep their
    places."""
    height, width = image.shape[-2:]
    return F.interpolate(raw[None, None], (height, width), mode="bilinear", align_corners=False)[0, 0]


def scaled(half: Tensor) -> Tensor:
    """Values from 0 on, as shares of their largest; zeros stay zeros."""
    highest = half.max()
    return half / highest if highest > 0 else half


def halves(raw: Tensor) -> tuple[Tensor, Tensor]:
    """What speaks for the class and what speaks against it, both from 0 and on one scale up to 1.

    The second half is the counterfactual explanation of Selvaraju et al. 2017, section 7.
    """
    largest = raw.abs().max()
    part = raw / largest if largest > 0 else raw
    return part.relu(), (-part).relu()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a raw map holds, for the words beside it."""

    highest: float
    lowest: float
    share: float  # of the positions that speak for the class, 0..1
    peak: tuple[int, int]  # y, x of the highest value
    warning: str | None  # a sentence where the positive half shows nothing


def facts(raw: Tensor) -> Facts:
    """What a raw map (h, w) holds."""
    highest, lowest = float(raw.max()), float(raw.min())
    warning = None
    if highest == lowest == 0:
        warning = "This map is zero everywhere: nothing in this layer changes the score of this class."
    elif highest <= 0:
        warning = (
            "Nothing in this layer speaks for this class: all values of the map are negative or zero. "
            "Its positive half is empty; look at the signed map."
        )
    y, x = divmod(int(raw.argmax()), raw.shape[1])
    share = float((raw > 0).float().mean())
    return Facts(highest=highest, lowest=lowest, share=share, peak=(y, x), warning=warning)


def class_activation(model: nn.Module, evidence: Evidence) -> Tensor:
    """CAM, signed: the layer's maps weighted as the linear head of its network weighs their averages, (h, w).

    ValueError, with a sentence, where the layer is not averaged and then read by one linear layer.
    """
    weights = _head(model, evidence.activation.mean((1, 2)), evidence.logits)
    if weights is None:
        raise ValueError(
            "CAM is not defined here: it needs a layer whose maps are averaged and then read by one linear "
            f"layer, and {evidence.path} is not followed by just that. Grad-CAM is the same thing for any "
            "layer."
        )
    return _weighted(weights[evidence.target], evidence.activation)


def _head(model: nn.Module, averages: Tensor, logits: Tensor) -> Tensor | None:
    """The weights (K, C) with which a linear layer makes the logits of the maps' averages, or None."""
    if averages.shape == logits.shape and torch.allclose(averages, logits, rtol=1e-4, atol=1e-5):
        return torch.eye(len(logits))  # the maps are those of the classes
    for module in model.modules():
        if isinstance(module, nn.Linear) and module.weight.shape == (len(logits), len(averages)):
            weight = module.weight.detach()
            found = F.linear(averages, weight, None if module.bias is None else module.bias.detach())
            if torch.allclose(found, logits, rtol=1e-4, atol=1e-5):
                return weight
    return None


def score_cam(model: nn.Module, image: Tensor, target: int, path: str) -> Rounds:
    """Score-CAM as it grows: the share of channels asked so far, and the map (h, w) that they make.

    Stop iterating to cancel. BATCH pictures are in memory at a time.
    """
    passed = hooks.observe(model, image, [path])
    hooks.score(passed.logits, target)  # says where there is no such class
    output = passed.outputs[path]
    maps = layers.as_maps(output, layers.kind_of(model, image, path, output))[0]
    scores = torch.empty(0)
    for start in range(0, len(maps), BATCH):
        masks = F.interpolate(maps[start : start + BATCH, None], image.shape[-2:], mode="bilinear")
        low, high = masks.amin((2, 3), keepdim=True), masks.amax((2, 3), keepdim=True)
        masked = image * (masks - low) / (high - low + 1e-8)
        scores = torch.cat((scores, hooks.observe(model, masked).logits[:, target]))
        weights = scores.softmax(0)
        yield len(scores) / len(maps), torch.einsum("k,khw->hw", weights, maps[: len(scores)])


def _gradcam(activation: Tensor, gradient: Tensor) -> Tensor:
    return _weighted(gradient.mean((1, 2)), activation)


def _gradcampp(activation: Tensor, gradient: Tensor) -> Tensor:
    square, cube = gradient**2, gradient**3
    share = square / (2 * square + activation.sum((1, 2), keepdim=True) * cube + 1e-6)  # pytorch-grad-cam's
    return _weighted((gradient.relu() * share).sum((1, 2)), activation)


def _xgradcam(activation: Tensor, gradient: Tensor) -> Tensor:
    sums = activation.sum((1, 2)) + 1e-7  # pytorch-grad-cam's
    return _weighted((gradient * activation).sum((1, 2)) / sums, activation)


def _eigencam(activation: Tensor, gradient: Tensor) -> Tensor:
    """The sign of a singular vector is arbitrary: here the map is higher where the layer as a whole is."""
    points = activation.flatten(1).T  # (hw, C)
    points = points - points.mean(0)
    if points.shape[0] < points.shape[1]:  # of the two products with itself, the smaller one
        squares, patterns = torch.linalg.eigh(points @ points.T)
        found = patterns[:, -1] * squares[-1].clamp(min=0).sqrt()
    else:
        found = points @ torch.linalg.eigh(points.T @ points).eigenvectors[:, -1]
    if found @ points.sum(1) < 0:
        found = -found
    return found.reshape(activation.shape[1:])


def _weighted(weights: Tensor, activation: Tensor) -> Tensor:
    return torch.einsum("k,khw->hw", weights, activation)


_FORMULAS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {
        "gradcam": _gradcam,
        "counterfactual": lambda a, g: _gradcam(a, -g),
        "hirescam": lambda a, g: (a * g).sum(0),
        "layercam": lambda a, g: (a * g.relu()).sum(0),
        "gradcampp": _gradcampp,
        "xgradcam": _xgradcam,
        "eigencam": _eigencam,
    }
)

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.key: method
        for method in (
            Method(
                key="gradcam",
                title="Grad-CAM",
                paper="Selvaraju et al. 2017, arXiv:1610.02391",
                what="A map counts as much as the score rises with it, on average over its positions.",
                formula="Σₖ mean(Gₖ) · Aₖ",
            ),
            Method(
                key="counterfactual",
                title="Counterfactual",
                paper="Selvaraju et al. 2017, arXiv:1610.02391, section 7",
                what="The half that Grad-CAM throws away: what would have to go for the score to rise.",
                formula="−Σₖ mean(Gₖ) · Aₖ",
            ),
            Method(
                key="hirescam",
                title="HiResCAM",
                paper="Draelos, Carin 2020, arXiv:2011.08891",
                what="Every position of a map counts by its own gradient. Nothing is averaged, so only "
                "places that the score depends on show.",
                formula="Σₖ Gₖ ⊙ Aₖ",
            ),
            Method(
                key="layercam",
                title="LayerCAM",
                paper="Jiang et al. 2021, doi:10.1109/TIP.2021.3089943",
                what="As HiResCAM, with positive gradients only: for earlier layers, whose maps are finer.",
                formula="Σₖ relu(Gₖ) ⊙ Aₖ",
            ),
            Method(
                key="gradcampp",
                title="Grad-CAM++",
                paper="Chattopadhyay et al. 2018, arXiv:1710.11063",
                what="Positive gradients, weighted so that a small object counts as much as a large one.",
                formula="Σₖ (Σ αₖ relu(Gₖ)) · Aₖ,  αₖ = Gₖ² / (2 Gₖ² + ΣAₖ · Gₖ³)",
            ),
            Method(
                key="xgradcam",
                title="XGradCAM",
                paper="Fu et al. 2020, arXiv:2008.02312",
                what="The gradient counts where the map is high, so that the result adds up to what the "
                "score owes to the layer.",
                formula="Σₖ (Σ Gₖ Aₖ / ΣAₖ) · Aₖ",
            ),
            Method(
                key="eigencam",
                title="EigenCAM",
                paper="Muhammad, Yeasin 2020, arXiv:2008.00299",
                what="The pattern along which the maps differ most from place to place. It knows of no "
                "class, and its sign is arbitrary: here it is higher where the layer as a whole is.",
                formula="(A − mean) · v₁, the first right singular vector",
            ),
            Method(
                key="cam",
                title="CAM",
                paper="Zhou et al. 2016, arXiv:1512.04150",
                what="The maps, weighted as the network's own linear head weighs their averages: Grad-CAM "
                "times Z, but only for networks that end in an average and one linear layer.",
                formula="Σₖ wₖ · Aₖ",
            ),
            Method(
                key="scorecam",
                title="Score-CAM",
                paper="Wang et al. 2020, arXiv:1910.01279",
                what="Shows the network the picture through each map, and weighs the map by the score that "
                "it then gives. No gradients, but a pass for every channel.",
                formula="Σₖ softmaxₖ(y(x ⊙ Aₖ)) · Aₖ",
                slow=True,
            ),
        )
    }
)
