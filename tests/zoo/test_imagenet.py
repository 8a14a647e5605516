"""ImageNet weights of others: read by name, laid by position, with the pictures that they want.

Torchvision's files are played by its own networks with random weights, in the forms that the real ones have.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.models import get_model, get_weight

import zoo
from tests.serving import Site, serving
from tests.zoo.twins import shake
from zoo import Specimen, fetch, imagenet
from zoo.registry import WithoutNumbers

PHOTOS = sorted((Path(__file__).parents[2] / "assets" / "photos").glob("*.[jp][pn]g"))
OFFERED = imagenet.offered()[1:]
SMALLEST = [  # with such weights, of each family
    min((row.name for row in family.variants if row.weights), key=imagenet.size)
    for family in zoo.FAMILIES.values()
    if any(row.weights for row in family.variants)
]
HALF_PRECISION = ("wide_resnet50_2", "wide_resnet101_2")
HALVES = ("googlenet", "inception_v3")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where weights lie that were downloaded: nothing of anybody's."""
    monkeypatch.setenv("ZOOLENS_DATA", str(tmp_path / "data"))
    place = tmp_path / "data" / "weights"
    place.mkdir(parents=True)
    return place


def photo(width: int, height: int) -> Image.Image:
    with Image.open(PHOTOS[0]) as image:
        return image.convert("RGB").resize((width, height))


def reference(name: str) -> nn.Module:
    """Torchvision's network of a variant, as it is with published weights, but these are random."""
    twin = imagenet._entry(name).twin
    options = {"init_weights": False, "transform_input": True} if twin in HALVES else {}
    model: nn.Module = get_model(twin, weights=None, **options).eval()
    shake(model)
    return model


def test_all_that_have_a_twin_with_weights_are_offered() -> None:
    assert imagenet.offered()[0] == "efficientnet_lite0"
    assert len(OFFERED) == 76
    for name in OFFERED:
        row = zoo.variant(name)
        assert row.published
        assert row.published.twin.startswith("torchvision:")
        weights = get_weight(row.weights)
        entry = imagenet._entry(name)
        assert entry.url == weights.url
        assert imagenet._DIGEST.search(entry.file), "without a checksum nothing is downloaded"
        assert tuple(weights.meta["categories"]) == imagenet.labels()
        number = 2 if name in HALF_PRECISION else 4  # bytes
        assert abs(imagenet.size(name) / number / row.published.params - 1) < 0.06, name
        assert not imagenet.available(name)
    assert imagenet.available("efficientnet_lite0")


@pytest.mark.parametrize("name", OFFERED)
def test_pictures_are_prepared_as_torchvision_does(name: str) -> None:
    weights, ours = get_weight(zoo.variant(name).weights), imagenet.preprocess(name)
    for image in (photo(500, 375), photo(230, 701)):
        theirs = weights.transforms()(image)[None]
        if name in ("googlenet_tv", "inception_v3"):  # what the network does then with `transform_input`
            mean, deviation = (
                torch.tensor(v).reshape(3, 1, 1)
                for v in (weights.transforms().mean, weights.transforms().std)
            )
            theirs = (theirs * deviation + mean - 0.5) / 0.5
        torch.testing.assert_close(ours(image), theirs, rtol=0, atol=2e-6)


@pytest.mark.parametrize("name", SMALLEST)
def test_every_tensor_finds_a_place_of_its_shape(name: str) -> None:
    twin = imagenet._entry(name).twin
    with WithoutNumbers(torch.empty):
        theirs = get_model(twin, weights=None, **({"init_weights": False} if twin in HALVES else {}))
    ordered = imagenet._in_our_order(name, twin, theirs.state_dict())
    assert [t.shape for t in ordered] == [t.shape for t in zoo.skeleton(name).state_dict().values()]


def as_saved(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return state


def backwards(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same in another order."""
    return dict(reversed(state.items()))


def before_counters(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """As before batch norms counted their batches."""
    return {key: tensor for key, tensor in state.items() if not key.endswith("num_batches_tracked")}


def before_dots_were_forbidden(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """As DenseNet's files are: "norm.1"."""
    renamed = {}
    for key, tensor in before_counters(state).items():
        for part in ("norm", "conv"):
            for number in "12":
                if "denselayer" in key:
                    key = key.replace(f".{part}{number}.", f".{part}.{number}.")
        renamed[key] = tensor
    assert renamed.keys() != state.keys()
    return renamed


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("resnet18", as_saved),
        ("resnet18", before_counters),
        ("densenet121", before_dots_were_forbidden),
        ("googlenet_tv", backwards),
        ("inception_v3", before_counters),
        ("squeezenet1_1", as_saved),
        ("mobilenet_v3_small", as_saved),
        ("shufflenet_v2_x0_5", before_counters),
        ("mnasnet0_5", as_saved),
        ("regnet_y_400mf", as_saved),
        ("efficientnet_b0", as_saved),
        pytest.param("swin_t", as_saved, marks=pytest.mark.slow),
        pytest.param("swin_v2_t", as_saved, marks=pytest.mark.slow),
        pytest.param("convnext_tiny", as_saved, marks=pytest.mark.slow),
        pytest.param("vit_b_32", as_saved, marks=pytest.mark.slow),
    ],
)
def test_a_photo_gets_torchvisions_logits(
    name: str, form: Callable[[dict[str, Tensor]], dict[str, Tensor]], folder: Path
) -> None:
    theirs, image = reference(name), photo(400, 300)
    torch.save(form(theirs.state_dict()), folder / imagenet._entry(name).file)
    assert imagenet.available(name)
    loaded = zoo.load(Specimen(name, weights="imagenet"))
    assert not loaded.model.training
    assert all(p.requires_grad and not p.is_meta for p in loaded.model.parameters())
    assert not any(b.is_meta for b in loaded.model.buffers())
    with torch.no_grad():
        expected = theirs(get_weight(zoo.variant(name).weights).transforms()(image)[None])
        got = loaded.model(loaded.preprocess(image))
    assert (got - expected).abs().max() <= 2e-5 * expected.abs().max()
    assert len(loaded.labels) == expected.shape[1]


def test_the_names_of_old_transformers(folder: Path) -> None:
    state = {}
    with torch.device("meta"):
        model = get_model("vit_b_32", weights=None)
    for key, tensor in model.state_dict().items():
        old = key.replace(".mlp.0.", ".mlp.linear_1.").replace(".mlp.3.", ".mlp.linear_2.")
        state[old] = torch.empty(1).expand(tensor.shape)
    ordered = imagenet._in_our_order("vit_b_32", "vit_b_32", state)
    assert [t.shape for t in ordered] == [t.shape for t in zoo.skeleton("vit_b_32").state_dict().values()]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is damaged"),
        (b"PK\x03\x04 no more", "is damaged"),
        (b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.", "is damaged"),
        ({"weight": 3}, "is damaged"),
        ([torch.zeros(3)], "is damaged"),
        ({"weight": torch.zeros(3)}, "not those of SqueezeNet"),
    ],
)
def test_damaged_hostile_and_wrong_files(content: object, sentence: str, folder: Path) -> None:
    path = folder / imagenet._entry("squeezenet1_1").file
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(ValueError, match=sentence):
        zoo.load(Specimen("squeezenet1_1", weights="imagenet"))


def test_another_networks_weights_do_not_fit(folder: Path) -> None:
    state = get_model("squeezenet1_0", weights=None).state_dict()
    torch.save(state, folder / imagenet._entry("squeezenet1_1").file)
    with pytest.raises(ValueError, match="not those of SqueezeNet"):
        zoo.load(Specimen("squeezenet1_1", weights="imagenet"))


def test_numbers_of_half_the_size_are_read(folder: Path) -> None:
    state = get_model("squeezenet1_1", weights=None).half().state_dict()
    torch.save(state, folder / imagenet._entry("squeezenet1_1").file)
    model = zoo.load(Specimen("squeezenet1_1", weights="imagenet")).model
    assert {p.dtype for p in model.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("specimen", "sentence"),
    [
        (Specimen("resnet18", "imagenet"), "not on this disk. They have 47 MB"),
        (Specimen("lenet_classroom", "imagenet"), "Nobody has published ImageNet weights for LeNet"),
        (Specimen("modern_resnet_recipe", "imagenet"), "Nobody has published"),
        (Specimen("resnet18", "imagenet", 10), "without turned knobs or classes"),
        (Specimen("resnet18", "imagenet", None, (("width", 32),)), "without turned knobs or classes"),
    ],
)
def test_what_is_not_there_gets_a_sentence(specimen: Specimen, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        zoo.load(specimen)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A server with weights of SqueezeNet, whose true checksum stands in their name."""
    place = tmp_path / "site"
    place.mkdir()
    torch.save(reference("squeezenet1_1").state_dict(), place / "new.pth")
    digest = hashlib.sha256((place / "new.pth").read_bytes()).hexdigest()
    path = (place / "new.pth").rename(place / f"squeezenet1_1-{digest[:8]}.pth")
    real = imagenet._entry
    entry = replace(real("squeezenet1_1"), url=f"https://example.org/{path.name}", size=path.stat().st_size)
    monkeypatch.setattr(imagenet, "_entry", lambda name: entry if name == "squeezenet1_1" else real(name))
    monkeypatch.setattr(fetch, "_PAUSE", 0.0)
    with serving(place) as site:
        monkeypatch.setenv("ZOOLENS_MIRROR", site.address + "/")
        yield site


def test_a_download(site: Site) -> None:
    told: list[tuple[int, int, str]] = []
    site.cut_after = [1_000_000]
    imagenet.download("squeezenet1_1", lambda *now: told.append(now))
    assert told[-1][2] == "checking"
    assert imagenet.available("squeezenet1_1")
    assert zoo.load(Specimen("squeezenet1_1", weights="imagenet")).preprocess.shorter == 256


def test_a_download_that_fails_says_what_works_instead(site: Site) -> None:
    site.code = 404
    with pytest.raises(
        ValueError, match=r"SqueezeNet.* could not be downloaded: its server answers 404.*Lite0"
    ):
        imagenet.download("squeezenet1_1", lambda *_: None)
    with pytest.raises(ValueError, match="Nobody has published"):
        imagenet.download("lenet_classroom", lambda *_: None)
    assert not imagenet.available("squeezenet1_1")
