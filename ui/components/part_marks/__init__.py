"""Pictures with squares that a reader puts on the parts of what they show, by pointer or by keyboard.

It knows nothing of networks. Streamlit takes one script, `part_marks.js`, with one default export.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ui.components import registered

Marks = Sequence[Sequence[tuple[int, int]]]  # a row a picture, a mark a part: thousandths across and down


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One of the pictures."""

    title: str
    src: str  # an address of the kind data:


@dataclass(frozen=True, kw_only=True)
class Part:
    """What is marked on each picture."""

    name: str
    letter: str
    colour: str  # #rrggbb
    ink: str  # of the letter


_component = registered(Path(__file__).parent, "part_marks.js")


def part_marks(
    pictures: Sequence[Picture],
    parts: Sequence[Part],
    marks: Marks,
    *,
    key: str,
    side: float,
    on_mark: Callable[[], None],
) -> None:
    """Draw the pictures with squares of `side`, a share of a picture, around the marks.

    When the reader has come to rest, `on_mark` runs before the page does, and all marks are in
    `st.session_state[key]["marks"]`.
    """
    data = {
        "pictures": [asdict(each) for each in pictures],
        "parts": [asdict(each) for each in parts],
        "marks": marks,
        "side": side,
    }
    _component(key=key, data=data, on_marks_change=on_mark)
