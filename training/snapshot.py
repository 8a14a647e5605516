"""One look at the validation pictures: how good the network is, and what it looks like inside by then."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.events import Arrays
from training.network import Outline, as_maps

MOST_FILTERS, MOST_MAPS, LARGEST_MAP, MOST_WRONG = 64, 16, 32, 24
HANDFUL = 12  # pictures
_ASLEEP = 1e-6  # an output that never gets further from zero is dead; GELU's and SiLU's only come close
_PIXELS_AT_ONCE = 2**18


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a network says about all validation pictures."""

    logits: Tensor  # float32 (N, K), on the CPU
    loss: float  # mean cross entropy, without label smoothing
    accuracy: float  # 0..1
    dead: tuple[float, ...]  # share of each watched activation's units that no picture wakes


def handful(labels: Tensor, classes: int) -> tuple[int, ...]:
    """Indices of a few pictures, the first of each class, then the second of each, and so on."""
    seen = [0] * classes
    ranked = []
    for index, label in enumerate(labels.tolist()):
        ranked.append((seen[label], label, index))
        seen[label] += 1
    return tuple(index for _, _, index in sorted(ranked)[:HANDFUL])


def evaluate(
    network: nn.Module, images: Iterator[Tensor], labels: Tensor, activations: Mapping[str, int]
) -> Verdict:
    """Run the network in evaluation mode over batches of normalised images; it is left in training mode."""
    awake: dict[str, Tensor] = {}

    def watch(path: str, axis: int, output: Tensor) -> None:
        others = [i for i in range(output.ndim) if i != axis]
        most = output.detach().abs().amax(others)  # (units,)
        awake[path] = torch.maximum(awake[path], most) if path in awake else most

    logits = []
    modules = dict(network.named_modules())
    network.eval()
    with ExitStack() as hooks, torch.inference_mode():
        for path, axis in activations.items():
            hook = modules[path].register_forward_hook(
                lambda _m, _i, output, path=path, axis=axis: watch(path, axis, output)
            )
            hooks.callback(hook.remove)
        for batch in images:
            logits.append(network(batch).float().cpu())
    network.train()
    told = torch.cat(logits).clone()  # a tensor of inference mode would not leave it
    return Verdict(
        logits=told,
        loss=F.cross_entropy(told.double(), labels).item(),
        accuracy=(told.argmax(1) == labels).double().mean().item(),
        dead=tuple((awake[path] < _ASLEEP).double().mean().item() for path in activations),
    )


def batches(images: Tensor, size: int) -> Iterator[Tensor]:
    """The pictures in order, as many at once as leave the memory alone; `size` is their side in pixels."""
    yield from torch.split(images, max(1, min(256, _PIXELS_AT_ONCE // size**2)))


def snapshot(
    network: nn.Module,
    outline: Outline,
    verdict: Verdict,
    labels: Tensor,
    few: tuple[int, ...],
    first: Tensor,
) -> Arrays:
    """Arrays of one moment; `few` are the handful's indices, `first` its first picture, (1, C, H, W).

    With K classes: `confusion` int32 (K, K), rows are the truth; `probabilities` float16 (P, K) of the
    handful; `filters` float16 (n, C, kh, kw) of the first convolution, at most 64; `activation.<i>` uint8
    (m, h, w) of the i-th stage, at most 16 maps of 32 pixels, each stretched to 0..255; of the worst mistakes
    `wrong.index` and `wrong.predicted` int32, `wrong.probability` of what was predicted and `wrong.loss`,
    float16, at most 24, the worst first.
    """
    # here, because it takes a second to import, and the server never evaluates
    from torchmetrics.functional.classification import multiclass_confusion_matrix

    probabilities = verdict.logits.softmax(1)
    predicted = verdict.logits.argmax(1)
    losses = F.cross_entropy(verdict.logits, labels, reduction="none")
    confusion = multiclass_confusion_matrix(predicted, labels, num_classes=probabilities.shape[1])
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "confusion": confusion.numpy().astype(np.int32),
        "probabilities": probabilities[list(few)].numpy().astype(np.float16),
    }
    if outline.convolution is not None:
        weight = network.get_parameter(f"{outline.convolution}.weight").detach()
        arrays["filters"] = weight[:MOST_FILTERS].clamp(-6e4, 6e4).cpu().numpy().astype(np.float16)
    for i, maps in enumerate(_maps(network, outline.stages, first)):
        arrays[f"activation.{i}"] = maps
    order = losses.argsort(descending=True, stable=True)
    order = order[(predicted != labels)[order]][:MOST_WRONG]
    arrays["wrong.index"] = order.numpy().astype(np.int32)
    arrays["wrong.predicted"] = predicted[order].numpy().astype(np.int32)
    chosen = probabilities[order].gather(1, predicted[order, None])[:, 0]
    arrays["wrong.probability"] = chosen.numpy().astype(np.float16)
    arrays["wrong.loss"] = losses[order].clamp_max(60_000).numpy().astype(np.float16)
    return arrays


def _maps(network: nn.Module, stages: tuple[str, ...], image: Tensor) -> list[np.ndarray[Any, Any]]:
    """What each stage makes of the image: uint8 (m, h, w)."""
    with _outputs(network, stages) as seen, torch.inference_mode():
        network.eval()
        network(image)
        network.train()
    shown = []
    for path in stages:
        maps = as_maps(seen[path]).float()[:MOST_MAPS]  # (m, h, w)
        if max(maps.shape[1:]) > LARGEST_MAP:
            maps = F.adaptive_avg_pool2d(maps, LARGEST_MAP)
        low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
        shown.append((255 * (maps - low) / (high - low).clamp_min(1e-12)).round().byte().cpu().numpy())
    return shown


@contextmanager
def _outputs(network: nn.Module, paths: tuple[str, ...]) -> Iterator[dict[str, Tensor]]:
    """What these modules hand on while inside, by path."""
    seen: dict[str, Tensor] = {}
    with ExitStack() as hooks:
        for path in paths:
            hook = network.get_submodule(path).register_forward_hook(
                lambda _m, _i, output, path=path: seen.update({path: output.detach()})
            )
            hooks.callback(hook.remove)
        yield seen
