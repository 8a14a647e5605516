"""Which pixels a unit can see: receptive fields, exact through branches, skips and concatenations.

A unit at row u of a map sees the image rows stride * u + first .. stride * u + last, clipped to the image;
columns likewise. Where a concatenation puts maps of different histories side by side, every range of channels
keeps its own field. The rules below carry fields along a network; what has no such field is said to be so:

- global: the unit depends on the whole image (global pooling, attention over all tokens, fully
  connected layers).
- varies: the field depends on the position (attention inside windows, cyclic shifts).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import prod


@dataclass(frozen=True, slots=True)
class Span:
    """One axis of a receptive field, in image pixels: unit u sees stride * u + first .. stride * u + last.

    Of these it sees only what lies in low .. high, which is all that the map sees: the image, less what a
    window without padding has left out at the far border.
    """

    stride: int
    first: int
    last: int
    low: int = field(compare=False)
    high: int = field(compare=False)

    @property
    def size(self) -> int:
        """Number of pixels seen along this axis, the image's border aside."""
        return self.last - self.first + 1

    def at(self, unit: int) -> tuple[int, int]:
        """First and last pixel that unit number `unit` sees; the first is the larger where it sees none."""
        return max(self.stride * unit + self.first, self.low), min(self.stride * unit + self.last, self.high)

    def units(self, start: int, stop: int, step: int = 1) -> "Span":
        """The field when only the units start, start + step, ... before `stop` are kept, and counted anew."""
        last = start + (stop - start - 1) // step * step
        return Span(
            self.stride * step,
            self.first + start * self.stride,
            self.last + start * self.stride,
            self.at(start)[0],
            self.at(last)[1],
        )

    def padded(self, before: int) -> "Span":
        """The field when `before` units that see nothing are put in front."""
        shift = before * self.stride
        return replace(self, first=self.first - shift, last=self.last - shift)

    def window(self, units: int, kernel: int, stride: int, padding: int, dilation: int) -> "Span":
        """The field of the `units` positions of a convolution or pooling window."""
        map = self.padded(padding)
        wide = replace(
            map, last=map.last + (kernel - 1) * dilation * self.stride, stride=self.stride * stride
        )
        return wide.units(0, units)

    def union(self, other: "Span") -> "Span | None":
        """The smallest span that holds both; None where their strides differ, so that no single span does."""
        if self.stride != other.stride:
            return None
        return Span(
            self.stride,
            min(self.first, other.first),
            max(self.last, other.last),
            min(self.low, other.low),
            max(self.high, other.high),
        )


@dataclass(frozen=True, slots=True)
class Field:
    """Rows and columns that a unit sees."""

    y: Span
    x: Span

    def union(self, other: "Field") -> "Field | None":
        y, x = self.y.union(other.y), self.x.union(other.x)
        return Field(y, x) if y and x else None

    def __str__(self) -> str:
        return f"{self.y.size} × {self.x.size} px"


@dataclass(frozen=True, slots=True)
class Segment:
    """Channels up to `end` (exclusive) share one field; None where they see nothing, as zero padding does."""

    end: int
    field: Field | None


@dataclass(frozen=True, slots=True)
class Reach:
    """What the units of one tensor see, and which axis of the tensor is which.

    `axes` has a letter per dimension: b images, c channels, C channels in parts that see differently, y rows,
    x columns, t tokens (rows and columns as one axis), w windows or other parts of the map, f channels and
    positions as one axis, - anything else. Segments count the channels of all C axes, the last one fastest.
    """

    kind: str  # "local", "global" or "varies"
    axes: str
    segments: tuple[Segment, ...] = ()  # of a local reach

    def __str__(self) -> str:
        if self.kind == "global":
            return "whole image"
        if self.kind == "varies":
            return "depends on the position"
        fields = sorted((s.field for s in self.segments if s.field), key=lambda f: f.y.size * f.x.size)
        if len(fields) > 1:
            return f"{fields[0]} to {fields[-1]}, by channel"
        return str(fields[0]) if fields else "nothing"

    @property
    def by_channel(self) -> tuple[tuple[int, int, Field | None], ...]:
        """First channel, last channel and field of every range of a local reach."""
        starts = (0, *(s.end for s in self.segments))
        return tuple((start, s.end - 1, s.field) for start, s in zip(starts, self.segments, strict=False))

    @property
    def sees_nothing(self) -> bool:
        return self.kind == "local" and all(segment.field is None for segment in self.segments)

    @property
    def largest(self) -> Field | None:
        """The field of the channels that see most; None where there is no single one."""
        fields = [s.field for s in self.segments if s.field]
        return max(fields, key=lambda f: f.y.size * f.x.size) if fields else None


def of_image(channels: int, height: int, width: int) -> Reach:
    """A pixel sees itself."""
    rows, columns = Span(1, 0, 0, 0, height - 1), Span(1, 0, 0, 0, width - 1)
    return Reach("local", "bcyx", (Segment(channels, Field(rows, columns)),))


def of_no_pixel(dims: int) -> Reach:
    """Numbers made of parameters only."""
    return Reach("local", "-" * dims, (Segment(1, None),))


def looked_up(reach: Reach, dims: int) -> Reach:
    """After picking entries by a table of positions."""
    if reach.sees_nothing:
        return of_no_pixel(dims)
    return somewhere("w" * dims) if reach.kind != "global" else everywhere(dims)


def everywhere(dims: int) -> Reach:
    return Reach("global", "b" + "-" * (dims - 1))


def somewhere(axes: str) -> Reach:
    return Reach("varies", axes)


def seen_together(segments: Sequence[Segment], end: int) -> tuple[Segment, ...] | None:
    """One segment of `end` channels that see all that `segments` see; None where no single field says so."""
    together: Field | None = None
    for segment in segments:
        if segment.field and together:
            together = together.union(segment.field)
            if together is None:
                return None
        else:
            together = together or segment.field
    return (Segment(end, together),)


def between(segments: Sequence[Segment], start: int, stop: int) -> tuple[Segment, ...]:
    """The segments of channels start .. stop - 1, counted from zero again."""
    found, begin = [], 0
    for segment in segments:
        if begin < stop and segment.end > start:
            found.append(Segment(min(segment.end, stop) - start, segment.field))
        begin = segment.end
    return tuple(found)


def merged(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """Neighbours with the same field made one."""
    found: list[Segment] = []
    for segment in segments:
        if found and found[-1].field == segment.field:
            before = found.pop().field
            segment = Segment(segment.end, before and segment.field and before.union(segment.field))
        found.append(segment)
    return tuple(found)


def mix_channels(reach: Reach, channels: int) -> Reach:
    """After an operation that mixes all channels of a position: a linear layer, a layer norm."""
    if "f" in reach.axes:
        return everywhere(len(reach.axes))
    if reach.kind != "local":
        return reach
    segments = seen_together(reach.segments, channels)
    return replace(reach, segments=segments) if segments else somewhere(reach.axes)


def slide(
    reach: Reach,
    size: Sequence[int],
    channels: int,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int] = (1, 1),
    groups: int | None = None,
) -> Reach:
    """After a convolution in `groups` groups, or after pooling, to a map of `size` with `channels` channels.

    When pooling, `groups` is None: every channel for itself.
    """
    if reach.kind != "local":
        return reach
    segments: list[Segment] = []
    if groups is None:
        segments = list(reach.segments)
    else:
        cin, cout = reach.segments[-1].end // groups, channels // groups
        if len(reach.segments) == 1:
            groups, cin, cout = 1, reach.segments[-1].end, channels
        for g in range(groups):
            one = seen_together(between(reach.segments, g * cin, (g + 1) * cin), (g + 1) * cout)
            if one is None:
                return somewhere(reach.axes)
            segments += one

    def moved(field: Field | None) -> Field | None:
        return field and Field(
            field.y.window(size[0], kernel[0], stride[0], padding[0], dilation[0]),
            field.x.window(size[1], kernel[1], stride[1], padding[1], dilation[1]),
        )

    return replace(reach, segments=merged([Segment(s.end, moved(s.field)) for s in segments]))


def join(one: Reach, other: Reach) -> Reach:
    """After adding or multiplying two maps of the same shape, or of one channel and many."""
    for reach, rest in ((one, other), (other, one)):
        if reach.sees_nothing:
            return rest
    if "global" in (one.kind, other.kind):
        return one if one.kind == "global" else other
    if "varies" in (one.kind, other.kind) or one.axes != other.axes:
        return somewhere(one.axes)
    channels = max(one.segments[-1].end, other.segments[-1].end)
    one, other = (mix_channels(r, channels) if r.segments[-1].end == 1 else r for r in (one, other))
    found: list[Segment] = []
    begin = 0
    for end in sorted({s.end for s in one.segments} | {s.end for s in other.segments}):
        both = (*between(one.segments, begin, end), *between(other.segments, begin, end))
        together = seen_together(both, end)
        if together is None:
            return somewhere(one.axes)
        found += together
        begin = end
    return replace(one, segments=merged(found))


def concatenate(reaches: Sequence[Reach], sizes: Sequence[int], dim: int) -> Reach:
    """After concatenating parts of these sizes along axis `dim`; of channels every part keeps its field."""
    for kind in ("global", "varies"):
        for reach in reaches:
            if reach.kind == kind:
                return reach
    seeing = next((reach for reach in reaches if not reach.sees_nothing), reaches[0])
    if seeing.axes[dim] == "C":
        return somewhere(seeing.axes)
    if seeing.axes[dim] != "c":  # a class token among patch tokens: it has seen nothing yet
        return seeing
    found: list[Segment] = []
    begin = 0
    for reach, size in zip(reaches, sizes, strict=True):
        parts = [Segment(size, None)] if reach.sees_nothing else reach.segments
        found += [Segment(begin + s.end, s.field) for s in parts]
        begin += size
    return replace(seeing, segments=merged(found))


def narrow(reach: Reach, dim: int, start: int, stop: int, step: int) -> Reach:
    """After taking the entries start, start + step, ... of one axis."""
    letter = reach.axes[dim]
    if reach.kind != "local" or letter in "-b":
        return reach
    if letter == "c":
        if step != 1:
            return somewhere(reach.axes)
        return replace(reach, segments=between(reach.segments, start, stop))
    if letter not in "yx":
        return reach if letter == "t" else somewhere(reach.axes)

    return _along(reach, letter, lambda span: span.units(start, stop, step))


def pad(reach: Reach, dim: int, before: int, after: int) -> Reach:
    """After zero padding along one axis: rows and columns move, new channels see nothing."""
    if reach.kind != "local" or not (before or after):
        return reach
    letter = reach.axes[dim]
    if letter in "yx":
        return _along(reach, letter, lambda span: span.padded(before))
    if letter != "c":
        return somewhere(reach.axes)
    found = [Segment(before, None)] if before else []
    found += [Segment(before + s.end, s.field) for s in reach.segments]
    if after:
        found.append(Segment(found[-1].end + after, None))
    return replace(reach, segments=merged(found))


def _along(reach: Reach, letter: str, moved: Callable[[Span], Span]) -> Reach:
    """With the spans of rows (y) or columns (x) replaced."""
    segments = []
    for segment in reach.segments:
        field = segment.field
        if field:
            field = Field(moved(field.y), field.x) if letter == "y" else Field(field.y, moved(field.x))
        segments.append(Segment(segment.end, field))
    return replace(reach, segments=tuple(segments))


def permute(reach: Reach, order: Sequence[int], sizes: Sequence[int]) -> Reach:
    """After reordering axes of these sizes. Where parts of the channels change places, so do their fields."""
    axes = "".join(reach.axes[d] for d in order)
    moved = [d for d in order if reach.axes[d] == "C"]
    if moved == sorted(moved):
        return replace(reach, axes=axes)
    count = {d: sizes[d] for d in moved}
    step = {d: prod(n for later, n in count.items() if later > d) for d in moved}
    channels = [0]
    for d in moved:
        channels = [channel + i * step[d] for channel in channels for i in range(count[d])]
    fields = [field for start, last, field in reach.by_channel for _ in range(start, last + 1)]
    found = [Segment(i + 1, fields[channel]) for i, channel in enumerate(channels)]
    return replace(reach, axes=axes, segments=merged(found))


def reshape(reach: Reach, old: Sequence[int], new: Sequence[int]) -> Reach:
    """After a reshape: which axis went where. Rows or columns that are split become windows."""
    axes, kind, segments = "", reach.kind, reach.segments
    for mine, theirs in _factors(old, new):
        letters = "".join(reach.axes[i] for i in mine if old[i] > 1) or (reach.axes[mine[0]] if mine else "-")
        parts = [i for i in theirs if new[i] > 1]
        if len(parts) <= 1:
            letter = _one_axis(letters)
            kind = "varies" if kind == "local" and letter in "wf" else kind
            axes += "".join(letter if i in parts or (not parts and i == theirs[0]) else "-" for i in theirs)
        elif letters == "c":  # heads, shuffled groups: the channel axis in parts
            axes += ("C" if len(segments) > 1 else "c") * len(theirs)
        elif [old[i] for i in mine if old[i] > 1] == [
            new[i] for i in parts
        ]:  # only axes of one unit come or go
            named = iter(letters)
            axes += "".join(next(named) if i in parts else "-" for i in theirs)
        else:
            kind = "varies" if kind == "local" and set(letters) & set("yxtC") else kind
            axes += "w" * len(theirs)
    return Reach(kind, axes, segments if kind == "local" else ())


def _one_axis(letters: str) -> str:
    """What several axes are, read as one."""
    if len(set(letters)) <= 1:
        return letters if len(letters) <= 1 else letters[0].lower()
    if set(letters) <= set("yxt"):
        return "t"
    return "w" if "b" in letters or "w" in letters else "f"


def _factors(old: Sequence[int], new: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """The axes of a reshape in groups of equal size: which old axes became which new ones."""
    groups = []
    i = j = 0
    while i < len(old) or j < len(new):
        mine, theirs = [], []
        if i < len(old):
            mine.append(i)
            i += 1
        if j < len(new):
            theirs.append(j)
            j += 1
        while prod(old[k] for k in mine) != prod(new[k] for k in theirs):
            if prod(old[k] for k in mine) < prod(new[k] for k in theirs):
                mine.append(i)
                i += 1
            else:
                theirs.append(j)
                j += 1
        groups.append((mine, theirs))
    while len(groups) > 1 and not groups[-1][1]:  # trailing axes of one unit belong to the group before
        mine, _ = groups.pop()
        groups[-1][0].extend(mine)
    return groups
