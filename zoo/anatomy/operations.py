"""What each operation does to shapes, costs and receptive fields: one rule per operation.

A rule has the signature of the torch function it stands for, with the recorder in front. It computes nothing
but sizes: it tells the recorder what happened and returns the tensor, on meta, that the function would have
made. An operation without a rule is recorded as "not counted"; tests treat that as an error.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from zoo.anatomy import receptive
from zoo.anatomy.receptive import Reach

if TYPE_CHECKING:
    from zoo.anatomy.trace import Recorder

Pair: TypeAlias = int | Sequence[int]
Rule: TypeAlias = Callable[..., Tensor | tuple[Tensor, ...]]
AnyRule = TypeVar("AnyRule", bound=Rule)
RULES: dict[object, Rule] = {}


class MapVanishedError(ValueError):
    """A window is larger than the map it slides over: the input is too small for this network."""


def rule(*functions: object) -> Callable[[AnyRule], AnyRule]:
    """Let a rule stand for these torch functions."""

    def put(function: AnyRule) -> AnyRule:
        RULES.update(dict.fromkeys(functions, function))
        return function

    return put


def broadcast(one: Sequence[int], other: Sequence[int]) -> tuple[int, ...]:
    """The shape two shapes broadcast to; ValueError where they do not fit."""
    longer, shorter = (one, other) if len(one) >= len(other) else (other, one)
    padded = (*[1] * (len(longer) - len(shorter)), *shorter)
    if any(a != b and 1 not in (a, b) for a, b in zip(longer, padded, strict=True)):
        sizes = " and ".join(" × ".join(map(str, shape)) for shape in (one, other))
        raise ValueError(f"cannot join maps of {sizes}")
    return tuple(max(a, b) for a, b in zip(longer, padded, strict=True))


def pair(value: Pair) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


def steps(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil: bool = False) -> int:
    """Positions of a window along an axis of `size` pixels, by the rules of torch."""
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    if room < 0 and not (ceil and room > -stride):
        return 0
    out = (room + (stride - 1 if ceil else 0)) // stride + 1
    if ceil and (out - 1) * stride >= size + padding:  # a window may not start in the padding behind
        out -= 1
    return out


def windows(
    x: Tensor,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    ceil: bool = False,
) -> tuple[int, int]:
    height, width = x.shape[-2:]
    out = tuple(
        steps(size, k, s, p, d, ceil)
        for size, k, s, p, d in zip((height, width), kernel, stride, padding, dilation, strict=True)
    )
    if min(out) < 1:
        raise MapVanishedError(
            f"a {height} × {width} map is too small for a window of {kernel[0]} × {kernel[1]} "
            f"with padding {padding[0]}"
        )
    return out[0], out[1]


def growth(before: Reach, kernel: tuple[int, int], dilation: tuple[int, int] = (1, 1)) -> str:
    """How a window widens the field: `7 + (3 − 1) × 4 = 15 px`. Only where it is square and single."""
    if before.kind != "local" or len(before.segments) != 1 or kernel[0] != kernel[1]:
        return ""
    field, k = before.segments[0].field, (kernel[0] - 1) * dilation[0] + 1
    if field is None or field.y != field.x:
        return ""
    size, stride = field.y.size, field.y.stride
    return f"{size} + ({k} − 1) × {stride} = {size + (k - 1) * stride} px"


@rule(torch.conv2d)
def conv2d(
    recorder: "Recorder",
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Tensor:
    cout, cin, *size = weight.shape
    if x.shape[1] != cin * groups:
        raise ValueError(f"expects {cin * groups} channels but gets {x.shape[1]}")
    kernel, stride, dilation = pair(size), pair(stride), pair(dilation)
    padding = pair(padding)
    height, width = windows(x, kernel, stride, padding, dilation)
    name = "Depthwise" if groups == x.shape[1] == cout and groups > 1 else "Conv"
    label = f"{name} {kernel[0]}×{kernel[1]}" + (f" /{stride[0]}" if stride[0] > 1 else "")
    label += f" in {groups} groups" if name == "Conv" and groups > 1 else ""
    reach = recorder.reach(x)
    return recorder.made(
        "conv",
        label,
        (x,),
        (x.shape[0], cout, height, width),
        factors=(cout, cin, *kernel, height, width),
        reach=receptive.slide(reach, (height, width), cout, kernel, stride, padding, dilation, groups),
        reach_formula=growth(reach, kernel, dilation),
    )


@rule(F.linear)
def linear(recorder: "Recorder", x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    out, inputs = weight.shape
    if x.shape[-1] != inputs:
        raise ValueError(f"expects {inputs:,} values but gets {x.shape[-1]:,}")
    positions = prod(x.shape[:-1])  # of one image, so all that leads is positions, or windows of them
    return recorder.made(
        "linear",
        f"Linear {inputs} → {out}",
        (x,),
        (*x.shape[:-1], out),
        factors=(positions, inputs, out) if positions > 1 else (inputs, out),
        reach=receptive.mix_channels(recorder.reach(x), out),
    )


@rule(torch.matmul, Tensor.matmul, torch.bmm, Tensor.bmm)
def matmul(recorder: "Recorder", a: Tensor, b: Tensor) -> Tensor:
    rows, inner = a.shape[-2:]
    if b.shape[-2] != inner:
        raise ValueError(f"cannot multiply {rows} × {inner} by {b.shape[-2]} × {b.shape[-1]}")
    outer = broadcast(a.shape[:-2], b.shape[:-2])
    shape = (*outer, rows, b.shape[-1])
    both = [recorder.reach(t) for t in (a, b) if recorder.knows(t)]
    varies = any(reach.kind == "varies" for reach in both) and not any(
        reach.kind == "global" for reach in both
    )
    return recorder.made(
        "matmul",
        "Matrix product",
        (a, b),
        shape,
        factors=(*(n for n in outer if n > 1), rows, inner, b.shape[-1]),
        reach=receptive.somewhere("w" * len(shape)) if varies else receptive.everywhere(len(shape)),
    )


MULTIPLYING = frozenset(RULES)  # these count, even where they work on parameters only


@rule(F.batch_norm)
def batch_norm(recorder: "Recorder", x: Tensor, *rest: object, **options: object) -> Tensor:
    return recorder.made("norm", "Batch norm", (x,), x.shape, reach=recorder.reach(x))


@rule(F.layer_norm)
def layer_norm(
    recorder: "Recorder", x: Tensor, normalized_shape: Sequence[int], *rest: object, **o: object
) -> Tensor:
    reach = recorder.reach(x)
    mixed = reach if reach.axes[-1] != "c" else receptive.mix_channels(reach, x.shape[-1])
    return recorder.made("norm", "Layer norm", (x,), x.shape, reach=mixed)


@rule(F.local_response_norm)
def local_response_norm(
    recorder: "Recorder", x: Tensor, size: int, *rest: object, **options: object
) -> Tensor:
    # Only neighbouring channels mix. To take all of them is exact where all have the same field, and in every
    # network that uses this norm they have.
    reach = receptive.mix_channels(recorder.reach(x), x.shape[1])
    return recorder.made("norm", "Local response norm", (x,), x.shape, reach=reach)


def activation(label: str) -> Rule:
    def element(recorder: "Recorder", x: Tensor, *rest: object, **options: object) -> Tensor:
        return recorder.made("act", label, (x,), x.shape, reach=recorder.reach(x))

    return element


RULES |= {
    F.relu: activation("ReLU"),
    F.relu6: activation("ReLU6"),
    F.leaky_relu: activation("Leaky ReLU"),
    F.gelu: activation("GELU"),
    F.silu: activation("SiLU"),
    F.hardswish: activation("Hardswish"),
    F.hardsigmoid: activation("Hardsigmoid"),
    torch.sigmoid: activation("Sigmoid"),
    torch.tanh: activation("Tanh"),
    Tensor.clamp: activation("Clamp"),
    torch.clamp: activation("Clamp"),
    Tensor.exp: activation("Exp"),
    Tensor.square: activation("Square"),
    Tensor.pow: activation("Power"),
    Tensor.sqrt: activation("Square root"),
    Tensor.neg: activation("Minus"),
}


@rule(F.hardtanh)
def hardtanh(
    recorder: "Recorder", x: Tensor, min_val: float = -1, max_val: float = 1, inplace: bool = False
) -> Tensor:
    label = "ReLU6" if (min_val, max_val) == (0, 6) else "Hardtanh"
    return recorder.made("act", label, (x,), x.shape, reach=recorder.reach(x))


@rule(F.softmax, torch.softmax, Tensor.softmax)
def softmax(recorder: "Recorder", x: Tensor, dim: int, *rest: object, **options: object) -> Tensor:
    return recorder.made("softmax", "Softmax", (x,), x.shape, reach=recorder.reach(x))


@rule(F.normalize)
def normalize(recorder: "Recorder", x: Tensor, *rest: object, **options: object) -> Tensor:
    return recorder.made("norm", "Unit length", (x,), x.shape, reach=recorder.reach(x))


@rule(F.dropout)
def dropout(
    recorder: "Recorder", x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    return recorder.made("dropout", f"Dropout {p:g}", (x,), x.shape, reach=recorder.reach(x))


def pool(
    recorder: "Recorder",
    name: str,
    x: Tensor,
    kernel: Pair,
    stride: Pair | None,
    padding: Pair,
    dilation: Pair,
    ceil: bool,
) -> Tensor:
    kernel = pair(kernel)
    stride, padding, dilation = pair(stride) if stride else kernel, pair(padding), pair(dilation)
    height, width = windows(x, kernel, stride, padding, dilation, ceil)
    reach = recorder.reach(x)
    label = f"{name} {kernel[0]}×{kernel[1]}" + (f" /{stride[0]}" if stride[0] > 1 else "")
    return recorder.made(
        "pool",
        label,
        (x,),
        (*x.shape[:-2], height, width),
        reach=receptive.slide(reach, (height, width), x.shape[1], kernel, stride, padding, dilation),
        reach_formula=growth(reach, kernel, dilation),
    )


@rule(F.max_pool2d)
def max_pool2d(
    recorder: "Recorder",
    x: Tensor,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    return pool(recorder, "Max pool", x, kernel_size, stride, padding, dilation, ceil_mode)


@rule(F.avg_pool2d)
def avg_pool2d(
    recorder: "Recorder",
    x: Tensor,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    name = "Sum pool" if divisor_override == 1 else "Average pool"
    return pool(recorder, name, x, kernel_size, stride, padding, 1, ceil_mode)


def adaptive_pool(recorder: "Recorder", name: str, x: Tensor, output_size: Pair) -> Tensor:
    size, out = pair(x.shape[-2:]), pair(output_size)
    if out == (1, 1):
        return recorder.made(
            "pool", f"Global {name} pool", (x,), (*x.shape[:-2], 1, 1), reach=receptive.everywhere(4)
        )
    reach = recorder.reach(x)
    if size[0] % out[0] == 0 == size[1] % out[1]:
        each = size[0] // out[0], size[1] // out[1]
        reach = receptive.slide(reach, out, x.shape[1], each, each, (0, 0))
    elif reach.kind == "local":
        reach = receptive.somewhere(reach.axes)
    return recorder.made(
        "pool", f"{name.capitalize()} pool to {out[0]}×{out[1]}", (x,), (*x.shape[:-2], *out), reach=reach
    )


@rule(F.adaptive_avg_pool2d)
def adaptive_avg_pool2d(recorder: "Recorder", x: Tensor, output_size: Pair) -> Tensor:
    return adaptive_pool(recorder, "average", x, output_size)


@rule(F.adaptive_max_pool2d)
def adaptive_max_pool2d(
    recorder: "Recorder", x: Tensor, output_size: Pair, return_indices: bool = False
) -> Tensor:
    return adaptive_pool(recorder, "max", x, output_size)


@rule(F.interpolate)
def interpolate(
    recorder: "Recorder",
    x: Tensor,
    size: Pair | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    *rest: object,
    **options: object,
) -> Tensor:
    if size is None:
        factors = scale_factor if isinstance(scale_factor, Sequence) else (scale_factor or 1,) * 2
        size = [int(n * f) for n, f in zip(x.shape[-2:], factors, strict=True)]
    height, width = pair(size)
    reach = recorder.reach(x)
    if reach.kind == "local" and (height, width) != tuple(x.shape[-2:]):
        reach = receptive.somewhere(reach.axes)  # neighbours share pixels, or skip some: no one stride
    return recorder.made(
        "pool", f"Resize to {height}×{width}, {mode}", (x,), (*x.shape[:-2], height, width), reach=reach
    )


def reduction(word: str) -> Rule:
    """Mean or sum over some axes: over positions a pool that sees everything, over channels no wider view."""

    def reduce(recorder: "Recorder", x: Tensor, dim: Pair | None = None, keepdim: bool = False) -> Tensor:
        given = range(x.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
        dims = {d % x.ndim for d in given}
        shape = tuple(1 if d in dims else n for d, n in enumerate(x.shape) if keepdim or d not in dims)
        reach = recorder.reach(x)
        if any(reach.axes[d] != "c" for d in dims) or keepdim:
            everything = receptive.everywhere(len(shape))
            return recorder.made("pool", f"{word} over the map", (x,), shape, reach=everything)
        mixed = receptive.mix_channels(reach, 1)
        axes = "".join(letter for d, letter in enumerate(reach.axes) if d not in dims)
        reach = Reach(mixed.kind, axes, mixed.segments)
        return recorder.made("pool", f"{word} over channels", (x,), shape, reach=reach)

    return reduce


RULES |= dict.fromkeys((torch.mean, Tensor.mean), reduction("Mean"))
RULES |= dict.fromkeys((torch.sum, Tensor.sum), reduction("Sum"))


def elementwise(label: str) -> Rule:
    """Addition, product, ...: of two maps, or of a map and numbers that do not depend on the image."""

    def join(recorder: "Recorder", a: Tensor | float, b: Tensor | float, *, alpha: float = 1) -> Tensor:
        tensors = [t for t in (a, b) if isinstance(t, Tensor)]
        maps = [t for t in tensors if recorder.knows(t)] or tensors.copy()
        shape = tuple(tensors[0].shape)
        if len(tensors) == 2 and tensors[1].shape != shape:
            shape = broadcast(shape, tensors[1].shape)
        maps.sort(key=lambda t: t.shape != shape)  # the map that is not broadcast comes first
        reaches = [recorder.reach(t) for t in maps]
        reach, *others = [r for r in reaches if not r.sees_nothing] or reaches[:1]
        if len(reach.axes) != len(shape):
            axes = "w" * len(shape)
            reach = receptive.somewhere(axes) if reach.kind == "varies" else receptive.everywhere(len(shape))
        for other in others:
            same = len(other.axes) == len(reach.axes)
            reach = receptive.join(reach, other) if same else receptive.everywhere(len(shape))
        return recorder.made("add", label, (a, b), shape, reach=reach)

    return join


def reversed_(forward: Rule) -> Rule:
    return lambda recorder, a, b: forward(recorder, b, a)


for _name, _label in (("add", "Add"), ("sub", "Subtract"), ("mul", "Multiply"), ("div", "Divide")):
    _join = elementwise(_label)
    RULES |= {
        getattr(torch, _name): _join,
        getattr(Tensor, _name): _join,
        getattr(Tensor, f"{_name}_"): _join,
    }
RULES |= {
    Tensor.__radd__: reversed_(RULES[Tensor.add]),
    Tensor.__rsub__: reversed_(RULES[Tensor.sub]),
    Tensor.__rmul__: reversed_(RULES[Tensor.mul]),
}


@rule(torch.cat)
def cat(recorder: "Recorder", tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    dim %= tensors[0].ndim
    shape = list(tensors[0].shape)
    for other in tensors[1:]:
        rest = [n for d, n in enumerate(other.shape) if d != dim]
        if rest != shape[:dim] + shape[dim + 1 :]:
            sizes = " and ".join(" × ".join(map(str, t.shape[1:])) for t in (tensors[0], other))
            raise ValueError(f"cannot concatenate maps of {sizes}")
        shape[dim] += other.shape[dim]
    reach = receptive.concatenate([recorder.reach(t) for t in tensors], [t.shape[dim] for t in tensors], dim)
    return recorder.made("concat", "Concatenate", tuple(tensors), shape, reach=reach)


@rule(torch.flatten, Tensor.flatten)
def flatten(recorder: "Recorder", x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    start, end = start_dim % x.ndim, end_dim % x.ndim
    return _reshaped(
        recorder, "Flatten", x, (*x.shape[:start], prod(x.shape[start : end + 1]), *x.shape[end + 1 :])
    )


@rule(Tensor.reshape, Tensor.view)
def reshape(recorder: "Recorder", x: Tensor, *shape: int | Sequence[int]) -> Tensor:
    return _reshaped(recorder, "Reshape", x, _sizes(shape))


@rule(torch.reshape)
def reshape_to(recorder: "Recorder", x: Tensor, shape: Sequence[int]) -> Tensor:
    return _reshaped(recorder, "Reshape", x, shape)


@rule(torch.squeeze, Tensor.squeeze)
def squeeze(recorder: "Recorder", x: Tensor, dim: int | None = None) -> Tensor:
    dims = range(x.ndim) if dim is None else (dim % x.ndim,)
    return _reshaped(recorder, "Squeeze", x, [n for d, n in enumerate(x.shape) if not (d in dims and n == 1)])


@rule(torch.unsqueeze, Tensor.unsqueeze)
def unsqueeze(recorder: "Recorder", x: Tensor, dim: int) -> Tensor:
    dim %= x.ndim + 1
    return _reshaped(recorder, "Unsqueeze", x, (*x.shape[:dim], 1, *x.shape[dim:]))


def _sizes(args: Sequence[int | Sequence[int]]) -> list[int]:
    return [n for arg in args for n in (arg if isinstance(arg, Sequence) else (arg,))]


def _reshaped(recorder: "Recorder", label: str, x: Tensor, shape: Sequence[int]) -> Tensor:
    new = list(shape)
    if -1 in new:
        known = prod(n for n in new if n != -1)
        new[new.index(-1)] = x.numel() // known if known else 0
    if prod(new) != x.numel():
        raise ValueError(f"cannot reshape {' × '.join(map(str, x.shape))} to {' × '.join(map(str, shape))}")
    reach = receptive.reshape(recorder.reach(x), x.shape, new)
    return recorder.made("reshape", label, (x,), new, reach=reach)


@rule(torch.permute, Tensor.permute)
def permute(recorder: "Recorder", x: Tensor, *dims: int | Sequence[int]) -> Tensor:
    order = [d % x.ndim for d in _sizes(dims)]
    reach = receptive.permute(recorder.reach(x), order, x.shape)
    return recorder.made("reshape", "Permute", (x,), [x.shape[d] for d in order], reach=reach)


@rule(torch.transpose, Tensor.transpose)
def transpose(recorder: "Recorder", x: Tensor, dim0: int, dim1: int) -> Tensor:
    order = list(range(x.ndim))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    reach = receptive.permute(recorder.reach(x), order, x.shape)
    return recorder.made("reshape", "Transpose", (x,), [x.shape[d] for d in order], reach=reach)


@rule(Tensor.contiguous)
def contiguous(recorder: "Recorder", x: Tensor, *rest: object, **options: object) -> Tensor:
    return x


@rule(torch.roll, Tensor.roll)
def roll(recorder: "Recorder", x: Tensor, shifts: Pair, dims: Pair) -> Tensor:
    reach = recorder.reach(x)
    moved = reach if reach.kind != "local" else receptive.somewhere(reach.axes)
    by = ", ".join(map(str, pair(shifts)))
    return recorder.made("reshape", f"Roll by ({by})", (x,), x.shape, reach=moved)


@rule(F.pad)
def pad(
    recorder: "Recorder", x: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    reach, shape = recorder.reach(x), list(x.shape)
    for i in range(len(pad) // 2):
        dim, before, after = x.ndim - 1 - i, pad[2 * i], pad[2 * i + 1]
        reach = receptive.pad(reach, dim, before, after)
        shape[dim] += before + after
    return recorder.made("reshape", "Pad", (x,), shape, reach=reach)


@rule(Tensor.__getitem__)
def getitem(recorder: "Recorder", x: Tensor, index: object) -> Tensor:
    entries = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in entries:
        i = entries.index(Ellipsis)
        entries[i : i + 1] = [slice(None)] * (x.ndim - len(entries) + 1)
    entries += [slice(None)] * (x.ndim - len(entries))
    reach, shape, axes = recorder.reach(x), [], ""
    for dim, entry in enumerate(entries):
        if isinstance(entry, int):
            start = entry % x.shape[dim]
            reach = receptive.narrow(reach, dim, start, start + 1, 1)
        elif isinstance(entry, slice):
            start, stop, step = entry.indices(x.shape[dim])
            shape.append(len(range(start, stop, step)))
            axes += reach.axes[dim]
            if (start, step) != (0, 1) or stop != x.shape[dim]:
                reach = receptive.narrow(reach, dim, start, stop, step)
        else:  # a tensor or a list of positions
            found = x[index]  # type: ignore[index]
            return recorder.made(
                "reshape", "Look up", (x,), found.shape, reach=receptive.looked_up(reach, found.ndim)
            )
    reach = Reach(reach.kind, axes, reach.segments)
    return recorder.made("reshape", "Slice", (x,), shape, reach=reach)


def _parts(recorder: "Recorder", label: str, x: Tensor, sizes: Sequence[int], dim: int) -> tuple[Tensor, ...]:
    dim, begin, reaches, shapes = dim % x.ndim, 0, [], []
    for size in sizes:
        reaches.append(receptive.narrow(recorder.reach(x), dim, begin, begin + size, 1))
        shapes.append([*x.shape[:dim], size, *x.shape[dim + 1 :]])
        begin += size
    return recorder.made_parts("reshape", label, x, shapes, reaches)


@rule(torch.chunk, Tensor.chunk)
def chunk(recorder: "Recorder", x: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    return split(recorder, x, -(-x.shape[dim] // chunks), dim)


@rule(torch.split, Tensor.split)
def split(recorder: "Recorder", x: Tensor, split_size: Pair, dim: int = 0) -> tuple[Tensor, ...]:
    total = x.shape[dim]
    if isinstance(split_size, int):
        split_size = [min(split_size, total - i) for i in range(0, total, split_size)]
    return _parts(recorder, f"Split in {len(split_size)}", x, split_size, dim)


@rule(torch.unbind, Tensor.unbind)
def unbind(recorder: "Recorder", x: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    dim %= x.ndim
    shape = [n for d, n in enumerate(x.shape) if d != dim]
    parts = [receptive.narrow(recorder.reach(x), dim, i, i + 1, 1) for i in range(x.shape[dim])]
    reaches = [Reach(r.kind, r.axes[:dim] + r.axes[dim + 1 :], r.segments) for r in parts]
    return recorder.made_parts("reshape", f"Split in {len(parts)}", x, [shape] * len(parts), reaches)


@rule(Tensor.expand, Tensor.expand_as)
def expand(recorder: "Recorder", x: Tensor, *sizes: int | Sequence[int] | Tensor) -> Tensor:
    shape = sizes[0].shape if isinstance(sizes[0], Tensor) else _sizes(sizes)  # type: ignore[arg-type]
    reach = recorder.reach(x)
    if len(shape) != x.ndim:
        reach = receptive.everywhere(len(shape))
    full = [n if m == -1 else m for n, m in zip(x.shape[-len(shape) :], shape, strict=False)]
    return recorder.made("reshape", "Expand", (x,), full, reach=reach)
