"""The table of proofs says what tests/zoo does, and nothing else."""

import csv
import importlib
import re
from pathlib import Path

import pytest

import zoo
from tests.zoo import test_learning, test_variants
from ui import proof
from ui.proof import KINDS, Proof, matching, proofs
from zoo.anatomy import dissect

ROOT = Path(__file__).parents[2]
PROOFS = list(proofs())


def names(kind: str) -> set[str]:
    return {p.variant.name for p in PROOFS if p.kind == kind}


def parametrized(test: object) -> list[str]:
    """The names that a test of the zoo runs with."""
    (mark,) = (m for m in test.pytestmark if m.name == "parametrize")  # type: ignore[attr-defined]
    return list(mark.args[1])


def test_every_variant_has_one_row() -> None:
    assert [p.variant.name for p in PROOFS] == list(zoo.VARIANTS)
    assert {p.kind for p in PROOFS} <= KINDS.keys()


def test_same_logits_are_those_that_the_tests_compute() -> None:
    """They run every twin, and skip what has too many parameters: those are the siblings' rows."""
    run = set(parametrized(test_variants.test_logits_equal_the_twins))
    assert proof.LARGEST_RUN == test_variants.TOO_LARGE
    assert names("logits") | names("sibling") == run
    skipped = {n for n in run if (p := zoo.VARIANTS[n].published) and p.params > test_variants.TOO_LARGE}
    assert names("sibling") == skipped


def test_counts_of_everything_published_are_checked() -> None:
    published = {name for name, variant in zoo.VARIANTS.items() if variant.published}
    assert set(parametrized(test_variants.test_counts_equal_the_published_ones)) == published
    assert not published & names("learning")


def test_what_only_learns_is_run() -> None:
    assert names("learning") <= set(parametrized(test_learning.test_it_memorises_128_pictures))


OWN = [p for p in PROOFS if p.kind in ("adapted", "table")]


@pytest.mark.parametrize("one", OWN, ids=lambda p: p.variant.name)
def test_what_the_tests_of_a_family_prove_stands_in_them(one: Proof) -> None:
    """By its name, in which a number may be what the test turns: "resnet18" or f"resnet{depth}"."""
    text = (ROOT / one.tests[0]).read_text(encoding="utf-8")
    name = re.sub(r"(\d+)", r"(?:\1|{\\w+})", one.variant.name)
    assert re.search(rf"""["']{name}["']""", text), "its tests do not build it"


@pytest.mark.parametrize("one", PROOFS, ids=lambda p: p.variant.name)
def test_the_tests_that_are_named_exist(one: Proof) -> None:
    assert (ROOT / str(one.row["File"])).is_file()
    for test in one.tests:
        path, _, rest = test.partition("::")
        assert (ROOT / path).is_file()
        if rest:
            function, _, name = rest.rstrip("]").partition("[")
            module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
            assert name in parametrized(getattr(module, function))


def test_known_rows() -> None:
    by = {p.variant.name: p for p in PROOFS}
    assert (by["resnet50"].kind, by["resnet50"].against) == ("logits", "torchvision resnet50")
    assert by["vit_l_16"].kind == "sibling", "304 million parameters"
    assert by["vit_l_16"].against.startswith("torchvision vit_l_16; logits of ViT-B")
    assert by["lenet_classroom"].kind == "learning"
    assert by["resnet50"].row["Parameters"] == 25_557_032
    assert by["resnet50"].row["File"] == "zoo/families/resnet.py"


def test_search_and_filter() -> None:
    found = {p.variant.name for p in matching(PROOFS, "torchvision resnet", ["logits"])}
    assert {"resnet50", "resnet18"} <= found
    assert all("torchvision" in zoo.VARIANTS[n].published.twin for n in found)  # type: ignore[union-attr]
    assert matching(PROOFS, "", []) == PROOFS
    assert matching(PROOFS, "perpetuum mobile", []) == []


def test_what_was_measured(tmp_path: Path) -> None:
    file = tmp_path / "measured.csv"
    assert proof.learned(file) == []
    columns = "variant,params,macs,accuracy,images_seen,steps,seconds"
    file.write_text(f"{columns}\nvgg_classroom,9,8,0.71,640,10,60.0\nresnet_classroom,5,4,0.8123,64,1,60.0\n")
    best, other = proof.learned(file)
    assert (best.name, best.family, best.kind) == ("resnet_classroom", "ResNet", "shortcuts")
    assert best.accuracy == pytest.approx(81.23)
    assert (other.params, other.macs, other.images) == (9, 8, 640)


def test_what_is_shown_as_measured_has_a_source() -> None:
    folder = ROOT / "assets" / "measured"
    if (folder / "classroom_variants.csv").exists():
        text = (folder / "SOURCES.md").read_text(encoding="utf-8")
        assert "classroom_variants.csv" in text
        assert "benchmarks.classroom_variants" in text
        for row in proof.learned():
            assert 0 < row.accuracy < 100
            assert zoo.VARIANTS[row.name].name == row.name


def test_the_measured_table_is_of_the_networks_as_they_are() -> None:
    """A network that has changed since, or a family that is new, has to be measured again."""
    text = (ROOT / "assets" / "measured" / "classroom_variants.csv").read_text(encoding="utf-8")
    rows = {row["variant"]: row for row in csv.DictReader(text.splitlines())}
    assert list(rows) == [family.classroom.name for family in zoo.FAMILIES.values()]
    for name, row in rows.items():
        anatomy = dissect(zoo.skeleton(name), (zoo.VARIANTS[name].channels, 32, 32))
        assert (int(row["params"]), int(row["macs"])) == (anatomy.params, anatomy.macs), name
        assert float(row["accuracy"]) >= 0.6, name
