"""One forward pass taken down: the operations that depend on the picture, with their outputs."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from viz import hooks, layers

Pair: TypeAlias = tuple[int, int]


class NotLocalError(ValueError):
    """The network is not of the kind that can be computed again in part; the sentence says why."""


@dataclass(frozen=True)
class Ref:
    """Stands for the output of a step among recorded arguments."""

    step: int


@dataclass(kw_only=True, eq=False)
class Step:
    """An operation of the recorded pass."""

    func: Callable[..., Any]
    args: tuple[Any, ...]  # with a Ref for what depends on the picture
    kwargs: dict[str, Any]
    path: str  # of the module that ended next: the one that ran it, or one that it was for
    base: Tensor  # the output for the picture itself
    part: int | None = None  # of an operation with several outputs
    inputs: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.inputs = tuple(dict.fromkeys(_refs((self.args, tuple(self.kwargs.values())))))

    def call(self, values: Sequence[Tensor]) -> Tensor:
        """The operation on other inputs, in the order of `inputs`."""
        given = dict(zip(self.inputs, values, strict=True))
        args, kwargs = self.bound(lambda ref: given[ref.step])
        out = self.func(*args, **kwargs)
        return out if self.part is None else out[self.part]

    def bound(self, value: Callable[[Ref], object]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with something in place of each Ref."""
        return _filled(self.args, value), {name: _filled(v, value) for name, v in self.kwargs.items()}


def _refs(value: object) -> Iterator[int]:
    if isinstance(value, Ref):
        yield value.step
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _refs(part)


def _filled(value: Any, by: Callable[[Ref], object]) -> Any:
    if isinstance(value, Ref):
        return by(value)
    if isinstance(value, list | tuple) and not isinstance(value, torch.Size):
        return type(value)(_filled(part, by) for part in value)
    return value


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """What a pass has left: the steps in their order, the picture first, and what came out."""

    logits: Tensor  # (1, K)
    path: str  # of the layer that was asked for
    output: Tensor  # of that layer
    steps: list[Step]
    layer: int  # the step with this output
    answer: int  # the step whose output are the logits
    why: str = ""  # the steps cannot be repeated


def record(model: nn.Module, image: Tensor, path: str | None) -> Recording:
    """A pass of a network over (1, C, H, W), batch norms folded into the convolutions before them.

    `path` of the layer; None: the one that `layers.best` advises. Raises ValueError where no module there
    puts out a tensor.
    """
    recorder = _Recorder(image)
    outputs = list[tuple[str, nn.Module, Tensor]]()

    def see(at: str, module: nn.Module, output: Tensor) -> None:
        recorder.ends(at)
        outputs.append((at, module, output))

    with recorder:
        logits = hooks.visit(model, image, see)
    if path is None:
        watch = layers.Watch()
        for each in outputs:
            watch.see(*each)
        path = watch.best(layers.family_of(model), logits.shape[1]).path
    found = [output for at, _, output in outputs if at == path]
    if not found:
        raise ValueError(f"The network has no layer called {path!r} that puts out something for a picture.")
    steps, output = recorder.steps, found[-1]
    at, answer = recorder.step_of(output), recorder.step_of(logits)
    if at is None or answer is None or recorder.changed():
        why = "It changes its maps in place." if recorder.changed() else "Its answer is always the same."
        return Recording(logits=logits, path=path, output=output, steps=[], layer=0, answer=0, why=why)
    return _folded(Recording(logits=logits, path=path, output=output, steps=steps, layer=at, answer=answer))


class _Recorder(TorchFunctionMode):
    def __init__(self, image: Tensor) -> None:
        super().__init__()
        self.steps = [Step(func=lambda: image, args=(), kwargs={}, path="the picture", base=image)]
        self._known = {id(image): 0}  # ids stay unique, as the steps hold their tensors
        self._versions = [image._version]

    def ends(self, path: str) -> None:
        """A module has run: what was done since another ended is its work, or is done for it."""
        for step in reversed(self.steps):
            if step.path:
                break
            step.path = path

    def step_of(self, tensor: Tensor) -> int | None:
        """The step that has put out a tensor."""
        return self._known.get(id(tensor))

    def changed(self) -> bool:
        """Whether an output has been changed since it was put out."""
        return any(step.base._version != v for step, v in zip(self.steps, self._versions, strict=True))

    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        outputs = out if isinstance(out, list | tuple) else (out,)
        given = {name: self._referred(value) for name, value in kwargs.items()}
        step_args = self._referred(args)
        if not any(True for _ in _refs((step_args, tuple(given.values())))):
            return out
        for part, tensor in enumerate(outputs):
            if isinstance(tensor, Tensor) and id(tensor) not in self._known:  # dropout may return its input
                self._known[id(tensor)] = len(self.steps)
                self._versions.append(tensor._version)
                self.steps.append(
                    Step(
                        func=func,
                        args=step_args,
                        kwargs=given,
                        path="",
                        base=tensor,
                        part=None if outputs is not out else part,
                    )
                )
        return out

    def _referred(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return Ref(self._known[id(value)]) if id(value) in self._known else value
        if isinstance(value, list | tuple) and not isinstance(value, torch.Size):
            return type(value)(self._referred(part) for part in value)
        return value


def _folded(recording: Recording) -> Recording:
    """Batch norms become part of the convolutions before them, where nobody else reads these."""
    users = Counter(source for step in recording.steps for source in step.inputs)
    steps, at = list[Step](), dict[int, int]()
    for i, step in enumerate(recording.steps):
        source = step.inputs[0] if step.inputs else i
        before = recording.steps[source]
        if (
            step.func is F.batch_norm
            and before.func is torch.conv2d
            and users[source] == 1
            and source != recording.layer
        ):
            steps[at[source]] = _with_norm(steps[at[source]], step)
            at[i] = at[source]
            continue
        at[i] = len(steps)
        args, kwargs = step.bound(lambda ref: Ref(at[ref.step]))
        steps.append(
            Step(func=step.func, args=args, kwargs=kwargs, path=step.path, base=step.base, part=step.part)
        )
    return replace(recording, steps=steps, layer=at[recording.layer], answer=at[recording.answer])


def _with_norm(conv: Step, norm: Step) -> Step:
    def parts(x: Ref, mean: Tensor, variance: Tensor, weight: Tensor | None = None,
              bias: Tensor | None = None, training: bool = False, momentum: float = 0.1,
              eps: float = 1e-5) -> tuple[Tensor, Tensor]:  # fmt: skip
        factor = torch.rsqrt(variance + eps) * (1 if weight is None else weight)
        return factor, (0 if bias is None else bias) - mean * factor

    def folded(x: Ref, weight: Tensor, bias: Tensor | None = None, *rest: Any, **named: Any) -> Step:
        shifted = shift if bias is None else shift + bias * factor
        return Step(
            func=conv.func,
            args=(x, weight * factor.reshape(-1, 1, 1, 1), shifted, *rest),
            kwargs=named,
            path=conv.path,
            base=norm.base,
        )

    factor, shift = parts(*norm.args, **norm.kwargs)
    return folded(*conv.args, **conv.kwargs)
