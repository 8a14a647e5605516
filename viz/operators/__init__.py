"""The operators that networks are built of, each as a walk with real numbers over a small real picture."""

from types import MappingProxyType

from viz.operators import attention, convolution, pooling, shortcuts
from viz.operators.records import Choice, Cost, Made, Operator, Panel, Step, Taken, Turn, Walk

_OPERATORS = (
    *convolution.OPERATORS,
    *pooling.OPERATORS,
    *shortcuts.OPERATORS,
    *attention.OPERATORS,
)
OPERATORS = MappingProxyType({operator.key: operator for operator in _OPERATORS})

__all__ = ["OPERATORS", "Choice", "Cost", "Made", "Operator", "Panel", "Step", "Taken", "Turn", "Walk"]
