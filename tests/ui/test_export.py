"""Tables to take away, against text worked out by hand."""

from ui import export

ROWS = [
    {"Network": "GoogLeNet (as printed)", "Params": 6_998_552, "Top-1, %": None},
    {"Network": r"50% & more_x | ~{a}^2 #1 $\beta$ <3×3>", "Params": 12, "Top-1, %": 71.5},
]


def test_csv() -> None:
    assert export.as_csv(ROWS[:1]) == 'Network,Params,"Top-1, %"\r\nGoogLeNet (as printed),6998552,\r\n'


def test_markdown() -> None:
    assert export.as_markdown(ROWS) == (
        "| Network | Params | Top-1, % |\n"
        "| --- | ---: | ---: |\n"
        "| GoogLeNet (as printed) | 6,998,552 | – |\n"
        r"| 50% & more_x \| ~{a}^2 #1 $\\beta$ <3×3> | 12 | 71.5 |" + "\n"
    )


def test_latex() -> None:
    assert export.as_latex(ROWS) == "\n".join(
        [
            r"\begin{tabular}{lrr}",
            r"\toprule",
            r"Network & Params & Top-1, \% \\",
            r"\midrule",
            r"GoogLeNet (as printed) & 6,998,552 & -- \\",
            r"50\% \& more\_x \textbar{} \textasciitilde{}\{a\}\textasciicircum{}2 \#1 "
            r"\$\textbackslash{}beta\$ \textless{}3$\times$3\textgreater{} & 12 & 71.5 \\",
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )
