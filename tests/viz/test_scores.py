import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import zoo
from viz import scores

SIDE = 4  # as many pixels as a curve has steps


class Sums(nn.Module):
    """Two classes: the weighted sum of the pixels, and nothing."""

    def __init__(self, weights: NDArray[np.float64]) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.from_numpy(weights).float())

    def forward(self, images: Tensor) -> Tensor:  # (B, 1, H, W) -> (B, 2)
        score = (images * self.weights).sum((1, 2, 3))
        return torch.stack([score, torch.zeros_like(score)], dim=1)


def some_map(seed: int, size: tuple[int, int] = (SIDE, SIDE)) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=size)


def test_deletion_by_hand() -> None:
    """One pixel holds all: the first step leaves a coin's toss."""
    weights = np.zeros((SIDE, SIDE))
    weights[2, 1] = 3.0
    model, image = Sums(weights), torch.ones(1, 1, SIDE, SIDE)
    curve = scores.deletion(model, image, weights, 0)
    certain = 1 / (1 + np.exp(-3))
    assert curve.shares == pytest.approx(np.arange(17) / 16)
    assert curve.probabilities == pytest.approx([certain] + [0.5] * 16)
    assert curve.auc == pytest.approx((certain + 0.5) / 2 / 16 + 0.5 * 15 / 16)
    late = scores.deletion(model, image, -weights, 0)
    assert late.probabilities == pytest.approx([certain] * 16 + [0.5])


def test_the_true_order_of_a_linear_network_is_the_best() -> None:
    weights = some_map(0)
    model, image = Sums(weights), torch.from_numpy(some_map(1)).float()[None, None]
    true = weights * image[0, 0].numpy()
    image_order = weights * (image - scores.blurred(image))[0, 0].numpy()
    out, back = scores.deletion(model, image, true, 0), scores.insertion(model, image, image_order, 0)
    for seed in range(2, 30):
        assert scores.deletion(model, image, some_map(seed), 0).auc > out.auc
        assert scores.insertion(model, image, some_map(seed), 0).auc < back.auc


@torch.no_grad()
def test_curves_are_those_of_causal_metric() -> None:
    """The loop of RISE's evaluation.py, written down again; 24 pixels a side, which steps of 36 divide."""
    model, image, heat = (
        zoo.build("resnet_classroom").eval(),
        torch.randn(1, 3, 24, 24),
        some_map(5, (24, 24)),
    )
    salient = np.flip(np.argsort(heat.reshape(-1)))
    for mine, start, finish in (
        (scores.deletion, image.clone(), torch.zeros_like(image)),
        (scores.insertion, scores.blurred(image), image),
    ):
        told = []
        for i in range(scores.STEPS + 1):
            told.append(model(start).softmax(1)[0, 3].item())
            coordinates = torch.from_numpy(salient[36 * i : 36 * (i + 1)].copy())
            start.reshape(1, 3, -1)[..., coordinates] = finish.reshape(1, 3, -1)[..., coordinates]
        told_ = np.array(told)
        curve = mine(model, image, heat, 3)
        assert curve.probabilities == pytest.approx(told_, abs=1e-6)
        assert curve.auc == pytest.approx(
            (told_.sum() - told_[0] / 2 - told_[-1] / 2) / (len(told_) - 1), abs=1e-6
        )


def test_a_map_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 2\) pixels, the picture \(4, 4\)"):
        scores.deletion(Sums(np.ones((4, 4))), torch.ones(1, 1, 4, 4), np.ones((2, 2)), 0)
    with pytest.raises(ValueError, match="cannot be compared"):
        scores.rank_correlation(np.ones((2, 2)), np.ones((4, 4)))
    with pytest.raises(ValueError, match="the mask"):
        scores.pointing(np.ones((2, 2)), np.ones((4, 4), dtype=bool))


def test_blur_is_scipys() -> None:
    from scipy.ndimage import gaussian_filter

    image = torch.randn(1, 2, 20, 30)
    wanted = gaussian_filter(
        image.double().numpy(),
        (0, 0, scores.BLUR * 20, scores.BLUR * 30),
        mode="nearest",
        radius=(0, 0, round(3 * scores.BLUR * 20), round(3 * scores.BLUR * 30)),
    )
    assert scores.blurred(image).numpy() == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("levels", [1000, 5, 2], ids=["hardly any ties", "many", "two values"])
def test_rank_correlation_is_scipys(levels: int) -> None:
    from scipy.stats import rankdata, spearmanr

    drawn = np.random.default_rng(0)
    one = drawn.integers(levels, size=(30, 20)).astype(float)
    other = one + drawn.normal(size=one.shape) * levels / 4
    assert scores.ranks(one).ravel() == pytest.approx(rankdata(one))
    assert scores.rank_correlation(one, other) == pytest.approx(spearmanr(one.ravel(), other.ravel())[0])


def test_rank_correlation_by_hand() -> None:
    one = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert scores.rank_correlation(one, one**3) == pytest.approx(1)
    assert scores.rank_correlation(one, -one) == pytest.approx(-1)
    assert scores.rank_correlation(one, np.array([[1.0, 3.0], [2.0, 4.0]])) == pytest.approx(0.8)
    assert np.isnan(scores.rank_correlation(one, np.ones((2, 2))))


def test_pointing_by_hand() -> None:
    heat, mask = np.zeros((8, 8)), np.zeros((8, 8), dtype=bool)
    heat[1, 1] = 1
    mask[4, 5] = True  # five pixels away: 3 down, 4 across
    assert scores.pointing(heat, mask) == 0
    assert scores.pointing(heat, mask, tolerance=4) == 0
    assert scores.pointing(heat, mask, tolerance=5) == 1
    mask[1, 1] = True
    assert scores.pointing(heat, mask) == 1
    assert scores.pointing(heat, np.zeros_like(mask), tolerance=5) == 0


def test_a_flat_map_points_as_chance_does() -> None:
    mask = np.zeros((8, 8), dtype=bool)
    mask[:2] = True
    assert scores.pointing(np.ones((8, 8)), mask) == 0.25


def test_grid_share_by_hand() -> None:
    heat = np.array([[3.0, 1.0], [-5.0, 2.0]])
    assert [scores.grid_share(heat, cell) for cell in range(4)] == pytest.approx([1 / 2, 1 / 6, 0, 1 / 3])
    assert scores.grid_share(-np.ones((2, 2)), 0) == 0
    assert scores.grid_share(np.ones((64, 64)), 3) == 0.25


def test_baselines() -> None:
    drawn = scores.random((224, 224), 1)
    assert np.array_equal(drawn, scores.random((224, 224), 1))
    assert not np.array_equal(drawn, scores.random((224, 224), 2))
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    middle = scores.centred((9, 5))
    assert middle.argmax() == 4 * 5 + 2
    assert middle == pytest.approx(middle[::-1, ::-1])


@pytest.fixture
def trained() -> nn.Module:
    """A network whose batch norms have seen something."""
    model = zoo.build("resnet_classroom").train()
    with torch.no_grad():
        model(torch.randn(16, 3, 32, 32))
    return model.eval()


@torch.no_grad()
def test_twin_is_drawn_from_the_top_down(trained: nn.Module) -> None:
    before = {name: tensor.clone() for name, tensor in trained.state_dict().items()}
    image = torch.randn(1, 3, 32, 32)
    answer = trained(image)
    order = scores.layers(trained)
    assert order[0] == "head"
    changed = scores.twin(trained, 2).state_dict()
    assert {name.rpartition(".")[0] for name in before if not changed[name].equal(before[name])} == set(
        order[:2]
    )
    assert all(tensor.equal(before[name]) for name, tensor in trained.state_dict().items())
    assert trained(image).equal(answer)
    assert scores.twin(trained, 0)(image).equal(answer)


@torch.no_grad()
@pytest.mark.parametrize(
    "name", ["resnet_classroom", "vit_classroom", "swin_classroom", "convnext_classroom", "nfnet_classroom"]
)
def test_whole_twin_knows_nothing_and_is_the_same_again(name: str) -> None:
    model = zoo.build(name).eval()
    image = torch.randn(2, 3, model_side(name), model_side(name))
    answer = scores.twin(model)(image)
    assert torch.isfinite(answer).all()
    assert not answer.allclose(model(image))
    assert not answer[0].allclose(answer[1])
    assert scores.twin(model)(image).equal(answer)
    assert not scores.twin(model, seed=1)(image).allclose(answer)


def model_side(name: str) -> int:
    return zoo.variant(name).input_size


def test_an_edge_detector_stays_and_evidence_does_not(trained: nn.Module) -> None:
    image = torch.rand(1, 3, 32, 32)

    def edges(model: nn.Module) -> NDArray[np.float32]:
        return image.mean(1)[0].numpy()

    def answers(model: nn.Module) -> NDArray[np.float32]:
        with torch.no_grad():
            return model(image.expand(32, -1, -1, -1) * torch.linspace(0, 2, 32).reshape(-1, 1, 1, 1)).numpy()

    assert scores.changes(edges, trained) == pytest.approx(1)
    assert scores.changes(answers, trained) < scores.STAYS < 1
