"""BasicBlock beside Bottleneck: dials and presets, the clock, how the two compare, and their curves."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from types import MappingProxyType

import streamlit as st
from plotly.graph_objects import Figure

from ui import bound, cached, export, prose, state
from ui.block_rows import Measured
from viz.figures import blocks as figures
from zoo.blocks import KINDS, Costs, Dials, crossing

_LINE = (16, 32, 64, 128, 256, 512, 1024, 2048)  # channels of the curves
_AXES = {
    "params": "Parameters, all of the block",
    "macs": "MACs for one map",
    "memory": "Bytes kept for one map",
}
_LONGEST, _LARGEST = 40e9, 3e9  # MACs and bytes of a batch that a server of many readers measures

PRESETS: Mapping[str, Dials] = MappingProxyType(
    {
        "256 channels": Dials(),
        "Figure 5": Dials(basic="paper"),
        "v1": Dials(ratio=2, stride=2, stride_in="1x1"),
        "v1.5 (B)": Dials(ratio=2, stride=2),
        "C and D": Dials(ratio=2, stride=2, shortcut="average"),
        "Pre-activation": Dials(order="pre"),
        "ResNeXt": Dials(ratio=2, expansion=2, groups=32),
        "SE": Dials(excite=True),
    }
)


def dials() -> Dials:
    """The controls, which have the names of the dials."""
    words = prose.words("bottleneck")

    def slider(label: str, name: str, steps: Sequence[int]) -> int:
        return bound.slider(
            label, f"bottleneck.{name}", steps, getattr(Dials(), name), help=words[f"dial {name}"]
        )

    def segments(label: str, name: str, choices: Mapping[str, str]) -> str:
        return bound.segments(label, f"bottleneck.{name}", choices, help=words[f"dial {name}"])

    channels = slider("Channels in", "channels", (32, 64, 96, 128, 192, 256, 384, 512, 768, 1024))
    left, right = st.columns(2)
    with left:
        ratio = slider("Bottleneck ratio", "ratio", (1, 2, 4, 8))
        stride = slider("Stride", "stride", (1, 2))
        groups = slider("Groups", "groups", (1, 2, 4, 8, 16, 32))
    with right:
        expansion = slider("Expansion", "expansion", (1, 2, 4))
        kernel = slider("Kernel", "kernel", (1, 3, 5, 7))
        size = slider("Map size", "size", (7, 14, 28, 56, 112))
    return Dials(
        channels=channels,
        ratio=ratio,
        expansion=expansion,
        stride=stride,
        kernel=kernel,
        groups=groups,
        size=size,
        basic=segments("BasicBlock reads", "basic", {"same": "the same", "paper": "1/expansion"}),
        shortcut=segments(
            "Shortcut",
            "shortcut",
            {"identity": "Identity", "projection": "Projection", "average": "Average", "none": "None"},
        ),
        stride_in=segments(
            "Bottleneck strides in", "stride_in", {"3x3": "the kernel", "1x1": "the first 1×1"}
        ),
        order=segments("Norm and ReLU", "order", {"post": "behind", "pre": "in front"}),
        excite=bound.switch("Squeeze and excite", "bottleneck.excite", help=words["dial excite"]),
    )


def presets(chosen: Dials) -> None:
    """Variations of the same drawing, one click away, and what the chosen one is."""
    words = prose.words("bottleneck")
    now = next((name for name, preset in PRESETS.items() if preset == chosen), None)
    key = state.shows("bottleneck.preset", now)

    def turn() -> None:
        preset = PRESETS.get(st.session_state[key], Dials())
        for field in fields(preset):
            st.session_state[f"bottleneck.{field.name}"] = getattr(preset, field.name)

    st.pills("Variations of the same drawing", list(PRESETS), key=key, on_change=turn)
    st.markdown(words[f"preset {now}"] if now else words["no preset"])


def adjusted(chosen: Dials) -> None:
    """Say where the drawing is not what the dials say, because that cannot be."""
    narrow = chosen.blocks[1]
    notes = []
    if narrow.groups != chosen.groups:
        notes.append(
            f"{chosen.groups} groups do not divide {narrow.width} channels: drawn with {narrow.groups}."
        )
    if narrow.shortcut != chosen.shortcut and narrow.shortcut == "projection":
        notes.append("The shape changes, so the input cannot be added as it is: drawn with a projection.")
    if narrow.shortcut != chosen.shortcut and narrow.shortcut == "identity":
        notes.append("The shape stays, so there is nothing to average: drawn with the identity.")
    if notes:
        st.caption(" ".join(notes))


def costs(chosen: Dials) -> tuple[Costs, Costs]:
    one, other = chosen.blocks
    return cached.block(one, chosen.size), cached.block(other, chosen.size)


def clock(pair: tuple[Costs, Costs]) -> Measured | None:
    """A button that measures both blocks here, and what it found; None before that."""
    words = prose.words("bottleneck")
    left, right = st.columns([1, 2], vertical_alignment="bottom", gap="medium")
    with left:
        batch = bound.slider("Batch, maps at once", "bottleneck.batch", (1, 4, 16), 1)
    too_much = any(c.anatomy.macs * batch > _LONGEST or c.amount("memory") * batch > _LARGEST for c in pair)
    asked = f"{[c.block.text for c in pair]} {pair[0].size} {batch}"
    with right:
        st.button(
            "Measure both on this machine", icon=":material/timer:", key="bottleneck.measure",
            disabled=too_much, on_click=st.session_state.__setitem__, args=("bottleneck.measured", asked),
        )  # fmt: skip
    if too_much:
        st.info(words["too much to measure"], icon=":material/block:")
        return None
    if st.session_state.get("bottleneck.measured") != asked:
        st.info(words["before measuring"], icon=":material/timer:")
        return None
    try:
        one, other = (
            cached.timing(
                "zoo.blocks:from_text", json.dumps({"text": c.block.text}), (c.block.cin, c.size, c.size),
                batch=batch, by_layer=True,
            )
            for c in pair
        )  # fmt: skip
    except ValueError as error:
        del st.session_state["bottleneck.measured"]  # or every turn of the page would try again
        st.warning(prose.literal(str(error)), icon=":material/timer_off:")
        return None
    return Measured((one, other))


def verdict(pair: tuple[Costs, Costs], quantity: str, measured: Measured | None) -> str:
    """How the figures at the head of the two blocks compare, in a sentence; "" where there are none yet."""
    if quantity == "time":
        if not measured:
            return ""
        one, other = (timing.forward_s for timing in measured.timings)
    elif quantity == "params":
        one, other = (float(found.shares["convolutions"]) for found in pair)
    else:
        one, other = (float(found.amount(quantity)) for found in pair)
    dear, cheap = KINDS.values() if one >= other else [*KINDS.values()][::-1]
    times = f"{max(one, other) / min(one, other):.3g}"
    return prose.words("bottleneck")[f"verdict {quantity}"].format(dear=dear, cheap=cheap, times=times)


def curves(chosen: Dials, quantity: str) -> None:
    """Cost against channels for both, and where they cross, in words too."""
    words = prose.words("bottleneck")
    if quantity == "time":
        st.info(words["no curves of time"], icon=":material/timer:")
        return
    figure, said = _curves(chosen, quantity)
    st.plotly_chart(
        figure,
        key="bottleneck.curves",
        config=export.picture(f"zoolens-blocks-{quantity}"),
        alt=f"{_AXES[quantity]} against channels for BasicBlock and Bottleneck. {said.replace('**', '')}",
    )
    st.markdown(f"{said} {words['curves']}")


@lru_cache(maxsize=256)
def _curves(chosen: Dials, quantity: str) -> tuple[Figure, str]:
    """The figure, which nobody changes, and what it shows."""
    lines: dict[str, list[float]] = {name: [] for name in KINDS.values()}
    for channels in _LINE:
        for found in costs(replace(chosen, channels=channels)):
            lines[KINDS[found.block.kind]].append(found.amount(quantity))
    one, other = lines.values()
    meeting = crossing(_LINE, one, other)
    cheap, dear = KINDS.values() if one[0] < other[0] else [*KINDS.values()][::-1]
    figure = figures.against_channels(
        _LINE, lines, quantity=_AXES[quantity], now=chosen.channels, crossing=meeting
    )
    if meeting:
        return figure, (
            f"The lines cross near **{meeting[0]:,.0f} channels**: below, the {cheap} is the cheaper one, "
            f"above, the {dear}."
        )
    least, *_, most = sorted(max(a, b) / min(a, b) for a, b in zip(one, other, strict=True))
    times = f"{least:.3g}" if f"{least:.3g}" == f"{most:.3g}" else f"{least:.3g} to {most:.3g}"
    return figure, (
        f"The lines do not cross between {_LINE[0]} and {_LINE[-1]:,} channels: the {cheap} is the cheaper "
        f"one throughout, **{times} times**."
    )
