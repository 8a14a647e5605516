"""The page Parts and ablations, its first half: hide a part, and see whether a network changes alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ui import (
    background,
    bound,
    cached,
    code,
    evidence,
    export,
    lanes,
    looking,
    part_sets,
    prose,
    state,
    subject,
)
from ui.background import Report, Seen
from ui.components.part_marks import Part, Picture, part_marks
from ui.glances import learnt
from ui.part_sets import PAGE, PartSet, Places
from ui.subject import Subject
from viz import correspondence, images, occlusion
from viz.correspondence import RANDOM, Box, Consistency
from viz.figures import parts as figures
from viz.figures.parts import COLOURS, LETTERS, Bar
from viz.figures.style import LINE, ink
from zoo import weights
from zoo.weights import Preprocess

_MARKS = f"{PAGE}.marks"  # of the address: what they belong to, then thousandths across and down
_KEY = f"{PAGE}.pictures"
_FIRST = 1.5  # seconds that the page waits for a result
_REST = 0.4  # seconds between two looks at work under way
_SIZES = {"1/10": 1 / 10, "1/7": 1 / 7, "1/5": 1 / 5, "1/4": 1 / 4, "1/3": 1 / 3}
_FILLS = {"mean": "Mean colour", "black": "Black", "blur": "Blur"}
_NETWORK = weights.specimen_of("shipped:zfnet_shapes")  # which has learned what the first pictures show
_SHOWN = 240  # pixels of a picture on the page

# Zeiler and Fergus, table 1: mean feature sign change of five dogs, layers 5 and 7.
PUBLISHED: Mapping[str, tuple[float, float]] = {
    "right eye": (0.067, 0.069), "left eye": (0.069, 0.068), "nose": (0.079, 0.069), RANDOM: (0.107, 0.073),
}  # fmt: skip

Found = Mapping[str, Mapping[str, Consistency]]  # by layer, by part


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """What is hidden from which network."""

    subject: Subject
    chosen: PartSet
    crops: tuple[Image.Image, ...]  # what the network sees
    boxes: Mapping[str, Sequence[Box]]  # by part, a box a picture, in pixels of that
    rooms: tuple[Box, ...]
    fill: str
    paths: tuple[str, ...]  # the two layers

    @property
    def key(self) -> tuple[object, ...]:
        """All that the result depends on."""
        marks = tuple((name, tuple(boxes)) for name, boxes in self.boxes.items())
        digests = tuple(photo.digest for photo in self.chosen.photos)
        return (PAGE, self.subject.specimen, digests, marks, self.fill, self.paths)

    @property
    def images(self) -> Tensor:
        """(N, C, H, W), normalised."""
        return torch.cat([self.subject.loaded.preprocess(photo.image) for photo in self.chosen.photos])


def render() -> None:
    network = subject.choose(PAGE, _NETWORK)
    chosen = part_sets.choose()
    if chosen is None:
        return
    _advice(network, chosen)
    size, fill, paths = _settings(network)
    crops = tuple(network.loaded.preprocess.crop(photo.image) for photo in chosen.photos)
    marks = _marks(chosen, network.loaded.preprocess, size)
    study = Study(
        subject=network, chosen=chosen, crops=crops, boxes=_boxes(chosen, marks, size, crops[0].width),
        rooms=_rooms(chosen, network, crops[0].width), fill=fill, paths=paths,
    )  # fmt: skip
    _watch(study)


def _advice(network: Subject, chosen: PartSet) -> None:
    """What to know where a network has not learned what the pictures show."""
    words, labels = prose.words(PAGE), network.loaded.labels
    photos = subject.FIRST
    if not network.trained:
        st.info(words["random"], icon=":material/shuffle:")
    elif chosen.shape and chosen.shape not in labels:
        st.caption(words["not shapes"])
    elif chosen.token == "faces" and not learnt(network.specimen).photos:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.caption(words["not photos"], width="content")
            st.button(
                f"Take {subject.title(photos)}", key=f"{PAGE}.photos", on_click=state.put,
                args=(f"{PAGE}.net", subject.token(photos)),
            )  # fmt: skip


def _settings(network: Subject) -> tuple[float, str, tuple[str, ...]]:
    """Size of a part as a share of the side, what shows in its place, and the two layers."""
    words = prose.words(PAGE)
    one, two, three, four = st.columns([2, 3, 3, 3], gap="medium")
    with one:
        part = bound.slider("Part, of the side", f"{PAGE}.size", list(_SIZES), "1/5", help=words["size"])
    with two:
        fill = bound.segments("Covered with", f"{PAGE}.fill", _FILLS, help=words["fill"])
    shapes = cached.part_layers(network.specimen)
    low, top = cached.cam_layer(network.specimen).path, list(shapes)[-2]
    names = {path: f"{path}: {_shape(shape)}" for path, shape in shapes.items()}
    if low not in names:  # an outer module, such as a whole block
        names = {low: low} | names
    variant = network.specimen.variant
    with three:
        lower = bound.picker(
            "One layer", f"{PAGE}.low.{variant}", {low: names[low]} | names, help=words["layers"]
        )
    with four:
        upper = bound.picker("Another layer", f"{PAGE}.top.{variant}", {top: names[top]} | names)
    return _SIZES[part], fill, tuple(dict.fromkeys((lower, upper)))


def _shape(shape: Sequence[int]) -> str:
    if len(shape) == 3 and shape[1:] != (1, 1):
        return f"{shape[0]:,} maps of {shape[1]} × {shape[2]}"
    return f"{int(np.prod(shape)):,} numbers"


def _marks(chosen: PartSet, preprocess: Preprocess, size: float) -> Places:
    """The pictures with their squares, and where those are: as the address says, else as they were."""
    words = prose.words(PAGE)
    given = _read(chosen)
    marks = part_sets.seen(chosen.places, preprocess) if given is None else given
    drawn = [Picture(title=photo.title, src=_uri(photo.image, preprocess)) for photo in chosen.photos]
    parts = [
        Part(name=name, letter=LETTERS[at], colour=COLOURS[at], ink=ink(COLOURS[at]))
        for at, name in enumerate(chosen.parts)
    ]
    thousandths = np.rint(1000 * marks.transpose(1, 0, 2)).astype(int).tolist()
    part_marks(drawn, parts, thousandths, key=_KEY, side=size, on_mark=lambda: _marked(chosen))
    line, button = st.columns([5, 1], vertical_alignment="center")
    line.caption(words["marks" if chosen.marked else "mark them"])
    if given is not None:
        with button:
            st.button(
                "Put them back", key=f"{PAGE}.back", icon=":material/undo:", on_click=state.drop,
                args=(_MARKS,),
            )  # fmt: skip
    return marks


def _uri(picture: Image.Image, preprocess: Preprocess) -> str:
    """The part of a picture that a network sees, as fine as it is: what it makes of it may be too coarse
    to find anything on.
    """
    side = min(picture.size) * (1.0 if preprocess.shorter is None else preprocess.size / preprocess.shorter)
    left, top = ((edge - side) / 2 for edge in picture.size)
    edge = min(2 * _SHOWN, max(round(side), preprocess.size))
    region = picture.resize((edge, edge), box=(left, top, left + side, top + side))
    return images.uri(images.jpeg(region.convert("RGB" if preprocess.channels == 3 else "L")))


def _marked(chosen: PartSet) -> None:
    rows = st.session_state[_KEY]["marks"]
    flat = "_".join(f"{int(x)}.{int(y)}" for row in rows for x, y in row)
    state.put(_MARKS, f"{chosen.token}~{flat}")


def _read(chosen: PartSet) -> Places | None:
    """The marks of the address, where they are meant for these pictures."""
    token, _, flat = state.query().get(_MARKS, "").rpartition("~")
    if token != chosen.token:
        return None
    pairs = [each.split(".") for each in flat.split("_")]
    fine = all(
        len(pair) == 2 and all(n.isascii() and n.isdigit() and len(n) < 5 for n in pair) for pair in pairs
    )
    count, parts = len(chosen.photos), len(chosen.parts)
    if not fine or len(pairs) != count * parts:
        st.warning(prose.words(PAGE)["odd marks"], icon=":material/link_off:")
        return None
    numbers = np.array([[int(p) for p in pair] for pair in pairs]).clip(0, 1000) / 1000
    places: Places = numbers.reshape(count, parts, 2).transpose(1, 0, 2)
    return places


def _boxes(chosen: PartSet, marks: Places, size: float, side: int) -> dict[str, list[Box]]:
    """The squares around the marks in pixels, whole and inside of the picture."""
    edge = max(1, round(size * side))

    def box(place: Sequence[float]) -> Box:
        left, top = (min(max(round(side * each - edge / 2), 0), side - edge) for each in place)
        return left, top, left + edge, top + edge

    return {
        f"{LETTERS[at]} {name}": [box(place) for place in marks[at]] for at, name in enumerate(chosen.parts)
    }


def _rooms(chosen: PartSet, network: Subject, side: int) -> tuple[Box, ...]:
    """Where random parts may lie: on the object, as far as one knows where it is."""
    corners = np.array(chosen.rooms).reshape(-1, 2, 2)
    inside = part_sets.seen(corners, network.loaded.preprocess).clip(0, 1)
    return tuple(
        (int(side * low[0]), int(side * low[1]), int(np.ceil(side * high[0])), int(np.ceil(side * high[1])))
        for low, high in inside
    )


def _watch(study: Study) -> None:
    """The result, waited for a moment, then looked for again and again."""
    pool, reader = cached.quick(), background.reader()
    stopped: set[object] = st.session_state.setdefault(f"{PAGE}.stopped", set())

    def look() -> Seen | None:
        if study.key in stopped:
            return pool.result(study.key)
        seen = pool.look(study.key, reader)
        return (
            seen if seen is not None and seen.state != "cancelled" else pool.submit(study.key, work, reader)
        )

    def work(report: Report) -> Found:
        return _computed(study, lambda share: report(share, None))

    def stop() -> None:
        stopped.add(study.key)
        pool.cancel(study.key, reader)

    try:
        first = look()
    except ValueError as error:  # the queue is full
        st.error(prose.literal(str(error)), icon=":material/hourglass_disabled:")
        return
    if first is not None and first.alive:
        first = pool.wait(study.key, reader, _FIRST)
    armed = first is not None and first.alive

    @looking.again(_REST if armed else None)
    def live() -> None:
        seen = look()
        if seen is None:
            st.info("Stopped.", icon=":material/stop:")
            st.button("Start again", key=f"{PAGE}.again", on_click=stopped.discard, args=(study.key,))
        elif seen.alive:
            background.bar(seen, f"{len(study.crops)} pictures without their parts", f"{PAGE}.cancel", stop)
        elif seen.state == "failed":
            st.error(prose.literal(seen.why), icon=":material/error:")
        if armed and (seen is None or not seen.alive):
            st.rerun()

    live()
    seen = pool.result(study.key)
    if seen is not None:
        _draw(study, seen.result)


def _computed(study: Study, report: Callable[[float], None]) -> Found:
    pixels, preprocess = study.images, study.subject.loaded.preprocess
    return correspondence.correspond(
        study.subject.loaded.model, pixels, study.boxes, study.paths,
        cover=occlusion.covering(pixels, study.fill, preprocess), rooms=study.rooms, report=report,
    )  # fmt: skip


def bars(found: Mapping[str, Consistency]) -> list[Bar]:
    """A layer's results as a figure takes them."""
    return [
        Bar(
            name="random parts" if name == RANDOM else name, delta=each.delta, error=each.error,
            chance=each.chance, changed=each.changed, colour=LINE if name == RANDOM else COLOURS[at],
        )
        for at, (name, each) in enumerate(found.items())
    ]  # fmt: skip


def _draw(study: Study, found: Found) -> None:
    words = prose.words(PAGE)
    groups = {path: bars(each) for path, each in found.items()}
    most = figures.ceiling(list(groups.values()))
    for column, (path, group) in zip(
        st.columns(max(2, len(groups)), gap="large"), groups.items(), strict=False
    ):
        with column:
            st.plotly_chart(
                figures.consistency(group, title=path, most=most), key=f"{PAGE}.chart.{path}",
                config=export.picture(f"zoolens-parts-{path}"), alt=_told(path, group),
            )  # fmt: skip
            st.markdown(verdict(group))
    st.caption(words["figure"] + ("" if len(study.crops) > 2 else f" {words['two']}"))
    with st.expander(words["table title"], key=f"{PAGE}.normalised"):
        lanes.table(_published(), f"{PAGE}.published")
        st.markdown(words["normalised"])
    _take_away(study, found, groups)


def _published() -> str:
    """Table 1 as it is printed."""
    rows = [f"| {name} | {low:.3f} | {top:.3f} |" for name, (low, top) in PUBLISHED.items()]
    return "\n".join(["| Hidden in five dogs | Layer 5 | Layer 7 |", "|---|---:|---:|", *rows])


def verdict(group: Sequence[Bar]) -> str:
    """How the parts compare with random ones, in a sentence."""
    *parts, random = group
    mean = float(np.mean([bar.delta for bar in parts]))
    if not random.delta:
        return "Nothing in this layer changes when a part is hidden."
    share = mean / random.delta
    spread = max(bar.error for bar in group)  # NaN for two pictures
    sure = ", a difference within the errors" if abs(mean - random.delta) <= spread else ""
    how = f"**{1 - share:.0%} less** than" if share < 1 else "**no less** than"
    return f"Parts differ {how} random ones: {mean:.3f} against {random.delta:.3f}{sure}."


def _told(path: str, group: Sequence[Bar]) -> str:
    values = ", ".join(f"{bar.name} {bar.delta:.3f}" for bar in group)
    return f"Share of units of {path} whose signs differ between pictures: {values}"


def _take_away(study: Study, found: Found, groups: Mapping[str, Sequence[Bar]]) -> None:
    name = f"zoolens-parts-{study.subject.specimen.variant}"
    with st.container(horizontal=True, gap="small"):
        evidence.save(
            "Numbers (CSV)", lambda: export.as_csv(table(groups)), f"{name}.csv", "text/csv",
            key=f"{PAGE}.csv", icon="table",
        )  # fmt: skip
        evidence.save(
            "Pictures and numbers (PNG)", lambda: images.png(sheet(study, groups)), f"{name}.png",
            "image/png", key=f"{PAGE}.png", icon="image",
        )  # fmt: skip
        evidence.save(
            "One page (PDF)", lambda: images.pdf(sheet(study, groups), "Parts", dots=144), f"{name}.pdf",
            "application/pdf", key=f"{PAGE}.pdf", icon="picture_as_pdf",
        )  # fmt: skip
    with st.expander("The code that found it", key=f"{PAGE}.code"):
        code.show(code.excerpt(correspondence.correspond))
        code.show(code.excerpt(correspondence.consistency))


def table(groups: Mapping[str, Sequence[Bar]]) -> list[dict[str, object]]:
    """A row for each layer and part; an error that does not exist is left empty."""
    return [
        {
            "layer": path, "part": bar.name, "delta": bar.delta,
            "standard_error": None if np.isnan(bar.error) else bar.error, "by_chance": bar.chance,
            "share_of_units_that_change": bar.changed,
        }
        for path, group in groups.items()
        for bar in group
    ]  # fmt: skip


def sheet(study: Study, groups: Mapping[str, Sequence[Bar]]) -> Image.Image:
    """The pictures with their squares, and the numbers below, on white."""
    side, gap, line = _SHOWN, 12, 26
    across = min(len(study.crops), 6)
    rows = -(-len(study.crops) // across)
    said = [f"{study.subject.title}. {study.chosen.title}. Covered with: {_FILLS[study.fill].lower()}."]
    for path, group in groups.items():
        said.append(f"{path}: share of units whose signs differ, ± standard error over pictures")
        for bar in group:
            error = "" if np.isnan(bar.error) else f" ± {bar.error:.3f}"
            said.append(f"    {bar.name}: {bar.delta:.3f}{error}   (by chance {bar.chance:.3f})")
    width = max(across * (side + gap) + gap, 900)
    letter = ImageFont.load_default(26)
    board = Image.new("RGB", (width, rows * (side + gap) + gap + line * (len(said) + 1)), "white")
    for at, crop in enumerate(study.crops):
        picture = images.shown(crop)
        draw, times = ImageDraw.Draw(picture), picture.width / crop.width
        for number, boxes in enumerate(study.boxes.values()):
            box = tuple(times * edge for edge in boxes[at])
            draw.rectangle(box, outline="black", width=9)
            draw.rectangle(box, outline=COLOURS[number], width=5)
            tag = (box[0], box[1], box[0] + 34, box[1] + 34)
            draw.rectangle(tag, fill=COLOURS[number])
            draw.text((tag[0] + 9, tag[1] + 2), LETTERS[number], fill=ink(COLOURS[number]), font=letter)
        place = (gap + at % across * (side + gap), gap + at // across * (side + gap))
        board.paste(picture.resize((side, side)), place)
    pen, font = ImageDraw.Draw(board), ImageFont.load_default(18)
    for at, words in enumerate(said):
        pen.text((gap, rows * (side + gap) + gap + line * at), words, fill="black", font=font)
    return board
