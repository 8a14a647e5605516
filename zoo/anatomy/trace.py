"""One forward pass that computes nothing: a network's operations, recorded on the meta device.

A TorchFunctionMode sees every torch function the network calls, in this thread only. Each is answered by its
rule in `operations` without running, so a pass costs what the Python of the network costs. The network itself
is not touched: the pass runs through a shell of it, same classes and attributes, parameters without numbers,
no hooks.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from types import MethodType

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from zoo.anatomy import receptive
from zoo.anatomy.operations import MULTIPLYING, RULES, MapVanishedError
from zoo.anatomy.receptive import Reach
from zoo.anatomy.records import Anatomy, Layer
from zoo.anatomy.tree import grow


class _Reached(Exception):
    """The module that a pass was to go up to has run."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """A module that takes one tensor, which nothing else takes, and makes of it what the next one takes."""

    path: str
    reach: Reach  # of what it takes
    shape: tuple[int, ...]
    source: int = field(compare=False)  # number of the layer that made it; -1: it is the image


class Recorder(TorchFunctionMode):
    """Takes down the layers of one forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.layers: list[Layer] = []
        self.path: list[str] = [""]  # the modules being run, outermost first
        self.classes: dict[str, type[nn.Module]] = {}  # by module path
        self.params = 0
        # By id of a tensor: the layer and the reach of one that depends on the image,
        # and the parameters that one which does not is made of.
        self._known: dict[int, tuple[int, Reach]] = {}
        self._weights: dict[int, tuple[str, ...]] = {}
        self._unclaimed: dict[str, tuple[int, ...]] = {}  # parameters no layer has used yet -> shape
        self._claims: dict[str, tuple[int, ...]] = {}  # parameters used by the operation at hand
        self._ids: dict[str, int] = {}
        self._recording = True  # not while only the shape of some parameters is asked for
        self._alive: list[Tensor] = []  # ids stay unique as long as their tensors live
        self._bares: dict[int, Tensor] = {}  # id of a parameter -> its double on meta
        self.blocks: set[str] = set()  # modules that hold other modules
        self._entered: set[str] = set()
        self._until: str | None = None  # the module behind which nothing is looked at
        self._output: object = None  # what it has put out
        self._links: list[Link] = []
        self._linked: Tensor | None = None  # what the last of them has put out; the image at first

    # What rules ask and tell.

    def knows(self, tensor: Tensor) -> bool:
        """Whether the tensor is the output of a layer, or the image."""
        return id(tensor) in self._known

    def reach(self, tensor: Tensor) -> Reach:
        return self._known[id(tensor)][1] if self.knows(tensor) else receptive.of_no_pixel(tensor.ndim)

    def made(
        self,
        kind: str,
        label: str,
        inputs: Sequence[object],
        shape: Sequence[int],
        *,
        reach: Reach,
        factors: tuple[int, ...] = (),
        reach_formula: str = "",
    ) -> Tensor:
        """Record a layer and return its output, on meta."""
        out = torch.empty(tuple(shape), device="meta")
        if self._recording:
            self._record(kind, label, inputs, (out,), (reach,), factors, reach_formula, True)
        return out

    def made_parts(
        self, kind: str, label: str, x: Tensor, shapes: Sequence[Sequence[int]], reaches: Sequence[Reach]
    ) -> tuple[Tensor, ...]:
        """Record a layer with several outputs, such as a split. Its shape is that of the first."""
        parts = tuple(torch.empty(tuple(shape), device="meta") for shape in shapes)
        if self._recording:
            self._record(kind, label, (x,), parts, reaches, (), "", True)
        return parts

    def _record(
        self,
        kind: str,
        label: str,
        inputs: Sequence[object],
        outputs: Sequence[Tensor],
        reaches: Sequence[Reach],
        factors: tuple[int, ...],
        reach_formula: str,
        counted: bool,
    ) -> None:
        sources = dict.fromkeys(self._known[id(t)][0] for t in inputs if id(t) in self._known)
        path = self.path[-1]
        name = kind if kind in ("matmul", "concat", "pool") else label.split(" ")[0].lower()
        base = f"{path}.{name}".lstrip(".")
        seen = self._ids[base] = self._ids.get(base, 0) + 1
        layer = Layer(
            id=base if seen == 1 else f"{base}_{seen}",
            path=path,
            kind=kind,
            label=label,
            inputs=tuple(sources),
            shape=_of_one_image(outputs[0].shape, reaches[0].axes),
            weights=tuple(self._claims.items()),
            factors=factors,
            reach=reaches[0],
            reach_formula=reach_formula,
            counted=counted,
        )
        self._claims = {}
        for out, reach in zip(outputs, reaches, strict=True):
            self._known[id(out)] = (len(self.layers), reach)
        self._alive.extend(outputs)
        self.layers.append(layer)

    # What torch tells.

    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        kwargs = kwargs or {}
        depends, names = False, list[str]()
        for value in (*args, *kwargs.values()) if kwargs else args:
            for part in value if isinstance(value, list | tuple) else (value,):
                if isinstance(part, Tensor):
                    depends = depends or id(part) in self._known
                    names += self._weights.get(id(part), ())
        if not depends and not (names and func in MULTIPLYING):  # arithmetic on parameters is no layer
            if names and func in RULES:  # a rule finds the shape faster than torch does on meta
                self._recording = False
                out = RULES[func](self, *args, **kwargs)
                self._recording = True
            else:
                out = func(*args, **kwargs)
            if names and isinstance(out, Tensor):
                self._weights[id(out)] = tuple(names)
                self._alive.append(out)
            return out
        known = RULES.get(func)
        if known is None:
            out = func(*args, **kwargs)
            outputs = [t for t in (out if isinstance(out, list | tuple) else (out,)) if isinstance(t, Tensor)]
            if outputs:  # and not a shape, a device, a number of dimensions
                self._claim(names)
                reaches = [receptive.everywhere(t.ndim) for t in outputs]
                self._record("other", func.__name__.strip("_"), args, outputs, reaches, (), "", False)
            return out
        self._claim(names)
        return known(self, *args, **kwargs)

    def _claim(self, names: Iterable[str]) -> None:
        self._claims = {name: self._unclaimed.pop(name) for name in names if name in self._unclaimed}

    # The pass.

    def run(self, model: nn.Module, input_size: tuple[int, int, int]) -> None:
        shell = self._shell(model, "", {})
        image = torch.empty(1, *input_size, device="meta")
        self._known[id(image)] = (-1, receptive.of_image(*input_size))
        self._linked = image
        with torch.no_grad(), self:
            try:
                shell(image)
            except MapVanishedError as error:
                raise MapVanishedError(f"{self._place()}: {error}.") from None
            except ValueError as error:
                raise ValueError(f"{self._place()}: {error}.") from None

    def run_up_to(
        self, model: nn.Module, input_size: tuple[int, int, int], path: str
    ) -> tuple[Reach, tuple[int, ...]]:
        """What the units of the module at `path` see, and the shape of what it puts out."""
        if path not in dict(model.named_modules()):
            raise ValueError(f"The network has no layer called {path!r}.")
        self._until = path
        try:
            self.run(model, input_size)
        except _Reached:
            if isinstance(self._output, Tensor):
                return self.reach(self._output), tuple(self._output.shape)
            raise ValueError(f"The layer {path!r} puts out more than one tensor.") from None
        raise ValueError(f"The layer {path!r} takes no part in looking at a picture.")

    def chain(self) -> tuple[Link, ...]:
        """The modules that the image has passed one after the other, as long as there is but one way."""
        found: list[Link] = []
        for link in self._links:
            takers = [layer.path for layer in self._takers(link.source)]
            if not all(path == link.path or path.startswith(f"{link.path}.") for path in takers):
                break
            found.append(link)
        return tuple(found)

    def _takers(self, source: int) -> Iterable[Layer]:
        return (layer for layer in self.layers if source in layer.inputs)

    def _place(self) -> str:
        return self.path[-1] or "the network"

    def _shell(self, module: nn.Module, path: str, made: dict[int, nn.Module]) -> nn.Module:
        """The module without numbers and hooks, telling this recorder when it runs."""
        if id(module) in made:
            return made[id(module)]
        shell = made[id(module)] = object.__new__(type(module))
        self.classes[path] = type(module)
        self._ids[path] = 1  # no operation of a block may be called as a module is
        if module._modules:
            self.blocks.add(path)
        state = shell.__dict__
        state.update(module.__dict__)
        state["training"] = False
        for hooks in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks"):
            state[hooks] = OrderedDict()
        state["_parameters"] = {name: self._bare(p, path, name) for name, p in module._parameters.items()}
        state["_buffers"] = {
            name: b if b is None or b.is_meta else b.to("meta") for name, b in module._buffers.items()
        }
        prefix = f"{path}." if path else ""
        state["_modules"] = {
            n: m if m is None else self._shell(m, prefix + n, made) for n, m in module._modules.items()
        }
        forward = MethodType(type(module).forward, shell)

        def entered(*args: object, **kwargs: object) -> object:
            self._entered.add(path)
            self.path.append(path)
            before = self._linked
            link = self._link(path, module, args, kwargs)
            if link is not None:
                self._links.append(link)
                self._linked = None  # what is in it is not in the chain
            out = forward(*args, **kwargs)
            self.path.pop()  # not in a finally: after an error the path says where it happened
            if link is not None:
                self._linked = out if isinstance(out, Tensor) else None
                if out is before:  # nothing happens in evaluation mode
                    self._links.pop()
            if path == self._until:
                self._output = out
                raise _Reached
            return out

        state["forward"] = entered
        return shell

    def _link(
        self, path: str, module: nn.Module, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> Link | None:
        """The module that is entered as the next link of the chain, if it is one; sequences are none."""
        if self._linked is None or kwargs or len(args) != 1 or args[0] is not self._linked:
            return None
        if not path or isinstance(module, nn.Sequential):
            return None
        source, reach = self._known[id(self._linked)]
        return Link(path=path, reach=reach, shape=tuple(self._linked.shape), source=source)

    def _bare(self, parameter: nn.Parameter | None, path: str, name: str) -> Tensor | None:
        if parameter is None:
            return None
        bare = self._bares.get(id(parameter))
        if bare is None:
            bare = self._bares[id(parameter)] = parameter.detach().to("meta")
            full = f"{path}.{name}" if path else name
            self._weights[id(bare)] = (full,)
            self._unclaimed[full] = tuple(parameter.shape)
            self.params += parameter.numel()
        return bare

    def unused(self) -> tuple[tuple[str, int], ...]:
        """Parts whose parameters no layer has used, by the largest module that did not run."""
        found: dict[str, int] = {}
        for name, shape in self._unclaimed.items():
            parts = name.split(".")
            prefixes = [".".join(parts[:i]) for i in range(1, len(parts))]
            part = next((prefix for prefix in prefixes if prefix not in self._entered), name)
            found[part] = found.get(part, 0) + prod(shape)
        return tuple(found.items())


def _of_one_image(shape: Sequence[int], axes: str) -> tuple[int, ...]:
    """The shape without the batch axis, wherever it has moved; windows in its place are sizes that count."""
    batch = axes.find("b")
    if batch < 0 and shape[0] == 1:
        batch = 0
    return tuple(n for i, n in enumerate(shape) if i != batch)


def _named(layers: Sequence[Layer], blocks: set[str]) -> tuple[Layer, ...]:
    """A module that is one operation lends it its name; all others are called after module and operation."""
    runs = Counter(layer.path for layer in layers)
    alone = {path for path, n in runs.items() if n == 1 and path not in blocks}
    return tuple(replace(layer, id=layer.path) if layer.path in alone else layer for layer in layers)


def dissect(model: nn.Module, input_size: tuple[int, int, int]) -> Anatomy:
    """Every operation of `model` on one image of `input_size` (channels, height, width), in execution order.

    Nothing is computed and the model is left as it is, so it may be in use elsewhere; it is looked at in
    evaluation mode. An operation without a rule becomes a layer with `counted` False. Raises
    MapVanishedError, naming the layer, where the input is too small, and ValueError where sizes do not fit.
    """
    if min(input_size) < 1:
        size = " × ".join(map(str, input_size))
        raise MapVanishedError(f"An image of {size} is too small: it has no pixels.")
    recorder = Recorder()
    recorder.run(model, input_size)
    layers = _named(recorder.layers, recorder.blocks)
    return Anatomy(
        input_size=input_size,
        layers=layers,
        tree=grow(recorder.classes, layers),
        classes=recorder.classes,
        params=recorder.params,
        unused=recorder.unused(),
    )


def reach_of(model: nn.Module, input_size: tuple[int, int, int], path: str) -> tuple[Reach, tuple[int, ...]]:
    """Which pixels of an image of `input_size` the units see that the module at `path` puts out; its shape.

    As `dissect`, but nothing behind the module is looked at, so sizes need not fit there. ValueError where
    there is no such module, or it puts out more than one tensor.
    """
    reach, shape, _ = way_to(model, input_size, path)
    return reach, shape


def way_to(
    model: nn.Module, input_size: tuple[int, int, int], path: str
) -> tuple[Reach, tuple[int, ...], tuple[Link, ...]]:
    """`reach_of`, and the modules that the image passes one after the other up to there.

    They end where the way branches, or at the module that holds the one at `path`.
    """
    recorder = Recorder()
    reach, shape = recorder.run_up_to(model, input_size, path)
    return reach, shape, recorder.chain()


def smallest_input(fits: Callable[[int], None], largest: int) -> int | None:
    """Side of the smallest square image, at most `largest`, that `fits` accepts; None if it accepts none.

    `fits` raises MapVanishedError for what is too small.
    """
    low, high = 0, largest + 1  # low fails, high is not known to
    while high - low > 1:
        middle = (low + high) // 2
        try:
            fits(middle)
            high = middle
        except MapVanishedError:
            low = middle
    return high if high <= largest else None
