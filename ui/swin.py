"""The page Shifted windows: how a map is cut, rolled and masked, and what one token may attend to."""

from collections.abc import Mapping
from types import MappingProxyType

import streamlit as st
import torch

from ui import bound, evidence, photo, prose, state
from ui.components.shifted_windows import shifted_windows
from ui.evidence import Plate
from viz import images, windows
from viz.windows import Layout
from zoo.scaling.attention import ATTENTION, global_attention, window_attention

PAGE = "swin"
_KEY = f"{PAGE}.windows"
_STEP, _TOKEN = f"{PAGE}.step", f"{PAGE}.token"  # of the address; the step from 1
_OWN = "own"
_MAPS: Mapping[str, tuple[str, Layout]] = MappingProxyType(
    {
        "toy": ("8 × 8, the paper's toy", Layout(height=8, width=8, window=4, shift=2)),
        **{
            f"stage{stage}": (
                f"Swin-T, stage {stage}: {side} × {side}",
                Layout(height=side, width=side, window=7, shift=3),
            )
            for stage, side in ((1, 56), (2, 28), (3, 14), (4, 7))
        },
    }
)  # fmt: skip
_SIDES, _WINDOWS = tuple(range(2, 33)), tuple(range(2, 9))
_CHANNELS = 96  # of Swin-T's first stage
_PHOTO = 448  # pixels


def render() -> None:
    words = prose.words(PAGE)
    titles = {key: title for key, (title, _) in _MAPS.items()} | {_OWN: "Your own sizes"}
    chosen = bound.picker("Map", f"{PAGE}.map", titles, help=words["map"])
    layout = _own() if chosen == _OWN else _MAPS[chosen][1]
    shift, mask, ids, over = st.columns(4, vertical_alignment="bottom")
    with shift:
        if not bound.switch("Shift", f"{PAGE}.shift", default=True, help=words["shift"]):
            layout = Layout(height=layout.height, width=layout.width, window=layout.window)
    with mask:
        masked = bound.switch("Mask", f"{PAGE}.mask", default=True, help=words["mask"])
    with ids:
        four = bound.switch("Four numbers instead of nine", f"{PAGE}.four", help=words["four"])
    with over:
        pictured = bound.switch("Over a photo", f"{PAGE}.over", help=words["over"])
    picture = photo.choose(PAGE) if pictured else None
    shifted_windows(
        _drawn(layout, masked=masked, four=four, picture=picture),
        key=_KEY,
        rev=f"{layout} {masked} {four} {picture.digest if picture else ''}",
        step=_step(),
        token=_token(layout),
        on_step=_stepped,
        on_token=_picked,
    )
    st.caption(words["figure"])
    _facts(layout)


def _own() -> Layout:
    """Any sizes, also those that the window does not divide."""
    columns = st.columns(4)
    key = f"{PAGE}.{_OWN}"
    with columns[0]:
        height = bound.slider("Rows of the map", f"{key}.rows", _SIDES, 10)
    with columns[1]:
        width = bound.slider("Columns", f"{key}.columns", _SIDES, 9)
    with columns[2]:
        window = bound.slider("Side of a window, M", f"{key}.window", _WINDOWS, 4)
    with columns[3]:
        shift = bound.slider("Shift, s", f"{key}.shift", tuple(range(max(_WINDOWS))), 2)
    if shift >= window:
        st.info(
            prose.words(PAGE)["too far"].format(shift=shift, taken=shift % window), icon=":material/info:"
        )
    return Layout(height=height, width=width, window=window, shift=shift % window)


def _drawn(layout: Layout, *, masked: bool, four: bool, picture: photo.Photo | None) -> dict[str, object]:
    """For `ui.components.shifted_windows`: sizes, regions after the shift, groups with it and without."""
    up, left = layout.moved
    still = Layout(height=layout.height, width=layout.width, window=layout.window)
    drawn: dict[str, object] = {
        "height": layout.height,
        "width": layout.width,
        "rows": layout.rows,
        "columns": layout.columns,
        "window": layout.window,
        "up": up,
        "left": left,
        "masked": masked,
        "regions": (layout.four if four else layout.regions).flatten().tolist(),
        "groups": _renamed(layout.groups(mask=masked)),
        "still": _renamed(still.groups()),
    }
    if picture is not None:
        shape = (_PHOTO, round(_PHOTO * layout.height / layout.width))
        drawn["photo"] = images.uri(images.jpeg(picture.image.convert("RGB").resize(shape)))
    return drawn


def _renamed(groups: torch.Tensor) -> list[int]:
    """Groups numbered from 0, so that little goes to the browser."""
    numbers: list[int] = torch.unique(groups, return_inverse=True)[1].flatten().tolist()
    return numbers


def _facts(layout: Layout) -> None:
    """What the sizes come to, and what is shown to be equal."""
    words = prose.words(PAGE)
    apart = windows.separate_windows(layout.rows, layout.columns, layout.window, layout.shift)
    tokens = layout.rows * layout.columns
    columns = st.columns(4)
    columns[0].metric("Windows, rolled", f"{layout.count:,}", help=words["rolled"])
    columns[1].metric(
        "Windows, padded instead",
        f"{apart:,}",
        f"{apart / layout.count:.2f} times the cost",
        "off",
        help=words["padded"],
    )
    columns[2].metric("Pairs kept apart by the mask", f"{layout.masked:.1%}", help=words["share"])
    ratio = global_attention(tokens, _CHANNELS) / window_attention(tokens, _CHANNELS, layout.window)
    columns[3].metric("Attention without windows", f"{ratio:.1f} times", help=words["cost"])
    if not any(layout.moved):
        st.info(words["no shift"], icon=":material/info:")
        return
    same = torch.equal(windows.mask_of(layout.four, layout.window), layout.mask)
    border = windows.unrolled(layout.rows, layout.columns, layout.window, layout.shift)
    border = border[: layout.height, : layout.width].flatten()
    groups = layout.groups().flatten()
    pairs = groups[:, None] == groups if len(groups) <= _MOST else None
    st.subheader("Two proofs for these sizes")
    entries = layout.mask.numel()
    st.markdown(words["nine and four" if same else "differ"].format(entries=f"{entries:,}"))
    if pairs is not None:
        equal = torch.equal(pairs, border[:, None] == border)
        st.markdown(
            words["lesson" if equal else "differ"].format(
                pairs=f"{int(pairs.sum()):,}", all=f"{pairs.numel():,}"
            )
        )


_MOST = 3_136  # tokens: of Swin-T's first stage


def scales() -> None:
    """The maps of Swin's four stages beside the one of ViT, on a picture of 224 pixels."""
    words = prose.words(PAGE)
    st.header("Four scales beside one")
    cat = photo.samples()[photo.FIRST].image.convert("RGB").resize((_PHOTO, _PHOTO))
    plates = [
        Plate(
            title=title,
            picture=images.cut(cat, side, every),
            alt=f"The picture cut into {side} by {side} patches",
            note=f"{side} × {side} tokens of {224 // side} px" + (f", windows of {every}" if every else ""),
        )
        for title, side, every in (
            *((f"Swin, stage {stage}", side, 7) for stage, side in ((1, 56), (2, 28), (3, 14), (4, 7))),
            ("ViT, all blocks", 14, 0),
        )
    ]
    evidence.plates(plates, least=170)
    st.caption(words["scales"])
    st.page_link(
        "pages/scaling.py", label="What both cost over the size of the picture: Scaling",
        icon=":material/open_in_full:", query_params={"scaling.law": ATTENTION.title},
    )  # fmt: skip


def _step() -> int:
    """The step, from 0, that the address names; the first by default."""
    asked = state.query().get(_STEP, "1")
    if not (asked.isascii() and asked.isdigit() and 0 < len(asked) < 4):
        st.warning(prose.literal(f"There is no step {asked[:40]!r}."), icon=":material/link_off:")
        return 0
    return max(int(asked) - 1, 0)


def _token(layout: Layout) -> tuple[int, int]:
    """Row and column of the token that the address names; by default one whose window is cut in two."""
    asked = state.query().get(_TOKEN)
    if asked is None:
        return min(1, layout.height - 1), min(layout.width // 2, layout.width - 1)
    place = state.place(asked)
    if place is None:
        st.warning(prose.literal(f"There is no token {asked[:40]!r}."), icon=":material/link_off:")
    elif place[0] < layout.height and place[1] < layout.width:
        return place
    return 0, 0


def _stepped() -> None:
    state.put(_STEP, str(int(st.session_state[_KEY]["step"]) + 1))


def _picked() -> None:
    row, column = (int(each) for each in st.session_state[_KEY]["token"])
    state.put(_TOKEN, f"{row},{column}")
