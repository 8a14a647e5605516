"""A residual block as the drawing shows it: a row for each operation, in the quantity that a reader chose."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ui import prose
from ui.components.block_drawing import Row, Side
from viz.figures import style
from zoo.anatomy import Layer
from zoo.blocks import KINDS, Costs
from zoo.timing import Timing

QUANTITIES: Mapping[str, str] = MappingProxyType(
    {"params": "Parameters", "macs": "MACs", "memory": "Memory", "time": "Time"}
)
COLOURS: Mapping[str, str] = MappingProxyType(dict(style.LAYER_COLOURS) | {"output": style.LINE})


@dataclass(frozen=True)
class Measured:
    """Both blocks by the clock."""

    timings: tuple[Timing, Timing]

    @property
    def machine(self) -> str:
        one = self.timings[0]
        runs = " and ".join(str(timing.repeats) for timing in self.timings)
        return (
            f"Measured here on {one.machine}, {one.threads} thread, batch of {one.batch}, float32: medians "
            f"of {runs} runs after a warm-up. Operations are timed in runs of their own."
        )


def sides(pair: tuple[Costs, Costs], quantity: str, measured: Measured | None) -> tuple[Side, Side]:
    """Both as the component draws them."""
    timings = measured.timings if measured else (None, None)
    amounts = [_amounts(found, quantity, timing) for found, timing in zip(pair, timings, strict=True)]
    most = max(max(amount.values()) for amount in amounts) or 1
    one, other = (
        _side(found, quantity, amount, most, timing)
        for found, amount, timing in zip(pair, amounts, timings, strict=True)
    )
    return one, other


def table(pair: tuple[Costs, Costs]) -> list[dict[str, object]]:
    """Every operation of both blocks with all that is counted, to take away."""
    return [
        {
            "Block": KINDS[found.block.kind],
            "Operation": layer.id,
            "Kind": layer.label,
            "Output": " × ".join(map(str, layer.shape)),
            "Parameters": layer.params,
            "MACs": layer.macs,
            "Kept for the backward pass, bytes": found.kept.get(layer.path, 0),
            "Receptive field in the block's input": str(layer.reach),
        }
        for found in pair
        for layer in found.anatomy.layers
    ]


def _row_of(layer: Layer) -> str:
    """The row that a layer is drawn in: all of squeeze and excite is one."""
    return "branch.se" if layer.path.startswith("branch.se") else layer.id


def _amounts(found: Costs, quantity: str, timing: Timing | None) -> dict[str, float]:
    """What each row costs."""
    amounts: dict[str, float] = {}
    for layer in found.anatomy.layers:
        if quantity == "params":
            value: float = layer.params
        elif quantity == "macs":
            value = layer.macs or 0
        elif quantity == "memory":
            value = found.kept.get(layer.path, 0)
        elif timing is None:
            value = 0
        else:
            value = timing.layers.get(f"block.{layer.path}" if layer.path else "", 0)
        amounts[_row_of(layer)] = amounts.get(_row_of(layer), 0) + value
    return amounts


def _written(value: float, quantity: str) -> str:
    if quantity == "params":
        return f"{value:,.0f}"
    if quantity == "memory":
        return f"{style.count(value)}B"
    if quantity == "time":
        return seconds(value)
    return style.count(value)


def _share(share: float) -> str:
    return f"{share:.0%}" if share >= 0.005 else "<1%"


def seconds(value: float) -> str:
    """0.117 -> "117 ms", in three digits."""
    if value >= 1:
        return f"{value:.3g} s"
    return f"{1e3 * value:.3g} ms" if value >= 1e-3 else f"{1e6 * value:.3g} µs"


def _side(
    found: Costs, quantity: str, amounts: Mapping[str, float], most: float, timing: Timing | None
) -> Side:
    block, size, anatomy = found.block, found.size, found.anatomy
    out = anatomy.layers[-1].shape
    whole = sum(amounts.values()) or 1
    rows = [_bar("input", "Input", block.cin, size)]
    for layer in anatomy.layers:
        id = _row_of(layer)
        if rows[-1]["id"] == id:
            continue
        value = amounts[id]
        row = _row(found, layer)
        row["bar"] = value / most
        row["value"] = _written(value, quantity) if value else ""
        row["share"] = _share(value / whole) if value else ""
        row["explain"] += _kept_words(found, id)
        rows.append(row)
    rows.append(_bar("output", "Output", out[0], out[-1]))
    fork = "" if block.shortcut == "none" else "input"
    if fork and block.order == "pre" and block.reshapes:
        fork = next(row["id"] for row in reversed(rows) if row["id"].startswith("before."))
    last = [layer for layer in anatomy.layers if layer.path.startswith("branch.conv")][-1]
    change = f"{size} × {size} px" if out[-1] == size else f"{size} × {size} → {out[-1]} × {out[-1]} px"
    amount, unit, parts = _headline(found, quantity, timing)
    return Side(
        title=KINDS[block.kind],
        shapes=f"{block.cin:,} → {out[0]:,} channels, {change}, sees {last.reach}",
        amount=amount,
        unit=unit,
        parts=parts,
        fork=fork,
        rows=rows,
    )


def _headline(found: Costs, quantity: str, timing: Timing | None) -> tuple[str, str, str]:
    """The whole block's figure, its unit, and what it is made of."""
    if quantity == "params":
        weights = [
            " × ".join(map(str, shape))
            for layer in found.anatomy.layers
            if layer.path.startswith("branch.conv")
            for _, shape in layer.weights
        ]
        shares = found.shares
        others = ", ".join(
            f"{name} {shares[name]:,}"
            for name in ("batch norm", "projection", "squeeze and excite")
            if shares[name] or name != "squeeze and excite"
        )
        parts = f"{' + '.join(weights)} = {shares['convolutions']:,}. Counted apart: {others}."
        return f"{shares['convolutions']:,}", "weights in its convolutions", parts
    if quantity == "macs":
        macs = found.anatomy.macs
        return (
            style.count(macs),
            "MACs",
            f"{macs:,} multiply-accumulates for one map; FLOPs are twice as many.",
        )
    if quantity == "memory":
        kept = found.amount("memory")
        return (
            f"{style.count(kept)}B",
            "kept for the backward pass",
            f"{kept // 4:,} numbers in float32 for one map; a batch of 32 keeps {style.count(32 * kept)}B.",
        )
    if timing is None or timing.training_s is None or timing.backward_s is None:
        return "–", "not measured yet", "Measure both with the button above."
    return (
        seconds(timing.forward_s),
        "forward",
        f"Backward {seconds(timing.backward_s)}, both in training {seconds(timing.training_s)}. "
        "Beside the operations: forward.",
    )


def _bar(id: str, label: str, channels: int, side: int) -> Row:
    shape = f"{channels:,} × {side} × {side}"
    return Row(
        id=id, lane="branch", kind=id, label=label, product="", cin=channels, cout=channels, size=side,
        value=shape, share="", bar=0, explain=f"A map of {channels:,} channels of {side} × {side} pixels.",
    )  # fmt: skip


def _row(found: Costs, layer: Layer) -> Row:
    """An operation, without what it costs."""
    anatomy, words = found.anatomy, prose.words("bottleneck")
    before = anatomy.layers[layer.inputs[0]].shape if layer.inputs[0] >= 0 else anatomy.input_size
    shortcut, kind = layer.path.startswith("shortcut"), layer.kind
    label, product, cin = layer.label, "", before[0]
    said = words[f"kind {kind}"].format(
        formula=layer.formula, params=layer.params_formula, channels=f"{layer.shape[0]:,}",
        reach=layer.reach, growth=f" ({layer.reach_formula})" if layer.reach_formula else "",
        before=f"{before[-1]} × {before[-1]}", after=f"{layer.shape[-1]} × {layer.shape[-1]}",
    )  # fmt: skip
    if kind == "conv":
        product = layer.params_formula.removesuffix(" parameters")
        label = label.replace("Conv", "Projection") if shortcut else label
    elif kind == "add":
        label = "Sum with the input" if found.block.shortcut == "identity" else "Sum with the projection"
    if _row_of(layer) == "branch.se":
        weights = [
            shape for other in anatomy.layers if _row_of(other) == "branch.se" for _, shape in other.weights
        ]
        products = " + ".join(" × ".join(map(str, shape[:2])) for shape in weights if len(shape) > 1)
        total = sum(other.params for other in anatomy.layers if _row_of(other) == "branch.se")
        label, product, kind = "Squeeze and excite", f"{products} + biases = {total:,}", "linear"
        said = words["kind excite"].format(hidden=weights[0][0], channels=f"{layer.shape[0]:,}")
    return Row(
        id=_row_of(layer), lane="shortcut" if shortcut else "branch", kind=kind, label=label, product=product,
        cin=cin, cout=layer.shape[0], size=before[-1] if kind == "linear" else layer.shape[-1],
        value="", share="", bar=0, explain=said,
    )  # fmt: skip


def _kept_words(found: Costs, id: str) -> str:
    kept = sum(size for path, size in found.kept.items() if path == id or path.startswith(f"{id}."))
    if not kept:
        return " Training keeps nothing more for it."
    return f" Training keeps {style.count(kept)}B for its backward pass."
