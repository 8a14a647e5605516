"""Fusing step by step: every step computes what the block computed before, by torch alone and by hand."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from viz.fusing import BLOCKS, CHANNELS, FILTERS, STEPS, Block, fusing, networks, shake, stages, total
from zoo import FAMILIES, VARIANTS, skeleton


def made(family: str, seed: int) -> Block:
    block = BLOCKS[family]().eval()
    shake(block, seed)
    return block


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("family", BLOCKS)
def test_every_step_computes_the_same(family: str, seed: int) -> None:
    block = made(family, seed)
    x = torch.randn(2, len(CHANNELS), 9, 8, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        expected = block(x)
        found = {name: total(modules, x) for name, modules in stages(block).items()}
    assert list(found) == list(STEPS)
    for output in found.values():
        assert (output - expected).abs().max() <= 1e-5 * expected.abs().max()


@pytest.mark.parametrize("family", BLOCKS)
def test_what_is_shown_is_what_the_modules_hold(family: str) -> None:
    result = fusing(family)
    for step in result.steps.values():
        assert step.off <= 1e-5
        assert step.relative <= 1e-6
        assert step.off_double <= 1e-13  # what is left is rounding
        assert np.abs(step.output - result.expected).max() == pytest.approx(step.off)
        assert len(step.parts) == 3
    assert result.steps["trained"].off == 0
    assert result.off_training > 0.1  # and in training mode it is another function
    assert [step.norms for step in result.steps.values()] == [3, 0, 0, 0]
    assert result.steps["added"].params == FILTERS * len(CHANNELS) * 9 + FILTERS
    assert result.steps["added"].macs == FILTERS * len(CHANNELS) * 9


def test_the_numbers_on_the_cards_by_numpy() -> None:
    """w' = w gamma / sqrt(variance + eps), b' = beta - mean gamma / sqrt(variance + eps); zeros; sums."""
    for family in BLOCKS:
        steps = fusing(family).steps
        shown = (steps[name].parts for name in ("trained", "folded", "squared"))
        for raw, folded, wide in zip(*shown, strict=True):
            norm, kernel = raw.norm, raw.kernel
            factor = norm.gamma / np.sqrt(norm.variance + 1e-5)
            if kernel is None:
                kernel = np.eye(FILTERS, dtype=np.float32)[:, :, None, None]  # the map itself
            assert folded.kernel is not None
            assert folded.bias is not None
            assert wide.kernel is not None
            np.testing.assert_allclose(folded.kernel, kernel * factor[:, None, None, None], rtol=1e-5)
            np.testing.assert_allclose(folded.bias, norm.beta - norm.mean * factor, rtol=1e-5, atol=1e-6)
            assert wide.kernel.shape[2:] == (3, 3)
            high, across = folded.kernel.shape[2:]
            top, left = (3 - high) // 2, (3 - across) // 2
            inside = wide.kernel[:, :, top : top + high, left : left + across]
            np.testing.assert_array_equal(inside, folded.kernel)
            assert np.count_nonzero(wide.kernel) == np.count_nonzero(folded.kernel)
        last, wide_parts = steps["added"], steps["squared"].parts
        for whole, summands in (
            (last.kernel, [part.kernel for part in wide_parts]),
            (last.bias, [part.bias for part in wide_parts]),
        ):  # fmt: skip
            assert whole is not None
            np.testing.assert_allclose(whole, sum(map(np.asarray, summands)), rtol=1e-5, atol=1e-6)


def test_the_last_step_on_the_picture_in_torchs_functions() -> None:
    result = fusing("repvgg")
    last = result.steps["added"]
    x = torch.from_numpy(result.patch)[None]
    y = F.conv2d(x, torch.from_numpy(last.kernel), torch.from_numpy(last.bias), padding=1)[0]
    np.testing.assert_allclose(y.numpy(), result.expected, atol=1e-5)


def test_networks_are_those_that_the_knob_fuses() -> None:
    found = networks()
    families = {key for key, family in FAMILIES.items() if any(v.name in found for v in family.variants)}
    assert families == set(BLOCKS)
    for name in found:
        assert found[name] == VARIANTS[name].title
    fused = skeleton("repvgg_a0", fused=True)
    # counted on the authors' code; table 4 of the paper cuts it off to 8.30 million
    assert sum(p.numel() for p in fused.parameters()) == 8_309_384
    assert not any(isinstance(m, nn.BatchNorm2d) for m in fused.modules())
