"""Changes to a built network for experiments: other activations, no batch norm, more or less dropout.

They keep every parameter's name, so weights saved from a changed network load into one changed likewise.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from torch import Tensor, nn

from zoo.families.resnet import BasicBlock, Bottleneck
from zoo.families.stochastic_depth import StochasticBlock
from zoo.layers import Residual, StochasticDepth

MAKES: Mapping[str, Callable[[], nn.Module]] = MappingProxyType(
    {
        "relu": nn.ReLU,
        "sigmoid": nn.Sigmoid,
        "tanh": nn.Tanh,
        "leaky": lambda: nn.LeakyReLU(0.1),
        "gelu": nn.GELU,
        "silu": nn.SiLU,
        "identity": nn.Identity,
    }
)
ACTIVATIONS: Mapping[str, str] = MappingProxyType(
    {
        "own": "as the network's paper",
        "relu": "ReLU",
        "sigmoid": "sigmoid",
        "tanh": "tanh",
        "leaky": "leaky ReLU (0.1)",
        "gelu": "GELU",
        "silu": "SiLU",
        "identity": "none",
    }
)
# What is swapped. Gates (sigmoids in squeeze-and-excitation) and softmaxes are no activations in this sense.
SWAPPED = (nn.ReLU, nn.ReLU6, nn.GELU, nn.SiLU, nn.Hardswish, nn.LeakyReLU, nn.Tanh)


class DropoutLinear(nn.Linear):
    """A linear layer whose input is dropped out first: (B, cin) -> (B, cout). Named as the plain one."""

    def __init__(self, linear: nn.Linear, p: float) -> None:
        super().__init__(linear.in_features, linear.out_features, bias=linear.bias is not None, device="meta")
        self.weight = linear.weight
        self.bias = linear.bias
        self.drop = nn.Dropout(p)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.drop(x))


def operate(
    model: nn.Module,
    *,
    activation: str = "own",
    norm: bool = True,
    dropout: float | None = None,
    stochastic_depth: float | None = None,
) -> nn.Module:
    """Change the network in place and return it.

    Without batch norms a convolution keeps what it had: where it has no bias it gets none. Dropout sets every
    dropout that the network has, or else comes before its last linear layer. Stochastic depth sets the
    network's own chances, rising in a line to this one; where it has none, the branches of a residual network
    get some. Raises ValueError with a sentence where the network has nothing that could be changed.
    """
    if activation != "own" and not _replace(model, SWAPPED, lambda _: MAKES[activation]()):
        raise ValueError("This network has no activation that could be swapped.")
    if not norm and not _replace(model, (nn.BatchNorm1d, nn.BatchNorm2d), lambda _: nn.Identity()):
        raise ValueError("This network has no batch norm that could be taken out.")
    if dropout is not None:
        _set_dropout(model, dropout)
    if stochastic_depth is not None:
        _set_stochastic_depth(model, stochastic_depth)
    return model


def _replace(
    model: nn.Module, kinds: tuple[type[nn.Module], ...], make: Callable[[nn.Module], nn.Module]
) -> int:
    """Put another module where one of these kinds stands; how many there were."""
    found = 0
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, kinds):
                setattr(parent, name, make(child).train(child.training))
                found += 1
    return found


def _set_dropout(model: nn.Module, p: float) -> None:
    dropouts = [module for module in model.modules() if isinstance(module, nn.Dropout)]
    for module in dropouts:
        module.p = p
    if dropouts:
        return
    linears = [(name, module) for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    if not linears:
        raise ValueError("This network has no linear layer that dropout could stand before.")
    path, last = linears[-1]
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, DropoutLinear(last, p).train(last.training))


def _set_stochastic_depth(model: nn.Module, p: float) -> None:
    chances = [each for each in model.modules() if isinstance(each, StochasticDepth | StochasticBlock)]
    ends = [] if chances else [end for module in model.modules() if (end := _end_of_branch(module))]
    if not chances and not ends:
        raise ValueError("This network has no branch that stochastic depth could leave out.")
    for at, chance in enumerate(chances, 1):
        if isinstance(chance, StochasticBlock):
            chance.survival = 1 - p * at / len(chances)
        else:
            chance.p = p * at / len(chances)
    for at, end in enumerate(ends, 1):
        end.register_forward_hook(_Dropping(p * at / len(ends)))


def _end_of_branch(module: nn.Module) -> nn.Module | None:
    """What a block does last before it adds its shortcut; None where nothing is added."""
    if isinstance(module, BasicBlock | Bottleneck | Residual) and module.shortcut is not None:
        if isinstance(module, Residual):
            return module.transform
        return module.norm3 if isinstance(module, Bottleneck) else module.norm2
    return None


class _Dropping:
    """Stochastic depth behind a module that has no place for it: a hook, so that no parameter is renamed."""

    def __init__(self, p: float) -> None:
        self._drop = StochasticDepth(p)

    def __call__(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return self._drop.train(module.training)(output)
