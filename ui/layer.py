"""The layer that the reader has selected: what it computes, what it sees, and the code that runs it."""

import difflib
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import streamlit as st

from ui import code, controls, costs, export, prose, state
from ui.controls import Study
from viz.figures.receptive import Seen, receptive
from viz.figures.style import count
from zoo.anatomy import Anatomy, Block, Field, Layer, Reach

_AXES = {"c": "channels", "y": "rows", "x": "columns", "t": "tokens"}
_PHOTO = Path(__file__).parents[1] / "assets" / "photos" / "cat.jpg"


def render(study: Study, anatomy: Anatomy, selected: str) -> None:
    """Everything about the layer or block `selected`; "" where there is none yet."""
    part = _parts(anatomy).get(selected)
    if isinstance(part, Layer):
        _layer(study, part, anatomy)
    elif part:
        _block(anatomy, part)
    elif selected == "input":
        st.header("Image")
        channels, height, width = anatomy.input_size
        st.markdown(f"{channels} × {height} × {width} numbers: channels, rows, columns.")
        st.image(_photo(), alt="A tabby cat, the photo on which receptive fields are drawn", width="stretch")
    else:
        if selected:
            near = _near(selected, anatomy)
            st.warning(prose.literal(f"This network has no layer called {selected!r}. {near}"))
            st.button("Select none", key="inspect.unselect", on_click=controls.select, args=(None,))
        st.markdown(prose.words("inspect")["nothing selected"])
        st.table(stage_rows(anatomy), border="horizontal")


def source(anatomy: Anatomy, selected: str) -> None:
    """All of the class behind the layer or block `selected`; folded where the pane already has its lines."""
    part = _parts(anatomy).get(selected)
    if isinstance(part, Layer):
        found, numbers = code.running(part, anatomy.classes)
    elif part:
        path = next(block.id for block in _blocks(part) if block.id in anatomy.classes)
        if not anatomy.classes[path].__module__.startswith("zoo."):
            return
        found, numbers = code.excerpt(anatomy.classes[path]), []
    else:
        return
    with st.expander(f"All of {found.name}", expanded=not numbers):
        code.show(found)


def stage_rows(anatomy: Anatomy) -> dict[str, list[str]]:
    """The network in its large parts: blocks of blocks one level open, and no layer that only rearranges."""
    parts: list[Block | Layer] = []
    for child in anatomy.tree.children:
        nested = isinstance(child, Block) and all(isinstance(inner, Block) for inner in child.children)
        parts += child.children if isinstance(child, Block) and nested else [child]
    parts = [part for part in parts if isinstance(part, Block) or part.kind not in ("reshape", "dropout")]
    last = [part if isinstance(part, Layer) else list(part.layers())[-1] for part in parts]
    return {
        "Part": [part.id for part in parts],
        "Output": [" × ".join(map(str, layer.shape)) for layer in last],
        "Parameters": [count(part.params) for part in parts],
        "MACs": [count(part.macs or 0) for part in parts],
    }


def _layer(study: Study, layer: Layer, anatomy: Anatomy) -> None:
    st.header(layer.label)
    st.caption(layer.id)
    lines = [f"**Output** {_shape(layer)}", f"**Arithmetic** {_unbroken(layer.formula)}"]
    if layer.weights:
        names = ", ".join(
            f"{name.rpartition('.')[2]} {' × '.join(map(str, shape)) or '1'}" for name, shape in layer.weights
        )
        lines += [f"**Parameters** {_unbroken(layer.params_formula)}", f"**Tensors** {_unbroken(names)}"]
    if not layer.counted:
        st.warning("Not counted: the anatomy does not know this operation, and the totals lack its share.")
    st.markdown("  \n".join(lines))
    _sees(study, layer)
    owner, numbers = code.running(layer, anatomy.classes)
    if numbers:
        st.markdown("**Code**")
        st.caption(f"{owner.name} in {owner.file}, line {', '.join(map(str, numbers))}")
        st.code("\n".join(owner.line(number) for number in numbers), wrap_lines=True)


def _block(anatomy: Anatomy, block: Block) -> None:
    times = f" × {block.repeat}" if block.repeat > 1 else ""
    st.header(f"{block.cls}{times}")
    st.caption(block.id)
    last = list(block.layers())[-1]
    st.markdown(
        f"**Output** {_shape(last)}  \n"
        f"**Parameters** {block.params:,}, "
        f"{_share(block.params, anatomy.tree.params, costs.left_out(anatomy))}  \n"
        f"**Arithmetic** {block.macs:,} MACs, {_share(block.macs, anatomy.macs)}  \n"
        f"**Activations** {block.activations:,} numbers, {_share(block.activations, anatomy.activations)}"
    )


def _sees(study: Study, layer: Layer) -> None:
    formula = f": {layer.reach_formula}" if layer.reach_formula else ""
    st.markdown(f"**Receptive field** {layer.reach}{formula}")
    words, by_field = prose.words("inspect"), channels_by_field(layer.reach)
    if layer.reach.kind == "global":
        st.caption(words["global"])
    elif layer.reach.kind == "varies":
        st.caption(words["varies"])
    if not by_field:
        return
    if len(by_field) > 1:
        st.dataframe(
            [
                {"Channels": names, "Sees": str(field), "Stride": field.y.stride, "Starts at": field.y.first}
                for field, names in by_field.items()
            ],
            key="inspect.ranges",
            height=min(36 * len(by_field) + 38, 180),
            alt="Receptive field of every range of channels",
        )
    else:
        (field,) = by_field
        st.caption(
            f"Neighbouring units are {field.y.stride} px apart; the first one's field starts at pixel "
            f"{str(field.y.first).replace('-', '−')}."
        )
    unit = _unit(layer.reach, layer.shape, study.size, next(iter(by_field)))
    seen = [Seen(f"channels {channels}", field) for field, channels in by_field.items()]
    st.plotly_chart(
        receptive(_photo(), study.size, unit, seen),
        key="inspect.receptive",
        config=export.picture(f"{study.specimen.variant}-{layer.id}-field"),
        alt=f"What unit {unit} (row, column) of {layer.id} sees on a photo of a cat: {layer.reach}",
    )
    st.caption(words["receptive"])


def _unit(reach: Reach, shape: tuple[int, ...], size: int, field: Field) -> tuple[int, int]:
    """Row and column of the unit whose field is drawn: in the centre, until the reader moves it."""
    rows, columns = grid(reach, shape, size, field)
    unit = (rows // 2, columns // 2)
    wanted = state.query().get("unit", "")
    if match := re.fullmatch(r"([0-9]{1,4}),([0-9]{1,4})", wanted):
        at = int(match[1]), int(match[2])
        unit = at if at[0] < rows and at[1] < columns else unit
    if wanted not in ("", f"{unit[0]},{unit[1]}"):
        st.warning(
            prose.literal(f"There is no unit {wanted!r} among {rows} × {columns}; {unit} is in the middle.")
        )

    def moved() -> None:
        at = [st.session_state.get(f"inspect.unit.{name}", 0) for name in ("row", "column")]
        state.write(unit=",".join(map(str, at)))

    for place, name, value, end in zip(st.columns(2), ("row", "column"), unit, (rows, columns), strict=True):
        if end > 1:
            place.slider(
                f"Unit's {name}", 0, end - 1, key=state.shows(f"inspect.unit.{name}", value), on_change=moved
            )
    return unit


def grid(reach: Reach, shape: tuple[int, ...], size: int, field: Field) -> tuple[int, int]:
    """Rows and columns of the units of a layer; of tokens, the grid that they were cut in."""
    axes = reach.axes[1:]  # without the batch
    if "y" in axes and "x" in axes:
        return shape[axes.index("y")], shape[axes.index("x")]
    return max(size // field.y.stride, 1), max(size // field.x.stride, 1)


def channels_by_field(reach: Reach) -> dict[Field, str]:
    """Every field of a local reach, smallest first, with the channels that have it: "0 to 63, 96 to 127"."""
    ranges: dict[Field, list[str]] = {}
    for first, last, field in reach.by_channel:
        if field:
            ranges.setdefault(field, []).append(f"{first} to {last}" if last > first else str(first))
    fields = sorted(ranges, key=lambda f: f.y.size * f.x.size)
    return {field: listed(ranges[field]) for field in fields}


def listed(words: Sequence[str], most: int = 6) -> str:
    """ "0, 2, 4" in full; a long list, as a channel shuffle leaves it, with its middle left out."""
    if len(words) <= most:
        return ", ".join(words)
    return f"{', '.join(words[: most - 1])} … {words[-1]}"


def _parts(anatomy: Anatomy) -> dict[str, Layer | Block]:
    """All that can be selected, by its path."""
    blocks = {block.id: block for block in _blocks(anatomy.tree) if block.id}
    return blocks | {layer.id: layer for layer in anatomy.layers}


def _near(wanted: str, anatomy: Anatomy) -> str:
    """The sentence after a path that no part has: the part that may be meant, else the large parts.

    Letters and digits count, in the whole path, in its last name, and in what a part is before its number:
    "inception3a" is stages.3.a.
    """

    def plain(text: str) -> str:
        return "".join(filter(str.isalnum, text.lower()))

    paths: dict[str, str] = {}
    for path, part in _parts(anatomy).items():
        kind = part.cls if isinstance(part, Block) else part.label.partition("×")[0].rstrip("0123456789")
        for name in (path, path.rpartition(".")[2], kind + path.partition(".")[2], kind):
            paths.setdefault(plain(name), path)
    for name in (wanted, wanted.rpartition(".")[2]):
        if close := difflib.get_close_matches(plain(name), paths, n=1, cutoff=0.7):
            return f"Did you mean {paths[close[0]]}?"
    return f"Its parts are {', '.join(stage_rows(anatomy)['Part'])}."


def _blocks(block: Block) -> Iterator[Block]:
    yield block
    for child in block.children:
        if isinstance(child, Block):
            yield from _blocks(child)


def _shape(layer: Layer) -> str:
    """The output's shape and, where the anatomy knows, what its axes are."""
    sizes = " × ".join(map(str, layer.shape))
    axes = layer.reach.axes.replace("b", "", 1)[-len(layer.shape) :]
    names = [_AXES.get(letter, "") for letter in axes]
    return f"{sizes} {' × '.join(names)}" if all(names) else sizes


def _unbroken(products: str) -> str:
    """Products that stay on one line where it has the room."""
    return products.replace(" × ", "\u00a0×\u00a0")


def _share(part: int, whole: int, base: str = "") -> str:
    return f"{part / whole:.1%} of the network {base}".strip() if whole else "none"


@cache
def _photo() -> bytes:
    return _PHOTO.read_bytes()
