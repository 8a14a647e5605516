"""First layers: known waves, a zone plate that is worked out by hand, silent maps, the clip."""

import math

import pytest
import torch
from torch import Tensor, nn

from tests.untouched import untouched
from viz import stems, strongest
from zoo import Specimen, load


def gabor(side: int, cycles: float, rising: float, width: float = 3.0) -> Tensor:
    """Stripes (1, 1, side, side) that rise by `rising` degrees to the right, as one sees them."""
    rows, columns = torch.meshgrid(*[torch.arange(side) - side // 2] * 2, indexing="ij")
    across = math.radians(rising + 90)  # the wave runs across its stripes; rows count downwards
    wave = torch.cos(2 * math.pi * cycles * (columns * math.cos(across) - rows * math.sin(across)))
    return (wave * torch.exp(-(rows**2 + columns**2) / (2 * width**2)))[None, None]


@pytest.mark.parametrize(("cycles", "rising"), [(0.125, 0), (0.25, 30), (0.3, 90), (0.2, 135)])
def test_a_gabor_filter_peaks_at_its_frequency_and_direction(cycles: float, rising: float) -> None:
    found = stems.spectrum(gabor(15, cycles, rising))
    assert float(found.peak) == pytest.approx(cycles, abs=0.7 / stems.GRID)
    assert float(found.stripes) == pytest.approx(rising, abs=4)
    ring = int(found.radial.argmax())
    assert float(found.radius[ring]) == pytest.approx(cycles, abs=1 / stems.RINGS)
    assert float(found.angle[found.oriented.argmax()]) == pytest.approx(rising, abs=180 / stems.SECTORS / 2)


def test_a_sinusoid_is_found_whatever_the_size_of_the_filter() -> None:
    """An 11 x 11 filter and a 16 x 16 patch: the zeros around them give both the same frequencies."""
    for side in (11, 16):
        wave = torch.sin(2 * math.pi * 0.25 * torch.arange(side)).expand(1, 3, side, side)
        found = stems.spectrum(wave)
        assert float(found.peak) == pytest.approx(0.25, abs=1 / stems.GRID)
        assert float(found.stripes) == pytest.approx(90, abs=1)


def test_a_single_weight_is_white() -> None:
    weight = torch.zeros(2, 3, 7, 7)
    weight[:, 1, 3, 3] = torch.tensor([2.0, -1.0])
    found = stems.spectrum(weight)
    assert torch.allclose(found.radial, torch.ones(stems.RINGS), atol=1e-4)
    assert torch.allclose(found.oriented, torch.ones(stems.SECTORS), atol=1e-4)
    assert sum(stems.bands(found, (0.125, 0.25, 0.5))) == pytest.approx(1)
    assert stems.bands(found, (0.5,))[0] == pytest.approx(math.pi / 4, abs=0.02)  # a disc in a square


def test_filters_count_by_their_energy_or_alike() -> None:
    bank = torch.cat([gabor(15, 0.125, 90), 10 * gabor(15, 0.3, 0)])
    loud, alike = stems.spectrum(bank), stems.spectrum(bank, alike=True)
    assert stems.bands(loud, (0.2,))[0] < 0.03
    assert stems.bands(alike, (0.2,))[0] == pytest.approx(0.5, abs=0.03)


def test_zeros_have_no_frequency() -> None:
    found = stems.spectrum(torch.zeros(1, 3, 5, 5))
    assert found.peak.isnan().all()
    assert found.stripes.isnan().all()


def test_a_filter_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="65 pixels"):
        stems.power(torch.zeros(1, 1, 65, 65))


def test_hues_go_round_and_a_negative_has_the_same() -> None:
    red_green = torch.tensor([1.0, -1.0, 0.0])[None, :, None, None] * gabor(7, 0.1, 0)
    blue_yellow = torch.tensor([-0.5, -0.5, 1.0])[None, :, None, None] * gabor(7, 0.1, 0)
    grey = gabor(7, 0.2, 0).expand(1, 3, 7, 7)
    bank = torch.cat([red_green, grey, blue_yellow, -red_green, 3 * grey])
    share, hue = stems.colours(bank)
    assert share.tolist() == pytest.approx([1, 0, 1, 1, 0], abs=1e-5)
    assert float(hue[0]) == pytest.approx(float(hue[3]), abs=1e-4)
    assert stems.ordered(bank, "hue").tolist()[:2] == [4, 1]  # grey ones first, the stronger before
    assert (
        abs(stems.ordered(bank, "hue").tolist().index(0) - stems.ordered(bank, "hue").tolist().index(3)) == 1
    )
    assert stems.ordered(bank, "energy").tolist()[0] == 4
    assert stems.ordered(bank, "stored").tolist() == [0, 1, 2, 3, 4]


def test_a_sampled_zone_plate_repeats_as_worked_out() -> None:
    """cos(pi x^2 / N) at x = s u is cos(pi u^2 s^2 / N): again and again every N / s^2 samples."""
    size, stride = 256, 4
    plate = stems.zone_plate(size)
    kept = stems.answer(torch.ones(1, 1, 1), plate[None].float())[::stride, ::stride]
    period = size // stride**2
    assert torch.allclose(kept, kept.roll(period, 0), atol=1e-4)  # ghosts: rings where there are none
    assert torch.allclose(kept, kept.roll((period, period), (0, 1)), atol=1e-4)
    assert not torch.allclose(plate, plate.roll(period, 0), atol=0.1)


def test_the_aliased_share_of_one_wave_is_all_or_nothing() -> None:
    size, point = 64, torch.ones(1, 1, 1, 1)
    for cycles in (4, 7, 8, 12, 24):  # a picture's width
        wave = torch.cos(2 * math.pi * cycles * torch.arange(size) / size).expand(1, size, size)
        fine = [found.share for found in stems.aliasing(point, wave, (1, 2, 4))]
        # half a cycle and more between two samples of a grid cannot be told from slower waves
        expected = [float(cycles * stride >= size / 2) if stride > 1 else 0.0 for stride in (1, 2, 4)]
        assert fine == pytest.approx(expected, abs=1e-5), cycles


def test_the_share_is_what_samples_of_the_fine_part_hold_on_average() -> None:
    """Split an answer by hand, sample both parts from each of the s x s places, and compare energies."""
    generator = torch.Generator().manual_seed(0)
    size, stride = 32, 4
    weight = torch.randn(1, 3, 5, 5, generator=generator)
    picture = torch.rand(3, size, size, generator=generator)
    dense = stems.answer(weight[0], picture)
    waves = torch.fft.fftshift(torch.fft.fft2(dense - dense.mean()))
    fine = torch.fft.ifft2(torch.fft.ifftshift(waves * stems.folded(size, stride))).real
    starts = [(y, x) for y in range(stride) for x in range(stride)]
    energy = [
        sum(float(part[y::stride, x::stride].square().sum()) for y, x in starts)
        for part in (fine, dense - dense.mean())
    ]
    (found,) = stems.aliasing(weight, picture, (stride,))
    assert found.share == pytest.approx(energy[0] / energy[1], rel=1e-4)
    assert float(found.energy) == pytest.approx(energy[1] / size**2, rel=1e-4)


def test_an_answer_is_the_convolution() -> None:
    generator = torch.Generator().manual_seed(0)
    for side in (4, 5):
        weight = torch.randn(2, 3, side, side, generator=generator)
        picture = torch.rand(3, 16, 16, generator=generator)
        ours = torch.stack([stems.answer(each, picture) for each in weight])
        theirs = nn.functional.conv2d(picture[None], weight)[0]  # inside, where nothing is padded
        before, after = (side - 1) // 2, side // 2
        assert torch.allclose(ours[:, before : 16 - after, before : 16 - after], theirs, atol=1e-5)


@pytest.mark.parametrize("name", stems.PICTURES)
def test_pictures_repeat_without_a_seam(name: str) -> None:
    picture = stems.PICTURES[name](64)
    assert picture.shape == (64, 64)
    assert 0 <= float(picture.min()) < float(picture.max()) <= 1
    inside = (picture[:, 1:] - picture[:, :-1]).abs().amax()
    assert float((picture[:, 0] - picture[:, -1]).abs().amax()) <= float(inside) + 1e-6


def test_an_odd_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="even number"):
        stems.zone_plate(65)


class Small(nn.Module):
    """Three maps: one that answers, one a hundredth as loud, and one that is dead."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 3, 1, stride=2)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(3, 2, 1)
        self.relu2 = nn.ReLU()
        with torch.no_grad():
            self.conv1.weight.copy_(torch.tensor([1.0, 0.01, -1.0]).reshape(3, 1, 1, 1))
            self.conv1.bias.zero_()  # type: ignore[union-attr]

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.relu2(self.conv2(self.relu1(self.conv1(x))))
        return y.mean((2, 3))


def test_silent_maps() -> None:
    model = Small().eval()
    pictures = torch.zeros(3, 1, 4, 4)
    pictures[0, 0, 0, 0], pictures[1, 0, 2, 0], pictures[2, 0, 2, 2] = 5.0, 10.0, 7.0
    with untouched(model):
        *_, index = strongest.scan(model, torch.split(pictures, 2), ["relu1"], top=1)
    loudest = index.layers["relu1"].values[:, 0]
    assert loudest.tolist() == pytest.approx([10, 0.1, 0])
    shares = [stems.silent(loudest, threshold) for threshold in (0, 0.005, 0.01001, 1)]
    assert shares == pytest.approx([1 / 3, 1 / 3, 2 / 3, 1])


def test_a_layer_that_never_gets_above_zero_is_silent_altogether() -> None:
    assert stems.silent(torch.tensor([0.0, -1.0]), 0) == 1


def test_the_stem_of_a_network_and_its_second_layer() -> None:
    model = Small().eval()
    image = torch.zeros(1, 1, 4, 4)
    with untouched(model):
        found = stems.stem(model, image)
    assert (found.path, found.stride, found.kernel) == ("conv1", 2, 1)
    assert found.patches
    assert found.rms.tolist() == pytest.approx([1, 0.01, 1])
    assert [layer.path for layer in found.layers] == ["relu1", "relu2"]


@pytest.mark.parametrize(
    ("name", "kernel", "stride", "second"),
    [
        ("lenet_classroom", 5, 1, True),
        ("zfnet_classroom", 3, 1, True),
        ("resnet_classroom", 3, 1, True),
        ("densenet_classroom", 3, 1, True),
        ("convnext_classroom", None, None, True),
        ("vit_classroom", None, None, False),
    ],
)
def test_stems_of_the_zoo(name: str, kernel: int | None, stride: int | None, second: bool) -> None:
    loaded = load(Specimen(name))
    row = loaded.preprocess
    found = stems.stem(loaded.model, torch.zeros(1, row.channels, row.size, row.size))
    assert found.weight.shape[1] == row.channels
    assert (len(found.layers) > 1) == second
    if kernel is None:
        assert found.patches
        assert found.kernel == found.stride
    else:
        assert (found.kernel, found.stride, found.patches) == (kernel, stride, False)


def test_no_convolution_is_refused() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 2)).eval()
    with pytest.raises(ValueError, match="no convolution"):
        stems.stem(model, torch.zeros(1, 1, 4, 4))
