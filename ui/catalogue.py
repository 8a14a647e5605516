"""The registry as the Gallery shows it: an entry for each family, how to search them, and in which order."""

import csv
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median_high
from types import MappingProxyType
from urllib.parse import quote

from ui import state
from viz.figures.history import Winner
from viz.figures.miniature import miniature
from viz.figures.signatures import signature
from viz.figures.timeline import Point
from zoo import FAMILIES, KINDS, Family, Variant

HUMAN = 5.1  # top-5 error, %: one trained person, 1,500 images (assets/history/SOURCES.md)
_HISTORY = Path(__file__).parents[1] / "assets" / "history" / "ilsvrc.csv"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A family in the Gallery."""

    key: str
    title: str
    year: int
    kind: str
    paper: str
    authors: str
    idea: str
    parents: tuple[str, ...]
    points: tuple[Point, ...]  # its published variants
    opens: str  # the variant that its card leads to
    smallest: int  # parameters
    largest: int
    picture: str  # its block as a data URI
    words: str  # where a search looks
    names: Mapping[str, str]  # variant -> its part of `words`

    @property
    def best(self) -> float | None:
        """The highest published top-1 accuracy, percent."""
        return max((p.at["top1"] for p in self.points if "top1" in p.at), default=None)


ORDERS: Mapping[str, Callable[[Entry], tuple[float | str, ...]]] = MappingProxyType(
    {
        "Oldest first": lambda e: (e.year, e.key),
        "Newest first": lambda e: (-e.year, e.key),
        "By name": lambda e: (e.title.casefold(),),
        "Fewest parameters": lambda e: (e.smallest,),
        "Most accurate": lambda e: (-(e.best or 0.0), e.year),
    }
)


def entries() -> tuple[Entry, ...]:
    """All families, in the order of the registry."""
    return tuple(_entry(family) for family in FAMILIES.values())


def representative(family: Family) -> Variant:
    """The variant to begin with.

    Of those that have published weights and a figure printed in the paper, the one in the middle by MACs.
    Where there is none, the first published row: the files begin with the network as the paper prints it.
    """
    rows = [(v, v.published) for v in family.variants if v.published]
    known = {
        published.macs: row
        for row, published in reversed(rows)  # of equal ones the first stays
        if row.weights and any(figure.source.startswith("paper") for figure in published.printed)
    }
    return known[median_high(known)] if known else rows[0][0]


def descent(found: Sequence[Entry]) -> list[tuple[str, str]]:
    """Who grew from whom: pairs of titles, parent and child."""
    titles = {e.key: e.title for e in found}
    return [(titles[parent], e.title) for e in found for parent in e.parents if parent in titles]


def kin(pairs: Iterable[tuple[str, str]], family: str) -> list[tuple[str, str]]:
    """Of pairs (parent, child), those on all ways that led to a family, and those to its own children."""
    pairs, line = list(pairs), {family}
    for _ in pairs:  # as often as the longest way can be
        line |= {parent for parent, child in pairs if child in line}
    return [(parent, child) for parent, child in pairs if child in line or parent == family]


def winners() -> tuple[Winner, ...]:
    """The best entries of the ImageNet challenge, by year."""
    with _HISTORY.open(encoding="utf-8", newline="") as file:
        return tuple(
            Winner(
                year=int(row["year"]),
                team=row["team"],
                network=row["network"],
                error=float(row["error"]),
                source=row["source"],
            )
            for row in csv.DictReader(file)
        )


def rows(found: Iterable[Entry]) -> list[dict[str, object]]:
    """All published networks with the figures that the timeline draws, each with its address in the app."""
    return [
        {
            "Network": state.address("inspect", variant=point.name),
            "Family": entry.title,
            "Kind": entry.kind,
            "Year": int(point.at["year"]),
            "Parameters": int(point.at["params"]),
            "MACs": int(point.at["macs"]),
            "Top-1, %": point.at.get("top1"),
            "Accuracy": point.accuracy,
        }
        for entry in found
        for point in entry.points
    ]


def matching(
    found: Iterable[Entry],
    *,
    text: str = "",
    kinds: Iterable[str] = (),
    years: tuple[float, float] = (0, 9999),
    params: tuple[float, float] = (0, float("inf")),
) -> list[Entry]:
    """The entries that contain every known word of `text`, are of one of the kinds and lie in both ranges.

    No kinds at all means any. A family lies in a range of parameters if one of its published variants does.
    An entry that was found by the name of a variant opens that variant.
    """
    found, kinds = list(found), set(kinds)
    words = _plain(text).split()
    places = [places for word in words if (places := _places(found, word))]
    if words and not places:
        return []
    return [
        replace(e, opens=_named(e, words)) if words else e
        for e in found
        if all(e.key in place for place in places)
        and (not kinds or e.kind in kinds)
        and years[0] <= e.year <= years[1]
        and any(params[0] <= p.at["params"] <= params[1] for p in e.points)
    ]


def unknown(found: Sequence[Entry], text: str) -> list[str]:
    """The words of a search that no entry has, such as first names. A search leaves them out."""
    return [word for word in text.split() if not _places(found, _plain(word))]


def _places(found: Iterable[Entry], word: str) -> set[str]:
    """The entries that contain a word anywhere, or one of two letters ("He") as a whole if there are such."""
    anywhere = [e for e in found if word in e.words]
    whole = [e for e in anywhere if len(word) <= 2 and word in re.split(r"[\W_]+", e.words)]
    return {e.key for e in whole or anywhere}


def _named(entry: Entry, words: Sequence[str]) -> str:
    """The variant whose name has the most of these words; of equals the representative, else the shortest."""

    def fit(name: str) -> tuple[int, bool, int]:
        return sum(word in entry.names[name] for word in words), name == entry.opens, -len(name)

    return max(entry.names, key=fit)


def _plain(text: str) -> str:
    """Small letters without accents: a search for "dollar" finds Dollár."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _entry(family: Family) -> Entry:
    points = tuple(_point(family, v) for v in family.variants if v.published)
    sizes = [v.published.params for v in family.variants if v.published]
    names = {v.name: _plain(f"{v.name} {v.title}") for v in family.variants}
    about = (family.title, str(family.year), family.paper, family.authors, family.idea)
    words = " ".join((*about, family.kind, KINDS[family.kind], *names.values()))
    alt = f"The block of {family.title}"
    picture = miniature(signature(family.key, family.kind), alt)
    return Entry(
        key=family.key,
        title=family.title,
        year=family.year,
        kind=family.kind,
        paper=family.paper,
        authors=family.authors,
        idea=family.idea,
        parents=family.parents,
        points=points,
        opens=representative(family).name,
        smallest=min(sizes),
        largest=max(sizes),
        picture="data:image/svg+xml," + quote(picture, " /:='(),;"),
        words=_plain(words),
        names=names,
    )


def _point(family: Family, row: Variant) -> Point:
    assert row.published
    at: dict[str, float] = {
        "year": row.year or family.year,
        "params": row.published.params,
        "macs": row.published.macs,
    }
    accuracy = "No accuracy on ImageNet was published."
    if row.published.top1 is not None:
        at["top1"] = row.published.top1
        top5 = "" if row.published.top5 is None else f", top-5 {row.published.top5:.2f} %"
        accuracy = f"Top-1 {row.published.top1:.2f} %{top5}: {row.published.accuracy_source}"
    return Point(
        name=row.name, title=row.title, family=family.title, kind=family.kind, at=at, accuracy=accuracy
    )
