"""Everything on screen can be taken away: figures as SVG, tables as CSV."""

import csv
import io
from collections.abc import Mapping, Sequence


def picture(name: str) -> dict[str, object]:
    """Settings of a plotly chart whose toolbar has a camera that saves `name`.svg."""
    return {
        "displaylogo": False,
        "modeBarButtonsToRemove": ["select2d", "lasso2d"],
        "toImageButtonOptions": {"format": "svg", "filename": name},
    }


def as_csv(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows of the same columns as CSV, numbers in full, None as an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
