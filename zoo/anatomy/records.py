"""What a dissection finds: layers in execution order, the tree of blocks over them, and totals."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod

from torch import nn

from zoo.anatomy.receptive import Reach

FLOAT_BYTES = 4
WEIGHTED = ("conv", "linear")  # the layers a paper counts when it says "ResNet-50"


@dataclass(frozen=True, slots=True)
class Layer:
    """One operation on one image, a module's or a functional one. Sizes leave the batch out."""

    id: str  # unique: the module's path, or "stages.0.0.add" for an operation that a block does itself
    path: str  # the module that ran it
    kind: str  # conv linear matmul norm act softmax pool add concat reshape dropout other
    label: str  # "Conv 7×7 /2"
    inputs: tuple[int, ...]  # positions of the layers it reads; -1 is the image
    shape: tuple[int, ...]  # of the output: (C, H, W), (N, D), ...
    weights: tuple[
        tuple[str, tuple[int, ...]], ...
    ]  # names and shapes of the parameters it is the first to use
    factors: tuple[int, ...]  # whose product is the number of MACs; empty for operations without any
    reach: Reach  # which pixels its outputs see
    reach_formula: str = ""  # how the receptive field grew here, with numbers
    counted: bool = True  # False: an operation that the anatomy does not know

    @property
    def params(self) -> int:
        return sum(prod(shape) for _, shape in self.weights)

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates of convolution, linear layer or matrix product; None where not counted."""
        if not self.counted:
            return None
        return prod(self.factors) if self.factors else 0

    @property
    def activations(self) -> int:
        """Numbers this layer makes: its output, or none where it only rearranges its input."""
        return 0 if self.kind in ("reshape", "dropout") else prod(self.shape)

    @property
    def formula(self) -> str:
        """The count written out: `64 × 3 × 7 × 7 × 112 × 112 = 118,013,952 MACs`."""
        if not self.counted:
            return "not counted: the anatomy does not know this operation"
        if not self.factors:
            return "no multiply-accumulates"
        return f"{' × '.join(f'{n:,}' for n in self.factors)} = {self.macs:,} MACs"

    @property
    def params_formula(self) -> str:
        """The parameters written out: `64 × 3 × 7 × 7 + 64 = 9,472 parameters`."""
        if not self.weights:
            return "no parameters"
        products = (" × ".join(map(str, shape)) or "1" for _, shape in self.weights)
        return f"{' + '.join(products)} = {self.params:,} parameters"


@dataclass(frozen=True)
class Block:
    """A module with what runs inside it, or `repeat` neighbours of one build folded into one."""

    id: str  # the module's path; of folded neighbours "stages.2.1-5"
    label: str  # the last part of the path
    cls: str  # the module's class
    children: tuple["Block | Layer", ...]  # in execution order
    repeat: int = 1

    def layers(self) -> Iterator[Layer]:
        for child in self.children:
            if isinstance(child, Layer):
                yield child
            else:
                yield from child.layers()

    @cached_property
    def params(self) -> int:
        return sum(layer.params for layer in self.layers())

    @cached_property
    def macs(self) -> int:
        return sum(layer.macs or 0 for layer in self.layers())

    @cached_property
    def activations(self) -> int:
        return sum(layer.activations for layer in self.layers())


@dataclass(frozen=True)
class Anatomy:
    """A network taken apart for one image of `input_size` (C, H, W)."""

    input_size: tuple[int, int, int]
    layers: tuple[Layer, ...]
    tree: Block
    classes: Mapping[str, type[nn.Module]]  # of every module, by its path
    params: int  # trainable, of the whole module, whether or not its part has run
    unused: tuple[tuple[str, int], ...]  # parts that did not run: auxiliary heads; parameters

    @cached_property
    def macs(self) -> int:
        return sum(layer.macs or 0 for layer in self.layers)

    @cached_property
    def activations(self) -> int:
        """Numbers made in one forward pass of one image: roughly what training keeps for the way back."""
        return sum(layer.activations for layer in self.layers)

    @property
    def weight_bytes(self) -> int:
        """Size of the parameters in float32."""
        return FLOAT_BYTES * self.params

    def activation_bytes(self, batch: int) -> int:
        """Memory of all outputs in float32 for a batch."""
        return FLOAT_BYTES * self.activations * batch

    @cached_property
    def depth(self) -> int:
        """Convolutions and linear layers on the longest way from the image to the logits."""
        longest: list[int] = []
        for layer in self.layers:
            before = max((longest[i] for i in layer.inputs if i >= 0), default=0)
            longest.append(before + (layer.kind in WEIGHTED))
        return max(longest, default=0)

    @cached_property
    def not_counted(self) -> tuple[Layer, ...]:
        """Operations that the anatomy does not know: their MACs are missing from the total."""
        return tuple(layer for layer in self.layers if not layer.counted)

    @cached_property
    def features(self) -> Layer:
        """The layer whose receptive field a network is known by: the last that sees less than the whole.

        Where convolutions or attention go on after everything has been seen, it is the last of these: its
        reach is then global, or varies.
        """
        spatial = [layer for layer in self.layers if layer.kind in ("conv", "matmul")]
        if spatial and spatial[-1].reach.kind != "local":
            return spatial[-1]
        local = [layer for layer in self.layers if layer.reach.kind == "local" and layer.reach.largest]
        return local[-1] if local else self.layers[-1]
