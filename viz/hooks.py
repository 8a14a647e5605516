"""Looking into a network while it runs, and changing what its rectifiers send back.

Networks are shared by many readers at once, so none is ever hooked or put into another mode: the passes here
run through a `shell` of it, a structural copy that shares the numbers and that one pass at a time uses, and
rules of the backward pass are a TorchFunctionMode, which only its own thread sees. Nothing is left behind,
after an error neither.

B images, C channels, H x W pixels, K classes.
"""

import copy
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from zoo.families.lenet import ScaledTanh
from zoo.families.mobilenet_v3 import HardSwish

Rule = Literal["gradient", "deconvnet", "guided"]

RULES: Mapping[Rule, str] = MappingProxyType(
    {
        "gradient": "keeps the signal where the activation was positive on the way up",
        "deconvnet": "keeps the signal where the signal itself is positive",
        "guided": "keeps the signal where both are positive",
    }
)


class UndefinedRuleError(ValueError):
    """A rule for rectifiers was asked of a network that has something else in their place."""


def shell(model: nn.Module) -> nn.Module:
    """A copy of a network's modules in evaluation mode that shares its weights, for hooks and for one thread.

    The weights ask for no gradient in it, and hooks of the original are not taken along.
    """
    shared = {id(tensor): tensor.detach() for tensor in (*model.parameters(), *model.buffers())}
    made: nn.Module = copy.deepcopy(model, dict(shared))
    for module in made.modules():
        for name in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks"):
            getattr(module, name).clear()
    return made.eval()


# Shells that no pass is using, of networks that are still in use: a copy costs up to half a forward pass.
_idle: WeakKeyDictionary[nn.Module, list[nn.Module]] = WeakKeyDictionary()
_lending = threading.Lock()
_KEPT = 8  # idle shells of one network


@contextmanager
def _lent(model: nn.Module) -> Iterator[nn.Module]:
    """A shell that nobody else uses in the meantime. Whoever hooks it takes the hooks away again."""
    with _lending:
        idle = _idle.setdefault(model, [])
        inner = idle.pop() if idle else None
    if inner is None or _numbers(inner) != _numbers(model):
        inner = shell(model)
    yield inner
    with _lending:  # after an error it is not used again
        if len(idle) < _KEPT:
            idle.append(inner)


def _numbers(model: nn.Module) -> list[int]:
    """Where the weights lie. As a shell holds its own, no other tensor can come to lie there."""
    held = (tensors for m in model.modules() for tensors in (m._parameters, m._buffers))
    return [tensor.data_ptr() for tensors in held for tensor in tensors.values() if tensor is not None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Passed:
    """What one forward pass has left: logits (B, K), and the outputs of the modules asked for, by path."""

    logits: Tensor
    outputs: Mapping[str, Tensor]


def observe(
    model: nn.Module,
    images: Tensor,
    paths: Sequence[str] = (),
    changed: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType({}),
) -> Passed:
    """One pass of (B, C, H, W) without gradients, and what the modules at `paths` gave.

    `changed`: what is made of the input of a module, by path, before it computes with it.
    """
    with torch.no_grad():
        return _passed(model, images, paths, lambda output: output, changed)


def differentiable(model: nn.Module, images: Tensor, paths: Sequence[str] = ()) -> Passed:
    """One pass whose graph begins at the earliest of the modules: what lies before it costs no memory.

    Take gradients by `gradients`; where no path is given, or `images` ask for it, the graph begins there.
    """
    with torch.enable_grad():
        return _passed(
            model, images, paths, lambda output: output if output.requires_grad else output.requires_grad_()
        )


def up_to(
    model: nn.Module,
    images: Tensor,
    path: str,
    changed: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType({}),
) -> Tensor:
    """What the module at `path` gives the first time it runs; nothing behind it is computed.

    There is a graph where `images` ask for it, and it begins there. `changed` as in `observe`. Raises as
    `differentiable` does.
    """
    ruling: _Rule | None = getattr(_thread, "ruling", None)
    if ruling and (reason := _other(model)):
        raise UndefinedRuleError(reason)
    with torch.set_grad_enabled(images.requires_grad), _lent(model) as inner:
        output = _reached(inner, images, path, changed=changed)
    if ruling and not ruling.acted and (reason := undefined(model)):
        raise UndefinedRuleError(reason)
    return output


@dataclass(frozen=True, kw_only=True, eq=False)
class Call:
    """A module that holds no others has run: it made `after` of `before`."""

    path: str
    module: nn.Module  # of a copy that others may be using: for its numbers and its forward, not to be called
    before: Tensor
    after: Tensor


def calls_up_to(model: nn.Module, images: Tensor, path: str) -> tuple[tuple[Call, ...], Tensor]:
    """The innermost modules that run until the one at `path` is done, in their order, and what that one gave.

    No gradients. Modules that take or give anything but one tensor are left out. Raises as `differentiable`.
    """
    calls: list[Call] = []

    def watch(path: str) -> Callable[[nn.Module, tuple[object, ...], object], None]:
        def hook(module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
            match inputs, output:
                case (Tensor() as before,), Tensor() as after:
                    calls.append(Call(path=path, module=module, before=before, after=after))

        return hook

    with torch.no_grad(), _lent(model) as inner:
        innermost = [inside for inside, module in inner.named_modules() if not any(module.children())]
        output = _reached(inner, images, path, [(inside, watch(inside)) for inside in innermost])
    return tuple(calls), output


def _reached(
    inner: nn.Module,
    images: Tensor,
    path: str,
    hooks: Iterable[tuple[str, Callable[..., None]]] = (),
    changed: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType({}),
) -> Tensor:
    """What the module at `path` gives the first time it runs, with which the pass ends."""

    def end(module: nn.Module, inputs: object, output: Tensor) -> None:
        raise _Reached(output)

    if path not in dict(inner.named_modules()):
        raise ValueError(_UNKNOWN.format(path))
    try:
        _hooked(inner, images, [*hooks, (path, end)], changed)
    except _Reached as reached:
        if isinstance(reached.output, Tensor):
            return reached.output
        raise ValueError(f"The layer {path!r} puts out more than one tensor.") from None
    raise ValueError(_NO_PART.format(path))


class _Reached(Exception):
    """A pass has come as far as it was to."""

    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self.output = output


_UNKNOWN = "The network has no layer called {!r}."
_NO_PART = "The layer {!r} takes no part in looking at a picture."


def score(logits: Tensor, target: int) -> Tensor:
    """The logit of a class, summed over the images of (B, K); ValueError where there is no such class."""
    return logits[:, known_class(target, logits.shape[1])].sum()


def known_class(target: int, classes: int) -> int:
    """The number of a class; ValueError where a network of so many has none of that number."""
    if not 0 <= target < classes:
        raise ValueError(f"There is no class {target}: the network knows classes 0 to {classes - 1}.")
    return target


def gradients(score: Tensor, inputs: Sequence[Tensor], *, again: bool = False) -> tuple[Tensor, ...]:
    """Gradients of a score, a single number, each in the shape of its input; zero where it does not depend.

    `again`: the graph stays, for another score of the same pass.
    """
    found = torch.autograd.grad(score, list(inputs), retain_graph=again, allow_unused=True)
    return tuple(torch.zeros_like(x) if g is None else g.detach() for x, g in zip(inputs, found, strict=True))


def visit(model: nn.Module, images: Tensor, see: Callable[[str, nn.Module, Tensor], None]) -> Tensor:
    """One pass without gradients that shows path, module and output of each module as soon as it is done.

    Returns the logits (B, K). Modules that give anything but one tensor are not shown, nor the whole network.
    """
    with torch.no_grad(), _lent(model) as inner:

        def watch(path: str) -> Callable[[nn.Module, object, object], None]:
            def hook(module: nn.Module, inputs: object, output: object) -> None:
                if isinstance(output, Tensor):
                    see(path, module, output)

            return hook

        return _hooked(inner, images, [(path, watch(path)) for path, _ in inner.named_modules() if path])


def _passed(
    model: nn.Module,
    images: Tensor,
    paths: Sequence[str],
    kept: Callable[[Tensor], Tensor],
    changed: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType({}),
) -> Passed:
    outputs: dict[str, Tensor] = {}

    def watch(path: str) -> Callable[[nn.Module, object, Tensor], Tensor]:
        def hook(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
            outputs[path] = kept(output)
            return outputs[path]

        return hook

    ruling: _Rule | None = getattr(_thread, "ruling", None)
    if ruling and (reason := _other(model)):
        raise UndefinedRuleError(reason)
    with _lent(model) as inner:
        known = dict(inner.named_modules())
        if unknown := [path for path in (*paths, *changed) if path not in known]:
            raise ValueError(_UNKNOWN.format(unknown[0]))
        logits = _hooked(inner, images, [(path, watch(path)) for path in paths], changed)
    if missing := [path for path in paths if path not in outputs]:
        raise ValueError(_NO_PART.format(missing[0]))
    if ruling and not ruling.acted:
        raise UndefinedRuleError(_NOTHING_TO_RULE)
    return Passed(logits=logits, outputs=outputs)


def _hooked(
    inner: nn.Module,
    images: Tensor,
    hooks: Iterable[tuple[str, Callable[..., Tensor | None]]],
    changed: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType({}),
) -> Tensor:
    """The logits of a pass with these forward hooks, each by its path; the hooks are gone afterwards."""

    def before(change: Callable[[Tensor], Tensor]) -> Callable[[nn.Module, tuple[Tensor]], tuple[Tensor]]:
        return lambda module, inputs: (change(inputs[0]),)

    handles = [inner.get_submodule(path).register_forward_hook(hook) for path, hook in hooks]
    handles += [
        inner.get_submodule(path).register_forward_pre_hook(before(change))
        for path, change in changed.items()
    ]
    try:
        logits: Tensor = inner(images)
    finally:
        for handle in handles:
            handle.remove()
    return logits


@contextmanager
def rule(name: Rule) -> Iterator[None]:
    """What is run inside, by this thread, is differentiated by a rule for its rectifiers.

    deconvnet: Zeiler, Fergus 2013 (arXiv:1311.2901), section 2.1, and what lies around rectifiers likewise:
    contrast normalisation is stepped over; batch norm sends back its scale. guided: Springenberg et al. 2014
    (arXiv:1412.6806), section 3.4. The backward pass may happen outside, later. Raises UndefinedRuleError,
    with a sentence, in the forward pass of a network that has no rectifiers but, say, GELU.
    """
    if name == "gradient":
        yield
        return
    with _Rule(name) as ruling:
        before, _thread.ruling = getattr(_thread, "ruling", None), ruling
        try:
            yield
        finally:
            _thread.ruling = before


_thread = threading.local()  # the rule that it is inside


def undefined(model: nn.Module) -> str | None:
    """Why `deconvnet` and `guided` are not defined for a network, in a sentence; None where they are."""
    has_rectifier = any(isinstance(module, nn.ReLU | nn.ReLU6) for module in model.modules())
    return _other(model) or (None if has_rectifier else _NOTHING_TO_RULE)


def _other(model: nn.Module) -> str | None:
    """What a network has in the place of rectifiers, in a sentence."""
    for module in model.modules():
        for activation in _NO_RECTIFIERS:
            if isinstance(module, activation):
                return _not_for(activation.__name__)
    return None


_NOTHING_TO_RULE = "This network has no rectifier that a rule could act on."


# A gate's sigmoid and attention's softmax are no activations: their true gradient is what every rule sends.
_NO_RECTIFIERS = (
    nn.GELU,
    nn.SiLU,
    nn.Hardswish,
    nn.Tanh,
    nn.LeakyReLU,
    nn.ELU,
    nn.Mish,
    HardSwish,
    ScaledTanh,
)


def _relu(input: Tensor, inplace: bool = False) -> tuple[Tensor, float]:
    return input, float("inf")


def _relu6(input: Tensor, inplace: bool = False) -> tuple[Tensor, float]:
    return input, 6.0


def _hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> tuple[Tensor, float]:
    """nn.ReLU6 is one, from 0 to 6."""
    if min_val:
        raise UndefinedRuleError(_not_for("Hardtanh"))
    return input, max_val


# Function -> from its arguments to its input and the most that it lets through.
_RECTIFIERS: Mapping[Any, Callable[..., tuple[Tensor, float]]] = MappingProxyType(
    dict.fromkeys((F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_), _relu)
    | {F.relu6: _relu6, F.hardtanh: _hardtanh}
)
_OTHERS: Mapping[Any, str] = MappingProxyType(
    {
        F.gelu: "GELU", F.silu: "SiLU", F.hardswish: "Hardswish", F.leaky_relu: "LeakyReLU", F.elu: "ELU",
        F.mish: "Mish", F.tanh: "Tanh", torch.tanh: "Tanh", Tensor.tanh: "Tanh",
    }
)  # fmt: skip


def _not_for(activation: str) -> str:
    return (
        f"Not defined for {activation}: the rules of deconvnet and guided backpropagation say what a "
        "rectifier sends back, and this network has none there."
    )


class _Rule(TorchFunctionMode):
    def __init__(self, name: Rule) -> None:
        super().__init__()
        self._guided = name == "guided"
        self.acted = False  # whether there was a rectifier so far

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if (rectifier := _RECTIFIERS.get(func)) is not None:
            self.acted = True
            x, most = rectifier(*args, **(kwargs or {}))
            return _Rectified.apply(x, most, self._guided)
        if func in _OTHERS:
            raise UndefinedRuleError(_not_for(_OTHERS[func]))
        out = func(*args, **(kwargs or {}))
        if func is F.local_response_norm and not self._guided:
            return args[0] + (out - args[0]).detach()
        return out


class _Rectified(torch.autograd.Function):
    """A rectifier that sends back the positive part of what arrives; guided: only where it was open."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, most: float, guided: bool) -> Tensor:
        ctx.guided = guided
        if guided:
            ctx.save_for_backward((x > 0) & (x < most))
        return x.clamp(0, most)

    @staticmethod
    def backward(ctx: Any, signal: Tensor) -> tuple[Tensor, None, None]:
        signal = signal.clamp(min=0)
        if ctx.guided:
            (was_open,) = ctx.saved_tensors
            signal = signal * was_open
        return signal, None, None
