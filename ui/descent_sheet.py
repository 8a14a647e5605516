"""A descent of the deconvnet in pictures, for the browser and to be taken away."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from viz import descent, images, sheets, tiles
from viz.deconvnet import Step
from viz.descent import Tally

MAPS = 4  # of a step that are shown
_LINKS = 5  # arrows of a map
_SMALL = 64  # pixels a side up to which a map is sent as it is
_SPARSE = 0.25  # share of numbers that are not zero up to which a map is sent as it is
_PRINTED = 150  # pixels of a map in a file
_COLOURS = ("red", "green", "blue")

KINDS = {
    "unit": "unit", "rectify": "ReLU", "filter": "filter", "scale": "scale", "unpool": "unpool",
    "pass": "pass",
}  # fmt: skip
_OPERATIONS = {
    "unit": "all others to 0",
    "rectify": "ReLU on the signal",
    "filter": "transposed filters",
    "scale": "a factor for each map",
    "unpool": "unpool",
    "pass": "passed on",
}


def drawn(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """The steps as `ui.components.descent` reads them."""
    return [_step(step, last=step is steps[-1]) for step in steps]


def _step(step: Step, *, last: bool) -> dict[str, Any]:
    above, below = descent.shown(step, MAPS)
    behind = _maps(step.after, below)
    if last:
        behind = _pixels(step.after)
        below = list(range(len(step.after)))
    links = [
        {"map": at, "start": _share(link.start, step.before), "end": _share(link.end, step.after)}
        for at, channel in enumerate(above)
        for link in descent.links(step, channel, _LINKS)
    ]
    first = step.kind == "unit"
    return {
        "label": f"{step.path.rpartition('.')[0] or step.path} {KINDS[step.kind]}",
        "words": words(step),
        "operation": _OPERATIONS[step.kind],
        "filters": _filters(step, above, below, skip=int(last)),
        "links": links,
        "before": _line("All maps" if first else "Arrives", step.before, above, _maps(step.before, above)),
        "after": _line("In pixels" if last else "Goes on", step.after, below, behind),
    }


def words(step: Step) -> str:
    """What happens, with the numbers of it."""
    said, counted = step.title.rstrip("."), descent.tally(step)
    if step.kind in ("rectify", "unpool"):
        said += f". {kept(counted)}"
    return f"{step.path}: {said}"


def kept(counted: Tally) -> str:
    """How much of a signal goes on."""
    if counted.kind == "unpool":
        return f"{counted.arrived:,} numbers arrive, at {counted.kept:,} places something is left"
    part = counted.after / counted.before if counted.before else 1.0
    return f"{counted.kept:,} of {counted.arrived:,} numbers go on, with {part:.0%} of Σ|signal|"


def _line(title: str, signal: Tensor, channels: Sequence[int], maps: list[dict[str, Any]]) -> dict[str, Any]:
    count, height, width = signal.shape
    notes = [f"{count:,} maps of {height} × {width}", f"Σ|signal| {_number(float(signal.abs().sum()))}"]
    if len(channels) < count:
        notes.append(f"shown: {len(channels)}, with {descent.share(signal, channels):.0%} of it")
    return {"title": title, "notes": notes, "maps": maps}


def _maps(signal: Tensor, channels: Sequence[int]) -> list[dict[str, Any]]:
    most = _most(signal, channels)
    return [
        {
            "src": _uri(_heat(signal[channel], most)),
            "name": f"map {channel}: Σ {_number(float(signal[channel].abs().sum()))}",
            "alt": f"The signal in map {channel}",
            "smooth": signal.shape[1] > _SMALL,
        }
        for channel in channels
    ]


def _pixels(signal: Tensor) -> list[dict[str, Any]]:
    """The projection, and its colours."""
    whole = {"src": _uri(_projection(signal)), "name": "as a picture, contrast stretched"}
    names = _COLOURS if len(signal) == len(_COLOURS) else ("grey",)
    parts = _maps(signal, range(len(signal)))
    for part, name in zip(parts, names, strict=True):
        part["name"] = f"{name}: {part['name'].rpartition(': ')[2]}"
    return [whole | {"alt": "The projection", "smooth": signal.shape[1] > _SMALL}, *parts]


def _projection(signal: Tensor) -> Image.Image:
    """Pixels (C, H, W): grey is zero, however few are not."""
    return Image.fromarray(tiles.picture(signal, False, _most(signal, range(len(signal)))))


def _filters(step: Step, above: Sequence[int], below: Sequence[int], skip: int) -> list[dict[str, str]]:
    """Of the strongest map that arrives the filters for the maps shown below, aligned with them."""
    if step.kind != "filter" or not above:
        return []
    kernels = [descent.kernel(step, above[0], each) for each in below]
    most = max((float(each.abs().max()) for each in kernels if each is not None), default=1.0) or 1.0
    made = [
        {"up": "", "turned": ""}
        if kernel is None
        else {"up": _uri(_heat(kernel, most)), "turned": _uri(_heat(kernel.flip(0, 1), most))}
        for kernel in kernels
    ]
    return [{"up": "", "turned": ""}] * skip + made


def _most(signal: Tensor, channels: Sequence[int]) -> float:
    """The magnitude that has the strongest colour: of the maps shown, a few stray numbers aside."""
    sizes = signal[list(channels)].abs().numpy()
    sizes = sizes[sizes > 0]
    return float(np.quantile(sizes, 0.99)) if len(sizes) else 1.0


def _heat(values: Tensor, most: float) -> Image.Image:
    return Image.fromarray(images.colours(np.clip(values.numpy() / most, -1, 1)))


def _share(place: tuple[int, int], maps: Tensor) -> tuple[float, float]:
    """The middle of a cell as a share of its map."""
    return (place[0] + 0.5) / maps.shape[1], (place[1] + 0.5) / maps.shape[2]


def _uri(picture: Image.Image) -> str:
    """Without loss where that is small: tiny maps, and few numbers on black."""
    filled = np.asarray(picture).any(-1).mean()
    if max(picture.size) <= _SMALL or filled <= _SPARSE:
        return images.uri(images.png(picture))
    return images.uri(images.jpeg(picture))


def printed(steps: Sequence[Step]) -> bytes:
    """What goes on from each step, the strongest maps of it, as PNG."""
    cells = []
    for step in steps:
        channels = descent.shown(step, MAPS)[1]
        most = _most(step.after, channels)
        maps = [tiles.fitted(_heat(step.after[each], most), _PRINTED) for each in channels]
        if step is steps[-1]:
            maps = [tiles.fitted(_projection(step.after), _PRINTED)]
        blank = Image.new("RGB", (_PRINTED, _PRINTED), "white")
        cells.append((f"{step.path}: {KINDS[step.kind]}", [*maps, *[blank] * (MAPS - len(maps))]))
    return sheets.titled(cells, 2)


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
