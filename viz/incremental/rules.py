"""Which operations are local: what they compute of a piece of a map needs only a piece of their inputs."""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from viz.incremental.recording import NotLocalError, Pair, Ref, Step

Run: TypeAlias = Callable[[Sequence[Tensor]], Tensor]
Sides: TypeAlias = int | Sequence[int]
_INFINITE = float("inf")


@dataclass(frozen=True, kw_only=True)
class Local:
    """An operation whose unit u sees `kernel` units of its inputs, from stride * u - before on."""

    run: Run  # windows of the inputs -> box
    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    before: Pair = (0, 0)  # units of padding above and to the left; below 0: units left out there
    border: float = 0.0  # what the padding holds
    space: Pair = (2, 3)  # axes of rows and columns of the output


def local(step: Step, inputs: Sequence[Step], spaces: Sequence[Pair]) -> Local | None:
    """How a step is computed in part if its inputs have rows and columns at these axes; None: it is not."""
    rule = _RULES.get(step.func)
    if rule is None:
        return None
    args, kwargs = step.bound(lambda ref: ref)
    return rule(_Asked(step, inputs, spaces), *args, **kwargs)


@dataclass(frozen=True)
class _Asked:
    step: Step
    inputs: Sequence[Step]
    spaces: Sequence[Pair]

    @property
    def is_map(self) -> bool:
        """Whether the one input is (B, C, H, W)."""
        return len(self.inputs) == 1 and self.spaces[0] == (2, 3) and self.inputs[0].base.ndim == 4


def _conv(
    asked: _Asked, x: Ref, weight: Tensor, bias: Tensor | None = None, stride: Sides = 1,
    padding: Sides | str = 0, dilation: Sides = 1, groups: int = 1,
) -> Local | None:  # fmt: skip
    if not asked.is_map or isinstance(padding, str):
        return None
    strides, apart = _pair(stride), _pair(dilation)
    kernel = _reach(weight.shape[2:], apart)
    return Local(
        run=lambda windows: F.conv2d(windows[0].to(weight.dtype), weight, bias, strides, 0, apart, groups),
        kernel=kernel,
        stride=strides,
        before=_pair(padding),
    )


def _max_pool(
    asked: _Asked, x: Ref, kernel_size: Sides, stride: Sides | None = None, padding: Sides = 0,
    dilation: Sides = 1, ceil_mode: bool = False, return_indices: bool = False,
) -> Local | None:  # fmt: skip
    if not asked.is_map or return_indices:
        return None
    kernel, apart = _pair(kernel_size), _pair(dilation)
    strides = _pair(stride or kernel)
    return Local(
        run=lambda windows: F.max_pool2d(windows[0], kernel, strides, 0, apart),
        kernel=_reach(kernel, apart),
        stride=strides,
        before=_pair(padding),
        border=-_INFINITE,
    )


def _avg_pool(
    asked: _Asked, x: Ref, kernel_size: Sides, stride: Sides | None = None, padding: Sides = 0,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
) -> Local | None:  # fmt: skip
    kernel, before = _pair(kernel_size), _pair(padding)
    strides = _pair(stride or kernel)
    if not asked.is_map:
        return None
    sides = zip(
        *(t.base.shape[2:] for t in (*asked.inputs, asked.step)), kernel, strides, before, strict=True
    )
    hangs_over = any((n - 1) * s + k > side + 2 * p for side, n, k, s, p in sides)
    counts = before == (0, 0) or count_include_pad or divisor_override is not None
    if hangs_over and (before != (0, 0) or divisor_override is not None):
        return None  # the divisor there depends on how far it hangs over

    def run(windows: Sequence[Tensor]) -> Tensor:
        (x,) = windows
        if counts and not hangs_over:
            return F.avg_pool2d(x, kernel, strides, divisor_override=divisor_override)
        inside = F.avg_pool2d((~x[:, :1].isnan()).to(x.dtype), kernel, strides)  # share of the window
        return F.avg_pool2d(x.nan_to_num(0.0), kernel, strides) / inside

    return Local(
        run=run,
        kernel=kernel,
        stride=strides,
        before=before,
        border=0.0 if counts and not hangs_over else float("nan"),
    )


def _pad(
    asked: _Asked, x: Ref, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Local | None:
    if not asked.is_map or mode != "constant" or any(pad[4:]):
        return None
    left, _, top, _ = (*pad, 0, 0)[:4]
    return Local(run=operator.itemgetter(0), before=(top, left), border=value or 0.0)


def _slice(asked: _Asked, x: Ref, index: Any) -> Local | None:
    index = index if isinstance(index, tuple) else (index,)
    if not asked.is_map or not all(isinstance(part, slice) for part in index):
        return None
    cut = (*index, *[slice(None)] * (4 - len(index)))
    rows, columns = (part.indices(n) for part, n in zip(cut[2:], asked.inputs[0].base.shape[2:], strict=True))
    stride = rows[2], columns[2]
    return Local(
        run=lambda windows: windows[0][cut[0], cut[1], :: stride[0], :: stride[1]],
        stride=stride,
        before=(-rows[0], -columns[0]),
    )


def _pointwise(asked: _Asked, *args: Any, **kwargs: Any) -> Local | None:
    """Every output needs the inputs at its own place only."""
    space, ndim = asked.spaces[0], asked.step.base.ndim
    if any(s != space for s in asked.spaces) or any(i.base.ndim != ndim for i in asked.inputs):
        return None
    size = [asked.step.base.shape[axis] for axis in space]
    if any([i.base.shape[axis] for axis in space] != size for i in asked.inputs):
        return None
    for value in (*args, *kwargs.values()):  # what is added must be the same everywhere
        if isinstance(value, Tensor):
            for axis in space:
                own = axis - ndim + value.ndim
                if own >= 0 and value.shape[own] != 1:
                    return None
    return Local(run=asked.step.call, space=space)


def _norm(asked: _Asked, *args: Any, **kwargs: Any) -> Local | None:
    return Local(run=asked.step.call) if asked.is_map else None


def _over_last(asked: _Asked, x: Ref, shape: Any = None, *args: Any, **kwargs: Any) -> Local | None:
    """A linear layer, or a norm over the last axis."""
    last = asked.step.base.ndim - 1
    over_more = asked.step.func is F.layer_norm and len(shape) > 1
    if len(asked.inputs) > 1 or last in asked.spaces[0] or over_more:
        return None
    return Local(run=asked.step.call, space=asked.spaces[0])


def _along(asked: _Asked, x: Any, sizes: Any = None, dim: int = 0, **kwargs: Any) -> Local | None:
    """Cutting channels apart."""
    space = asked.spaces[0]
    axis = kwargs.get("dim", dim) % asked.step.base.ndim
    return Local(run=asked.step.call, space=space) if axis not in space and axis else None


def _join(asked: _Asked, tensors: Sequence[object], dim: int = 0) -> Local | None:
    space = asked.spaces[0]
    axis = dim % asked.step.base.ndim
    if any(s != space for s in asked.spaces) or axis in (0, *space):
        return None
    if not all(isinstance(tensor, Ref) for tensor in tensors):
        return None
    return Local(run=asked.step.call, space=space)


def _transposed(asked: _Asked, x: Ref, first: int, second: int) -> Local | None:
    order = list(range(asked.step.base.ndim))
    order[first], order[second] = order[second], order[first]
    return _permuted(asked, x, order)


def _permuted(asked: _Asked, x: Ref, *dims: Any) -> Local | None:
    order = dims[0] if isinstance(dims[0], list | tuple) else dims
    order = [axis % len(order) for axis in order]
    if order[0] != 0:
        return None
    rows, columns = (order.index(axis) for axis in asked.spaces[0])
    return Local(run=asked.step.call, space=(rows, columns))


def _reshaped(asked: _Asked, x: Ref, *sizes: Any) -> Local | None:
    shape, before = asked.step.base.shape, asked.inputs[0].base
    space = (len(shape) - 2, len(shape) - 1)
    if asked.spaces[0] != (before.ndim - 2, before.ndim - 1) or shape[-2:] != before.shape[-2:]:
        return None
    if shape[:-2].numel() != before.shape[:-2].numel():
        return None
    return Local(
        run=lambda windows: windows[0].reshape(len(windows[0]), *shape[1:-2], *windows[0].shape[-2:]),
        space=space,
    )


_Rule: TypeAlias = Callable[..., Local | None]
_POINTWISE = (
    F.relu, F.relu6, F.leaky_relu, F.elu, F.gelu, F.silu, F.mish, F.hardswish, F.hardsigmoid, F.hardtanh,
    F.softplus, F.sigmoid, F.tanh, F.dropout, torch.relu, torch.sigmoid, torch.tanh, torch.clamp,
    Tensor.relu, Tensor.sigmoid, Tensor.tanh, Tensor.clamp, Tensor.exp, Tensor.square, Tensor.pow,
    Tensor.sqrt, Tensor.neg, Tensor.abs, Tensor.add, Tensor.sub, Tensor.mul, Tensor.div, torch.add, torch.sub,
    torch.mul, torch.div, Tensor.__radd__, Tensor.__rsub__, Tensor.__rmul__, Tensor.__rtruediv__,
    Tensor.contiguous,
)  # fmt: skip
_RULES: dict[object, _Rule] = {
    torch.conv2d: _conv,
    F.max_pool2d: _max_pool,
    F.avg_pool2d: _avg_pool,
    F.pad: _pad,
    Tensor.__getitem__: _slice,
    F.linear: _over_last,
    F.layer_norm: _over_last,
    torch.cat: _join,
    Tensor.transpose: _transposed,
    torch.transpose: _transposed,
    Tensor.permute: _permuted,
    torch.permute: _permuted,
    Tensor.reshape: _reshaped,
    Tensor.view: _reshaped,
    F.batch_norm: _norm,
    F.local_response_norm: _norm,
    torch.chunk: _along,
    Tensor.chunk: _along,
    torch.split: _along,
    Tensor.split: _along,
}
_RULES |= dict.fromkeys(_POINTWISE, _pointwise)


def batched(step: Step) -> Step:
    """The step for any number of pictures: shapes that it has written down for one picture give way.

    Raises NotLocalError where it makes pictures of parts of the picture.
    """
    if step.func not in (Tensor.reshape, Tensor.view, torch.reshape, Tensor.expand):
        return step
    shape = step.base.shape
    if shape[0] != 1:
        raise NotLocalError("The network cuts the picture into parts that it treats as pictures.")
    func = torch.Tensor.expand if step.func is Tensor.expand else torch.Tensor.reshape
    return Step(
        func=lambda x: func(x, len(x), *shape[1:]),
        args=(Ref(step.inputs[0]),),
        kwargs={},
        path=step.path,
        base=step.base,
    )


def laid_out(step: Step, half: bool) -> Step:
    """The step with the weights of a convolution as maps lie here, channels last; `half`: in bfloat16."""
    if step.func is not torch.conv2d:
        return step
    x, weight, *rest = step.args
    weight = weight.contiguous(memory_format=torch.channels_last)
    parts = [
        part.to(torch.bfloat16) if half and isinstance(part, Tensor) else part for part in (weight, *rest)
    ]
    return replace(step, args=(x, *parts))


def convert(step: Step) -> None:
    """Lets the step take what comes: a convolution as its weights are, the head in float32."""
    func = step.func
    if func is torch.conv2d:
        step.func = lambda x, weight, *rest, **named: func(x.to(weight.dtype), weight, *rest, **named)
    elif func in _HEAD:
        step.func = lambda x, *rest, **named: func(x.float(), *rest, **named)


_HEAD = (F.linear, F.adaptive_avg_pool2d, F.adaptive_max_pool2d, torch.mean, Tensor.mean, Tensor.amax)


def _pair(value: Any) -> Pair:
    if isinstance(value, int):
        return value, value
    first, *rest = value
    return first, (rest or [first])[0]


def _reach(kernel: Sequence[int], dilation: Pair) -> Pair:
    height, width = (apart * (k - 1) + 1 for k, apart in zip(kernel, dilation, strict=True))
    return height, width
