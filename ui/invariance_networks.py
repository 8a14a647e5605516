"""stub"""

from ui.invariance_study import Study
from viz.invariance import Kind


def render(study: Study, kind: Kind) -> None: ...
