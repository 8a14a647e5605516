"""The page Attention maps: the real weights of a ViT or a Swin on a picture, and what follows from them."""

import base64
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
from PIL import Image

from ui import bound, cached, charts, evidence, export, photo, predictions, prose, state, subject
from ui.components.attention_board import attention_board
from ui.evidence import Plate
from ui.photo import Photo
from ui.subject import Subject
from viz import attention, images
from viz.attention import Block, Captured
from viz.figures import attention as figures
from zoo import weights
from zoo.families.swin import Swin, relative_position_index
from zoo.scaling import attention as sizes

PAGE = "attention"
_KEY = f"{PAGE}.board"
_QUERY, _OTHER = f"{PAGE}.query", f"{PAGE}.other"  # of the address: "row,column", or "class" for the query
_FIRST = weights.specimen_of("shipped:vit_cifar10")
_MEAN = 0  # of the heads, in the choice of one
_SHOWN = 448  # pixels


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """What the page looks at."""

    subject: Subject
    photo: Photo
    crop: Image.Image
    captured: Captured
    mask: bool

    @property
    def has_class(self) -> bool:
        """Whether there is a class token."""
        return self.captured.blocks[0].layout is None


def study() -> Study:
    """Network and picture, from the sidebar. Stops the page, with a sentence, where there is no attention."""
    network = subject.choose(PAGE, first=_FIRST)
    picture = photo.choose(PAGE)
    mask = True
    if isinstance(network.loaded.model, Swin):
        mask = bound.switch("Mask", f"{PAGE}.mask", default=True, help=prose.words(PAGE)["mask"])
    try:
        with st.spinner("Reading the attention weights …"):
            captured = cached.attention(network.specimen, picture, mask)
    except ValueError as error:
        st.info(prose.literal(str(error)), icon=":material/block:")
        st.button(
            f"Show {subject.title(_FIRST)}", key=f"{PAGE}.way_on", on_click=state.put,
            args=(f"{PAGE}.net", subject.token(_FIRST)),
        )  # fmt: skip
        st.stop()
    crop = network.loaded.preprocess.crop(picture.image).convert("RGB")
    return Study(subject=network, photo=picture, crop=crop, captured=captured, mask=mask)


def board(seen: Study) -> tuple[Block, str]:
    """The picture cut into tokens, and one pair in numbers. Returns the block and the token that asks."""
    words = prose.words(PAGE)
    if not seen.subject.trained:
        st.info(words["random"], icon=":material/shuffle:")
    block, head = _choose(seen)
    query, other = _token(seen, block, _QUERY), _token(seen, block, _OTHER)
    attention_board(
        _drawn(seen, block, head), key=_KEY, query=query, other=other,
        on_query=lambda: state.put(_QUERY, st.session_state[_KEY]["query"]),
        on_other=lambda: state.put(_OTHER, st.session_state[_KEY]["other"]),
    )  # fmt: skip
    st.caption(words["board"])
    _heads(seen, block, query)
    _spelled_out(seen, block, head, query, other)
    return block, query


def _choose(seen: Study) -> tuple[Block, int]:
    blocks = {block.path: block.title for block in seen.captured.blocks}
    left, right = st.columns(2)
    with left:
        path = bound.slider(
            "Block", f"{PAGE}.block", tuple(blocks), next(iter(blocks)), words=blocks.__getitem__
        )
    block = next(block for block in seen.captured.blocks if block.path == path)
    heads = {str(_MEAN): "mean of all", **{str(n): str(n) for n in range(1, block.heads + 1)}}
    with right:
        head = bound.segments("Head", f"{PAGE}.head", heads)
    return block, int(head)


def _token(seen: Study, block: Block, key: str) -> str:
    """The token that the address names; by default the class token asks, or the middle of the map."""
    height, width = block.shape
    middle = f"{height // 2},{width // 2}"
    asked = state.query().get(key, "class" if key == _QUERY and seen.has_class else middle)
    if asked == "class" and key == _QUERY:
        return asked if seen.has_class else middle
    place = state.place(asked)
    if place is None:
        st.warning(prose.literal(f"There is no token {asked[:40]!r}."), icon=":material/link_off:")
        return middle
    # Maps get smaller from stage to stage, so a token of a larger one is brought inside.
    return f"{min(place[0], height - 1)},{min(place[1], width - 1)}"


def _drawn(seen: Study, block: Block, head: int) -> dict[str, object]:
    """For `ui.components.attention_board`: each row in bytes, relative to its largest weight for a place.

    What goes to the class token, or to padding, is sent beside it: often it is several times as much.
    """
    found = seen.captured.weights[block.path]
    rows = (found.mean(1) if head == _MEAN else found[:, head - 1]).numpy()  # (G, N, N)
    placed = np.where((block.places >= 0).numpy()[:, None], rows, 0)
    largest = placed.max(-1)
    coded = np.rint(255 * placed / np.maximum(largest, 1e-30)[..., None]).astype(np.uint8)
    height, width = block.shape
    groups = [0] * (height * width)
    if block.layout is not None:
        groups = block.layout.groups(mask=seen.mask).flatten().tolist()
    return {
        "rev": f"{seen.subject.specimen} {seen.photo.digest} {block.path} {head} {seen.mask}",
        "photo": images.uri(images.jpeg(seen.crop.resize((_SHOWN, _SHOWN), Image.Resampling.NEAREST))),
        "height": height,
        "width": width,
        "tokens": found.shape[-1],
        "hasClass": seen.has_class,
        "places": block.places.flatten().tolist(),
        "groups": groups,
        "bytes": base64.b64encode(coded.tobytes()).decode(),
        "largest": base64.b64encode(largest.astype(np.float32).tobytes()).decode(),
        "rest": base64.b64encode((rows - placed).sum(-1).astype(np.float32).tobytes()).decode(),
        "scale": images.FOR,
    }


def _heads(seen: Study, block: Block, query: str) -> None:
    """The same row in every head, each with how far it looks."""
    st.subheader("Every head of the block")
    captured = seen.captured
    rows = captured.of_class(block) if query == "class" else captured.row(block, *_place(query))
    far = captured.distances[block.path]
    plates = [
        Plate(
            title=f"Head {at + 1}",
            picture=images.heat(images.scaled(row.numpy()), (_SHOWN // 2, _SHOWN // 2)),
            alt=f"Where head {at + 1} looks",
            note=f"largest {float(row.max()):.1%}; "
            + (f"class token {max(0.0, 1 - float(row.sum())):.1%}; " if seen.has_class else "")
            + f"looks {float(far[at]):.1f} px far on average",
        )
        for at, row in enumerate(rows)
    ]
    evidence.plates(plates, least=120)
    st.html(evidence.scale(signed=False, most="the head's largest weight for a place", least="0"))
    st.caption(prose.words(PAGE)["heads"])


def _place(word: str) -> tuple[int, int]:
    row, _, column = word.partition(",")
    return int(row), int(column)


def _spelled_out(seen: Study, block: Block, head: int, query: str, other: str) -> None:
    """Softmax in numbers for the chosen pair."""
    words = prose.words(PAGE)
    st.subheader("One pair, step by step")
    if query == "class" or head == _MEAN or not seen.mask:
        st.caption(words["pair of"])
        return
    try:
        pair = attention.pair(
            seen.subject.loaded.model, seen.subject.loaded.preprocess(seen.photo.image), block, head - 1,
            _place(query), _place(other),
        )  # fmt: skip
    except ValueError as error:
        st.info(prose.literal(str(error)), icon=":material/block:")
        return
    size = len(pair.query)
    windowed = block.layout is not None
    exponent = np.exp(pair.score - pair.largest)
    rows = [
        ("query and key", f"{size} numbers each", "what the one looks for, and what the other offers"),
        ("q · k / √d", f"{pair.scaled:.4f}", f"their product, divided by √{size}"),
        ("bias", f"{pair.bias:+.4f}", _looked_up(block, query, other)),
        ("mask", f"{pair.mask:.0f}", "−100 between regions, else 0" if windowed else "none in ViT"),
        ("score", f"{pair.score:.4f}", "the sum of the three"),
        ("exp(score − largest)", f"{exponent:.3g}", f"the row's largest score is {pair.largest:.4f}"),
        ("sum over the row", f"{pair.total:.4f}", "of the same for all tokens of the row"),
        ("weight", f"{pair.weight:.3g}", "the one divided by the other"),
    ]
    st.table({"step": [r[0] for r in rows], "value": [r[1] for r in rows], "": [r[2] for r in rows]})


def _looked_up(block: Block, query: str, other: str) -> str:
    """Which entry of the table of biases a pair reads, in words."""
    if block.layout is None:
        return "none in ViT"
    places = [block.slot(*_place(word))[1] for word in (query, other)]
    row = int(relative_position_index(block.layout.window)[places[0], places[1]])
    far = block.layout.window - 1
    down, across = (part - far for part in divmod(row, 2 * far + 1))
    return f"row {row} of the table, for the offset ({down:+d}, {across:+d})"


def whole(seen: Study, block: Block, query: str) -> None:
    """What the weights of all blocks come to; the learned bias of one; places like that of the token."""
    words = prose.words(PAGE)
    st.header("All blocks together")
    far = seen.captured.distances
    titles = [block.title.partition(":")[0] for block in seen.captured.blocks]
    figure = figures.distances(
        titles,
        [far[block.path].numpy() for block in seen.captured.blocks],
        seen.subject.loaded.preprocess.size,
    )
    charts.steady(figure, f"{PAGE}.distances", name="attention-distances", alt=words["distances alt"])
    st.caption(words["distances"])
    if seen.has_class:
        _of_class(seen, query)
    else:
        _of_windows(seen, block)
    _cost(seen)


def _cost(seen: Study) -> None:
    """What the same network's attention costs on larger and smaller pictures."""
    words = prose.words(PAGE)
    st.subheader("What it costs on larger pictures")
    plain = replace(
        seen.subject.specimen, weights="random"
    )  # what a network costs is the same for all weights
    figure = cached.attention_cost(plain, seen.subject.loaded.preprocess.size)
    st.plotly_chart(
        figure, key=f"{PAGE}.cost", config=export.picture("attention-cost"), alt=words["cost alt"]
    )
    st.caption(words["cost of windows" if not seen.has_class else "cost"])
    st.page_link(
        "pages/scaling.py", label="ViT and Swin over all sizes: Scaling", icon=":material/open_in_full:",
        query_params={"scaling.law": sizes.ATTENTION.title},
    )  # fmt: skip


def _of_class(seen: Study, query: str) -> None:
    """Rollout, relevance, the answer after each block, and alike places: ViT only."""
    words = prose.words(PAGE)
    specimen, picture = seen.subject.specimen, seen.photo
    left, right = st.columns([2, 3], gap="large")
    with left:
        target = predictions.panel(PAGE, seen.subject, picture)
    labels = seen.subject.loaded.labels
    rolled = attention.rollout(seen.captured).numpy()
    relevant = cached.attention_relevance(specimen, picture, target)
    with right:
        plates = [
            Plate(
                title=title,
                picture=images.overlay(seen.crop, images.scaled(found), opacity=0.7, smooth=False),
                alt=f"{title} on the picture",
                note=note,
            )
            for title, found, note in (
                ("Rollout", rolled, "for any class"),
                ("Relevance", relevant, f"for {labels[target]}"),
            )
        ]
        evidence.plates(plates, least=220)
        st.html(evidence.scale(signed=False, most="the map's largest value", least="0"))
        st.caption(words["rollout"])
    told = cached.attention_lens(specimen, picture)
    order = np.argsort(told[-1])[::-1][:5]
    chosen = list(dict.fromkeys([target, *order.tolist()]))[:5]
    figure = figures.lens(told[:, chosen], [labels[at] for at in chosen])
    charts.steady(figure, f"{PAGE}.lens", name="logit-lens", alt=words["lens alt"])
    st.caption(words["lens"])
    height, width = seen.captured.blocks[0].shape
    y, x = (height // 2, width // 2) if query == "class" else _place(query)
    alike = attention.alike_places(seen.subject.loaded.model, y, x).numpy()
    st.subheader("Which places are alike")
    plate = Plate(
        title=f"Position embeddings beside that of row {y}, column {x}",
        picture=images.heat(alike, (_SHOWN, _SHOWN)),
        alt="Cosine similarity of position embeddings",
    )
    evidence.plates([plate], least=300)
    st.html(evidence.scale(signed=True, most="1", least="−1"))
    st.caption(words["alike"])


def _of_windows(seen: Study, block: Block) -> None:
    """What the mask changes in the answer, and the learned bias: Swin only."""
    words = prose.words(PAGE)
    labels = seen.subject.loaded.labels
    masked, without = (
        cached.attention(seen.subject.specimen, seen.photo, mask).logits[0].softmax(0).numpy()
        for mask in (True, False)
    )
    st.subheader("What the mask is worth")
    order = np.argsort(masked)[::-1][:5]
    st.table(
        {
            "class": [labels[at] for at in order],
            "with the mask": [f"{masked[at]:.1%}" for at in order],
            "without": [f"{without[at]:.1%}" for at in order],
            "difference, points": [f"{100 * (without[at] - masked[at]):+.1f}" for at in order],
        }
    )
    st.caption(words["worth"])
    st.subheader("The learned bias for each offset")
    try:
        tables = attention.biases(seen.subject.loaded.model, block).numpy()
    except ValueError as error:
        st.info(prose.literal(str(error)), icon=":material/block:")
        return
    most = float(np.abs(tables).max())
    plates = [
        Plate(
            title=f"Head {at + 1}",
            picture=images.heat(table / most if most else table, (_SHOWN // 2, _SHOWN // 2)),
            alt=f"Bias of head {at + 1} by offset",
            note=f"{table.min():+.2f} to {table.max():+.2f}",
        )
        for at, table in enumerate(tables)
    ]
    evidence.plates(plates, least=120)
    st.html(evidence.scale(signed=True, most=f"+{most:.2f}", least=f"−{most:.2f}"))
    st.caption(words["bias"])
    assert block.layout is not None  # or it would have no table
    index = relative_position_index(block.layout.window).numpy()
    plate = Plate(
        title=f"The index: {len(index)} × {len(index)} pairs read {(2 * block.layout.window - 1) ** 2} rows",
        picture=images.heat(index / index.max(), (_SHOWN, _SHOWN)),
        alt="Which row of the table each pair of tokens reads",
    )
    evidence.plates([plate], least=300)
    st.html(evidence.scale(signed=False, most=f"row {index.max()}", least="row 0"))
    st.caption(words["index"])
