"""Which pixels of a picture a class's score depends on: one table of methods, and one way to call them.

All of them explain the logit y of one class for one normalised image x (1, C, H, W), and give one number for
each pixel, (H, W). Signed maps are sums over the channels: positive speaks for the class. The others are the
largest size over the channels, as in Simonyan et al. 2013, section 3.1.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from viz import cam, hooks

Progress = cam.Progress

STEPS = 32  # of integrated gradients, from the blank picture to this one
SAMPLES = 24  # noisy pictures of SmoothGrad
NOISE = 0.15  # their noise, as a share of the range of the picture's values: SmoothGrad's figure 3
MASKS = 1000  # of RISE
CELLS = 7  # of a mask, on each side
KEPT = 0.5  # of the cells of a mask
SEED = 0


def _always(model: nn.Module) -> None:
    """Nothing stands against it."""


class Run(Protocol):
    """The map (H, W) of a method, detached; ValueError, with a sentence, where it is not defined."""

    def __call__(
        self, model: nn.Module, image: Tensor, target: int, progress: Progress | None = None
    ) -> Tensor: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Method:
    """A way to give each pixel its share in a score."""

    key: str
    title: str
    paper: str
    what: str  # what it shows, a sentence
    signed: bool  # whether negative values mean something
    slow: bool = False  # whether it asks the network hundreds of times
    undefined: Callable[[nn.Module], str | None] = (
        _always  # why not for this network, a sentence; None where it is
    )
    run: Run


def backward(model: nn.Module, image: Tensor, target: int, rule: hooks.Rule = "gradient") -> Tensor:
    """What arrives at the picture, (C, H, W), when the score is sent back by a rule for rectifiers.

    Raises UndefinedRuleError for a network without rectifiers, ValueError for a class there is not.
    """
    x = image.detach().clone().requires_grad_()
    with hooks.rule(rule):
        passed = hooks.differentiable(model, x)
    return hooks.gradients(hooks.score(passed.logits, target), [x])[0][0]


def integrated(model: nn.Module, image: Tensor, target: int) -> Tensor:
    """Integrated gradients (C, H, W) by captum: the gradients on the way from a blank picture, times the way.

    Blank is zero after normalisation: the mean colour of the data. The values add up to y(x) - y(blank).
    """
    from captum.attr import IntegratedGradients

    inner = hooks.shell(model)
    hooks.score(hooks.observe(model, image).logits, target)
    found: Tensor = IntegratedGradients(inner).attribute(
        image.detach(), target=target, n_steps=STEPS, internal_batch_size=8
    )
    return found.detach()[0].to(image.dtype)


def smoothed(model: nn.Module, image: Tensor, target: int, progress: Progress | None = None) -> Tensor:
    """SmoothGrad (C, H, W): the mean gradient of SAMPLES copies of the picture with noise. Seeded."""
    generator = torch.Generator().manual_seed(SEED)
    deviation = NOISE * float(image.max() - image.min())
    total = torch.zeros_like(image[0])
    for done in range(SAMPLES):
        noise = torch.randn(image.shape, generator=generator) * deviation
        total += backward(model, image + noise, target)
        if progress:
            progress((done + 1) / SAMPLES)
    return total / SAMPLES


def rise(model: nn.Module, image: Tensor, target: int) -> cam.Rounds:
    """RISE as it grows: the share of MASKS shown so far, and the map (H, W) they make: the mean probability
    of the class over the masks that show a pixel.

    Each mask is a coarse random grid, enlarged smoothly and moved by less than a cell; hidden is the mean
    colour. Seeded. Stop iterating to cancel.
    """
    generator = torch.Generator().manual_seed(SEED)
    height, width = image.shape[-2:]
    cell = (math.ceil(height / CELLS), math.ceil(width / CELLS))
    size = [(CELLS + 1) * side for side in cell]
    total = torch.zeros(height, width)
    hooks.score(hooks.observe(model, image).logits, target)
    for start in range(0, MASKS, cam.BATCH):
        count = min(cam.BATCH, MASKS - start)
        grids = (torch.rand(count, 1, CELLS, CELLS, generator=generator) < KEPT).float()
        large = F.interpolate(grids, size, mode="bilinear")
        moves = [torch.randint(side, (count,), generator=generator).tolist() for side in cell]
        masks = torch.stack(
            [mask[:, y : y + height, x : x + width] for mask, y, x in zip(large, *moves, strict=True)]
        )
        shown = hooks.observe(model, image * masks).logits.softmax(1)[:, target]
        total += torch.einsum("b,bhw->hw", shown, masks[:, 0])
        yield (start + count) / MASKS, total / ((start + count) * KEPT)


def guided_gradcam(model: nn.Module, image: Tensor, target: int) -> Tensor:
    """Guided Grad-CAM (C, H, W): what guided backpropagation sends back, where Grad-CAM sees the class."""
    return backward(model, image, target, "guided") * cam.cam(model, image, target)


def _size(pixels: Tensor) -> Tensor:
    return pixels.abs().amax(0)


def _sent_back(rule: hooks.Rule) -> Run:
    """The size of what arrives at each pixel by a rule for rectifiers."""

    def run(model: nn.Module, image: Tensor, target: int, progress: Progress | None = None) -> Tensor:
        return _size(backward(model, image, target, rule))

    return run


def _times_input(model: nn.Module, image: Tensor, target: int, progress: Progress | None = None) -> Tensor:
    return (backward(model, image, target) * image[0]).sum(0)


def _integrated(model: nn.Module, image: Tensor, target: int, progress: Progress | None = None) -> Tensor:
    return integrated(model, image, target).sum(0)


def _smoothed(model: nn.Module, image: Tensor, target: int, progress: Progress | None = None) -> Tensor:
    return _size(smoothed(model, image, target, progress))


def _guided_gradcam(model: nn.Module, image: Tensor, target: int, progress: Progress | None = None) -> Tensor:
    return _size(guided_gradcam(model, image, target))


def _rise(model: nn.Module, image: Tensor, target: int, progress: Progress | None = None) -> Tensor:
    return cam.finished(rise(model, image, target), progress)


def _from_cam(key: str) -> Method:
    """A class activation map of the advised layer, signed, laid over the picture."""
    method = cam.METHODS[key]

    def run(model: nn.Module, image: Tensor, target: int, progress: Progress | None = None) -> Tensor:
        return cam.over(cam.raw(model, image, target, method=key, progress=progress), image)

    return Method(
        key=key,
        title=method.title,
        paper=method.paper,
        what=method.what,
        signed=True,
        slow=method.slow,
        run=run,
    )


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.key: method
        for method in (
            Method(
                key="gradient",
                title="Gradient",
                paper="Simonyan et al. 2013, arXiv:1312.6034",
                what="How much the score moves when a pixel changes a little, whichever way.",
                signed=False,
                run=_sent_back("gradient"),
            ),
            Method(
                key="input_gradient",
                title="Input × gradient",
                paper="Shrikumar et al. 2016, arXiv:1605.01713",
                what="Gradient times pixel: what the pixel would add to the score of a linear network.",
                signed=True,
                run=_times_input,
            ),
            Method(
                key="deconvnet",
                title="Deconvnet rule",
                paper="Zeiler, Fergus 2013, arXiv:1311.2901",
                what="The signal sent back from the score, only its positive part behind each rectifier.",
                signed=False,
                undefined=hooks.undefined,
                run=_sent_back("deconvnet"),
            ),
            Method(
                key="guided",
                title="Guided backpropagation",
                paper="Springenberg et al. 2014, arXiv:1412.6806",
                what="As the deconvnet rule, and only through rectifiers that were open. Sharp pictures that "
                "hardly depend on the class.",
                signed=False,
                undefined=hooks.undefined,
                run=_sent_back("guided"),
            ),
            Method(
                key="integrated",
                title="Integrated gradients",
                paper="Sundararajan et al. 2017, arXiv:1703.01365",
                what="Gradients on the way from a blank picture to this one. They add up to what the score "
                "gains on the way.",
                signed=True,
                run=_integrated,
            ),
            Method(
                key="smoothgrad",
                title="SmoothGrad",
                paper="Smilkov et al. 2017, arXiv:1706.03825",
                what="The mean gradient over copies of the picture with noise on them: less grain.",
                signed=False,
                run=_smoothed,
            ),
            *(
                _from_cam(key)
                for key in ("gradcam", "gradcampp", "hirescam", "layercam", "xgradcam", "eigencam")
            ),
            Method(
                key="guided_gradcam",
                title="Guided Grad-CAM",
                paper="Selvaraju et al. 2017, arXiv:1610.02391",
                what="Guided backpropagation where Grad-CAM sees the class: sharp, and about the class.",
                signed=False,
                undefined=hooks.undefined,
                run=_guided_gradcam,
            ),
            _from_cam("scorecam"),
            Method(
                key="rise",
                title="RISE",
                paper="Petsiuk et al. 2018, arXiv:1806.07421",
                what="The probability of the class when a pixel is seen, over many random masks. It needs no "
                "look inside.",
                signed=False,
                slow=True,
                run=_rise,
            ),
        )
    }
)
