"""The zoo in the terminal: `python -m zoo` lists families, `python -m zoo resnet50` prints its layers."""

import argparse
import csv
import json
import sys
from collections.abc import Iterator

import zoo
from zoo.anatomy import Anatomy, Layer, dissect

COLUMNS = ("layer", "operation", "output", "parameters", "MACs", "activations", "receptive field")


def row(layer: Layer) -> tuple[str, str, str, int, int | None, int, str]:
    """A layer in the order of COLUMNS; MACs are None where they are not counted."""
    shape = "×".join(map(str, layer.shape))
    return layer.id, layer.label, shape, layer.params, layer.macs, layer.activations, str(layer.reach)


def list_families() -> Iterator[str]:
    """Two lines for each family: its idea, and the names of its variants."""
    for family in zoo.FAMILIES.values():
        yield f"{family.year}  {family.title}: {family.idea}"
        yield "      " + " ".join(variant.name for variant in family.variants)


def table(anatomy: Anatomy) -> Iterator[str]:
    """The layers in columns, numbers to the right."""
    rows = [tuple("not counted" if v is None else f"{v:,}" if isinstance(v, int) else v for v in row(layer))
            for layer in anatomy.layers]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    for line in (COLUMNS, *rows):
        cells = [
            cell.rjust(w) if 3 <= i <= 5 else cell.ljust(w)
            for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def summary(name: str, anatomy: Anatomy) -> Iterator[str]:
    """Source, totals, and what is published for the variant."""
    family, published = zoo.family_of(name), zoo.variant(name).published
    yield f"{zoo.variant(name).title}: {family.paper}, {family.authors}, {family.year}, {family.link}"
    yield f"input {'×'.join(map(str, anatomy.input_size))}, {anatomy.depth} weighted layers deep"
    yield f"parameters {anatomy.params:,}, MACs {anatomy.macs:,} (FLOPs {2 * anatomy.macs:,})"
    for part, params in anatomy.unused:
        yield f"not run at test time: {part}, {params:,} parameters"
    if published:
        yield f"published: {published.params:,} parameters, {published.macs:,} MACs ({published.source})"
    if published and published.top1 is not None:
        top5 = "" if published.top5 is None else f", top-5 {published.top5} %"
        yield f"published: top-1 {published.top1} %{top5} ({published.accuracy_source})"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m zoo", description=__doc__)
    parser.add_argument(
        "variant", nargs="?", help="a variant's name, such as resnet50; without it: list the families"
    )
    parser.add_argument("--size", type=int, help="height and width of the image in pixels")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the layers as JSON")
    form.add_argument("--csv", action="store_true", help="the layers as CSV")
    options = parser.parse_args(arguments)
    if options.variant is None:
        print("\n".join(list_families()))
        return 0
    try:
        variant = zoo.variant(options.variant)
        size = variant.input_size if options.size is None else options.size
        anatomy = dissect(zoo.skeleton(variant.name, input_size=size), (variant.channels, size, size))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if options.csv:
        csv.writer(sys.stdout).writerows([COLUMNS, *map(row, anatomy.layers)])
    elif options.json:
        layers = [dict(zip(COLUMNS, row(layer), strict=True)) for layer in anatomy.layers]
        totals = {"variant": variant.name, "parameters": anatomy.params, "MACs": anatomy.macs}
        print(
            json.dumps(totals | {"input": anatomy.input_size, "layers": layers}, ensure_ascii=False, indent=1)
        )
    else:
        print("\n".join((*table(anatomy), "", *summary(variant.name, anatomy))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
