"""Everything on screen can be taken away: figures as SVG, tables as CSV, Markdown or LaTeX."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence


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


_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
        "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}",
        ">": r"\textgreater{}", "|": r"\textbar{}", "×": r"$\times$", "−": "$-$", "–": "--", "…": r"\ldots{}",
    }
)  # fmt: skip


def as_markdown(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows of the same columns as a table in Markdown, numbers to the right with commas, None as a dash."""
    head = [_piped(column) for column in rows[0]]
    lines = [head, ["---:" if right else "---" for right in _numbers(rows)]]
    lines += [[_piped(_cell(value)) for value in row.values()] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def as_latex(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows of the same columns as a tabular with booktabs' rules, numbers to the right, None as a dash."""
    columns = "".join("r" if right else "l" for right in _numbers(rows))
    lines = [f"\\begin{{tabular}}{{{columns}}}", "\\toprule", _row(rows[0]), "\\midrule"]
    lines += [_row([_cell(value) for value in row.values()]) for row in rows]
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])


def _numbers(rows: Sequence[Mapping[str, object]]) -> list[bool]:
    """Of every column whether it holds numbers."""
    return [all(isinstance(row[column], int | float | None) for row in rows) for column in rows[0]]


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _piped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|")


def _row(texts: Iterable[str]) -> str:
    return " & ".join(text.translate(_LATEX) for text in texts) + r" \\"
