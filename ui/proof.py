"""What proves each network of the zoo, and what the small ones learn: rows, a headline, controls, a table.

Nothing here is claimed by hand. The kind of proof follows from a variant's record, and tests/ui/test_proof.py
holds it against the tests that really run.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType

import pandas as pd
import streamlit as st

from ui import export, prose, state
from viz.figures.learned import Learned
from zoo import FAMILIES, VARIANTS, Variant, family_of

LARGEST_RUN = 150_000_000  # parameters up to which the tests compute a network's logits
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "logits": "Same logits",
        "adapted": "Adapted peer",
        "sibling": "Sibling's logits",
        "table": "Paper's layers",
        "counts": "Counts",
        "learning": "Learning",
    }
)
_TESTS = "tests/zoo/test_variants.py"
_COUNTS, _LOGITS = f"{_TESTS}::test_counts_equal_the_published_ones", f"{_TESTS}::test_logits_equal_the_twins"
_LEARNS = "tests/zoo/test_learning.py::test_it_memorises_128_pictures"
_MEASURED = Path(__file__).parents[1] / "assets" / "measured" / "classroom_variants.csv"


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A network, what it is held against, and the tests that do so."""

    variant: Variant
    kind: str  # of KINDS
    against: str  # the peer, the table or the source of the counts
    tests: tuple[str, ...]  # as pytest names them

    @property
    def family(self) -> str:
        return family_of(self.variant.name).key

    @cached_property
    def row(self) -> dict[str, object]:
        """As the page shows and saves it."""
        row, family = self.variant, family_of(self.variant.name)
        return {
            "Network": state.address("inspect", variant=row.name),
            "Title": row.title,
            "Family": family.title,
            "File": f"zoo/families/{family.key}.py",
            "Proof": KINDS[self.kind],
            "Held against": self.against,
            "Parameters": row.published.params if row.published else None,
            "MACs": row.published.macs if row.published else None,
            "Input, px": row.input_size,
            "Tests": "  ".join(self.tests),
        }

    @cached_property
    def words(self) -> str:
        """Where a search looks."""
        return " ".join(map(str, self.row.values())).casefold()


@cache
def proofs() -> tuple[Proof, ...]:
    """Every variant of the registry, in its order."""
    return tuple(_proof(row) for row in VARIANTS.values())


def _proof(row: Variant) -> Proof:
    known, family = row.published, family_of(row.name)
    own = f"tests/zoo/test_{family.key}.py"
    if not known and row is not family.classroom:  # the app's own, from parts of a published one
        return Proof(variant=row, kind="adapted", against="a peer that its tests adapt", tests=(own,))
    if not known:
        return Proof(variant=row, kind="learning", against="128 pictures", tests=(f"{_LEARNS}[{row.name}]",))
    counts, logits = f"{_COUNTS}[{row.name}]", f"{_LOGITS}[{row.name}]"
    if known.twin and known.params <= LARGEST_RUN:
        return Proof(variant=row, kind="logits", against=_peer(known.twin), tests=(logits, counts))
    if known.twin:
        near = max(
            (p.params, v.name)
            for v in family.variants
            if (p := v.published) and p.twin and p.params <= LARGEST_RUN
        )[1]
        return Proof(
            variant=row,
            kind="sibling",
            against=f"{_peer(known.twin)}; logits of {VARIANTS[near].title}",
            tests=(counts, f"{_LOGITS}[{near}]"),
        )
    if known.adapted:
        return Proof(variant=row, kind="adapted", against=known.adapted, tests=(own, counts))
    if known.table:
        return Proof(variant=row, kind="table", against=f"paper, {known.table}", tests=(own, counts))
    return Proof(variant=row, kind="counts", against=known.source, tests=(counts,))


def _peer(twin: str) -> str:
    return " ".join(twin.split(":", 1))


def headline(found: Sequence[Proof]) -> None:
    """How many networks there are of each kind, and what the kind means."""
    words = prose.words("proof")
    cells = st.grid("auto", min_column_width=280, gap="small")  # three in a row, or one
    for kind, title in KINDS.items():
        with cells.container(border=True, height="stretch", gap="xsmall"):
            st.metric(title, sum(proof.kind == kind for proof in found))
            st.markdown(words[kind])


def search(found: Sequence[Proof]) -> list[Proof]:
    """The controls, and what they leave."""
    left, right = st.columns([3, 4], vertical_alignment="bottom", gap="medium")
    text = left.text_input(
        "Search",
        key="proof.search",
        bind="query-params",
        placeholder="A network, a family, a library: resnet50, RegNet, timm",
        icon=":material/search:",
        live=True,
    )
    kinds = right.pills(
        "Proof",
        list(KINDS),
        format_func=KINDS.__getitem__,
        selection_mode="multi",
        key="proof.kind",
        bind="query-params",
        wrap=True,
    )
    return matching(found, text or "", kinds)


def matching(found: Iterable[Proof], text: str, kinds: Iterable[str]) -> list[Proof]:
    """The proofs whose row has every word of `text` and that are of one of the kinds; no kinds means any."""
    words, kinds = text.casefold().split(), set(kinds)
    return [
        proof
        for proof in found
        if (not kinds or proof.kind in kinds) and all(word in proof.words for word in words)
    ]


def table(found: Sequence[Proof]) -> None:
    """A row for each network, to sort, to open and to save."""
    rows, grouped = [proof.row for proof in found], st.column_config.NumberColumn(format="localized")
    st.dataframe(
        pd.DataFrame(rows).drop(columns=["Title", "Family"]),
        key="proof.rows",
        placeholder="–",
        hide_index=True,
        height=520 if len(rows) > 14 else "auto",
        column_config={
            "Network": st.column_config.LinkColumn(display_text="variant=(.*)", pinned=True),
            "Parameters": grouped,
            "MACs": grouped,
            "Tests": st.column_config.TextColumn(width="large"),
        },
        alt="Every network with its file, what it is held against, and the tests that do so.",
    )
    st.download_button(
        "Save as CSV", export.as_csv(rows), "zoolens-proof.csv", "text/csv", key="proof.csv",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def learned(path: Path = _MEASURED) -> list[Learned]:
    """What the classroom networks reached where it was measured, the best first; none without the file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            Learned(
                name=row["variant"],
                family=family_of(row["variant"]).title,
                kind=family_of(row["variant"]).kind,
                params=int(row["params"]),
                macs=int(row["macs"]),
                accuracy=100 * float(row["accuracy"]),
                images=int(row["images_seen"]),
            )
            for row in csv.DictReader(file)
            if row["variant"] in VARIANTS
        ]
    return sorted(rows, key=lambda row: -row.accuracy)


def learned_table(rows: Sequence[Learned]) -> None:
    """The same as rows, those of families that have not been measured last."""
    measured = {row.family for row in rows}
    grouped = st.column_config.NumberColumn(format="localized")
    shown: list[dict[str, object]] = [
        {
            "Network": state.address("inspect", variant=row.name),
            "Family": row.family,
            "Accuracy, %": row.accuracy,
            "Parameters": row.params,
            "MACs": row.macs,
            "Pictures seen": row.images,
        }
        for row in rows
    ]
    st.dataframe(
        pd.DataFrame(shown),
        key="proof.learned",
        hide_index=True,
        height=520 if len(rows) > 14 else "auto",
        column_config={
            "Network": st.column_config.LinkColumn(display_text="variant=(.*)", pinned=True),
            "Accuracy, %": st.column_config.ProgressColumn(format="%.1f", min_value=0, max_value=100),
            "Parameters": grouped,
            "MACs": grouped,
            "Pictures seen": grouped,
        },
        alt="What every classroom network reached on Fashion-MNIST, with its size.",
    )
    missing = [family.title for family in FAMILIES.values() if family.title not in measured]
    if missing:
        st.caption(f"Not measured yet: {prose.literal(', '.join(missing))}.")
