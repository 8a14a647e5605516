"""Attention weights against torchvision's, recomputed outputs, and cases worked by hand."""

import threading
from functools import partial

import pytest
import torch
from torch import Tensor, nn

import zoo
from tests.untouched import untouched
from viz import attention, hooks
from viz.attention import Block
from viz.windows import Layout
from zoo import Specimen, weights
from zoo.families.swin import WindowAttention

VIT = weights.specimen_of("shipped:vit_cifar10")
SWIN = weights.specimen_of("shipped:swin_cifar10")


@pytest.fixture(scope="module")
def image() -> Tensor:
    return torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("specimen", [VIT, SWIN], ids=["vit", "swin"])
def test_rows_sum_to_one_and_observing_changes_nothing(specimen: Specimen, image: Tensor) -> None:
    model = zoo.load(specimen).model
    with untouched(model):
        captured = attention.capture(model, image)
        attention.capture(model, image, mask=False)
    torch.testing.assert_close(captured.logits, model(image).detach(), rtol=0, atol=0)
    for block in captured.blocks:
        found = captured.weights[block.path]
        torch.testing.assert_close(found.sum(-1), torch.ones(found.shape[:-1]))
        assert found.shape == (*block.places.shape[:1], block.heads, *[block.places.shape[1]] * 2)


@pytest.mark.parametrize("specimen", [VIT, SWIN], ids=["vit", "swin"])
def test_the_weights_give_the_attentions_output(specimen: Specimen, image: Tensor) -> None:
    model = zoo.load(specimen).model
    captured = attention.capture(model, image)
    for block in captured.blocks:
        paths = [f"{block.path}.attn.qkv", f"{block.path}.attn"]
        outputs = hooks.observe(model, image, paths).outputs
        groups, tokens = block.places.shape
        values = outputs[paths[0]].reshape(groups, tokens, 3, block.heads, -1)[:, :, 2].transpose(1, 2)
        gathered = (captured.weights[block.path] @ values).transpose(1, 2).reshape(groups, tokens, -1)
        proj = model.get_submodule(f"{block.path}.attn.proj")
        torch.testing.assert_close(proj(gathered), outputs[paths[1]])


def test_weights_are_torchvisions() -> None:
    """Swin-T with its shapes and random weights: torchvision's softmax under a function mode."""
    from torch.overrides import TorchFunctionMode
    from torchvision.models import swin_t

    taken: list[Tensor] = []

    class Take(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            output = func(*args, **(kwargs or {}))
            if getattr(func, "__name__", "") == "softmax":
                taken.append(output)
            return output

    ours, theirs = zoo.build("swin_t"), swin_t(weights=None).eval()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
    picture = torch.randn(1, 3, 128, 96, generator=torch.Generator().manual_seed(1))  # padded in each stage
    captured = attention.capture(ours, picture)
    with Take(), torch.no_grad():
        theirs(picture)
    assert len(taken) == len(captured.blocks) == 12
    for block, weight in zip(captured.blocks, taken, strict=True):
        torch.testing.assert_close(captured.weights[block.path], weight)


def test_masked_pairs_carry_no_weight(image: Tensor) -> None:
    """Beside an equal score exp(-100) is 4e-44, almost float32's smallest number; larger scores add to it."""
    model = zoo.load(SWIN).model
    captured, without = (attention.capture(model, image, mask=mask) for mask in (True, False))
    shifted = [block for block in captured.blocks if block.layout is not None and any(block.layout.moved)]
    assert shifted
    for block in shifted:
        assert block.layout is not None
        apart = (block.layout.mask < 0)[:, None].expand(-1, block.heads, -1, -1)
        assert captured.weights[block.path][apart].max() < 1e-30
        assert without.weights[block.path][apart].max() > 1e-3
    assert not torch.equal(captured.logits, without.logits)


def test_without_the_mask_is_the_network_without_its_mask(
    image: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zoo.families import swin

    model = zoo.load(SWIN).model
    without = attention.capture(model, image, mask=False).logits
    monkeypatch.setattr(swin, "add_mask", lambda scores, mask: scores)
    torch.testing.assert_close(without, model(image).detach(), rtol=1e-4, atol=1e-4)


def test_a_row_lies_where_its_tokens_are(image: Tensor) -> None:
    model = zoo.load(SWIN).model
    captured = attention.capture(model, image)
    for block in captured.blocks:
        assert block.layout is not None
        for y, x in ((0, 0), (block.shape[0] - 1, block.shape[1] // 2)):
            laid = captured.row(block, y, x)
            torch.testing.assert_close(laid.sum((1, 2)), torch.ones(block.heads))
            away = ~block.layout.partners(y, x)
            assert laid[:, away].sum() < 1e-30
    with pytest.raises(ValueError, match="there is none at 99, 0"):
        captured.row(captured.blocks[0], 99, 0)


@pytest.mark.parametrize(("specimen", "one", "other"), [(VIT, (2, 3), (6, 0)), (SWIN, (1, 1), (0, 1))])
def test_a_pair_step_by_step(
    specimen: Specimen, one: tuple[int, int], other: tuple[int, int], image: Tensor
) -> None:
    model = zoo.load(specimen).model
    captured = attention.capture(model, image)
    for block in captured.blocks[:2]:
        for head in range(block.heads):
            pair = attention.pair(model, image, block, head, one, other)
            assert pair.weight == pytest.approx(
                float(captured.row(block, *one)[head][other]), rel=1e-4, abs=1e-9
            )
            assert pair.score == pytest.approx(pair.scaled + pair.bias + pair.mask, rel=1e-5)
            dot = float(pair.query @ pair.key) / len(pair.query) ** 0.5
            assert pair.scaled == pytest.approx(dot, rel=1e-4, abs=1e-5)


def test_rollout_of_two_layers_by_hand() -> None:
    """A class token and two more. Layer 1: the class token looks at patch 1; layer 2: half at each patch."""
    one = torch.tensor([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    two = torch.tensor([[0.0, 0.5, 0.5], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    known = [
        attention.Block(
            path=name,
            title="",
            heads=1,
            shape=(1, 2),
            patch=1,
            layout=None,
            places=torch.tensor([[-1, 0, 1]]),
        )
        for name in ("a", "b")
    ]
    captured = attention.Captured(
        logits=torch.zeros(1, 1), blocks=tuple(known), weights={"a": one[None, None], "b": two[None, None]}
    )
    # Layer 2's class row, half kept, is (.5, .25, .25); layer 1 halves its class part to (.25, .25).
    torch.testing.assert_close(attention.rollout(captured), torch.tensor([[0.5, 0.25]]))


def hand(path: str, shape: tuple[int, int], places: list[list[int]], layout: Layout | None = None) -> Block:
    return Block(
        path=path, title="", heads=1, shape=shape, patch=1, layout=layout, places=torch.tensor(places)
    )


def test_rollout_to_a_patch_by_hand() -> None:
    """A class token and two patches, of which the first is asked.

    Block a: it attends half to the class token and half to the second, the second to the first. So a hands
    down (1/4, 1/2, 1/4) of the first, kept half, and (0, 1/2, 1/2) of the second. Block b: the first attends
    to the second, which leaves half of each: (1/8, 1/2, 3/8), of which 1/8 is the class token's.
    """
    a = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.0, 0.5], [0.0, 1.0, 0.0]])
    b = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    captured = attention.Captured(
        logits=torch.zeros(1, 1),
        blocks=tuple(hand(path, (1, 2), [[-1, 0, 1]]) for path in "ab"),
        weights={"a": a[None, None], "b": b[None, None]},
    )
    for count, expected in ((0, [1.0, 0.0]), (1, [0.5, 0.25]), (2, [0.5, 0.375])):
        found = attention.rollout_to(captured, count, (1, 2), (0, 0))
        torch.testing.assert_close(found, torch.tensor([expected]))


def test_rollout_through_windows_and_a_merging_by_hand() -> None:
    """Two windows of 2 x 2, in which all attend to the first token, merged to a map of 1 x 2.

    The right merged token owes a quarter to each of its four; half of each goes to the window's first.
    """
    block = hand("a", (2, 4), [[0, 1, 4, 5], [2, 3, 6, 7]], Layout(height=2, width=4, window=2))
    first = torch.zeros(2, 1, 4, 4)
    first[..., 0] = 1
    captured = attention.Captured(logits=torch.zeros(1, 1), blocks=(block,), weights={"a": first})
    found = attention.rollout_to(captured, 1, (1, 2), (0, 1))
    expected = torch.tensor([[0, 0, 0.625, 0.125], [0, 0, 0.125, 0.125]])
    torch.testing.assert_close(found, expected)


def test_relevance_is_zero_where_nothing_raises_the_class_and_sees_the_class(image: Tensor) -> None:
    model = zoo.load(VIT).model
    maps = one, other = [attention.relevance(model, image, target) for target in (0, 1)]
    assert all(found.shape == (8, 8) and found.min() >= 0 and found.isfinite().all() for found in maps)
    assert not torch.allclose(one, other)


def test_distances_by_hand(image: Tensor) -> None:
    """Equal weights: from a corner of 2 x 2 tokens it is (0 + 1 + 1 + sqrt 2) / 4 patches on average."""
    block = attention.Block(
        path="a", title="", heads=2, shape=(2, 2), patch=16, layout=None, places=torch.arange(-1, 4)[None]
    )
    captured = attention.Captured(
        logits=torch.zeros(1, 1), blocks=(block,), weights={"a": torch.full((1, 2, 5, 5), 0.2)}
    )
    found = captured.distances["a"]
    torch.testing.assert_close(found, torch.full((2,), 16 * (2 + 2**0.5) / 4))
    real = attention.capture(zoo.load(SWIN).model, image).distances
    assert all((each > 0).all() and (each < 32).all() for each in real.values())


def test_biases_by_offset_are_those_of_the_index() -> None:
    """Token 5 of a window of 4 is row 1, column 1; token 11 is row 2, column 3: offset (-1, -2)."""
    model = zoo.load(SWIN).model
    block = attention.blocks(model, torch.zeros(1, 3, 32, 32))[0]
    tables = attention.biases(model, block)
    attn = model.get_submodule(f"{block.path}.attn")
    assert isinstance(attn, WindowAttention)
    row = attn.bias_index.reshape(16, 16)[5, 11]
    torch.testing.assert_close(tables[:, -1 + 3, -2 + 3], attn.bias_table[row].detach())
    vit = zoo.load(VIT).model
    with pytest.raises(ValueError, match="no table of biases"):
        attention.biases(vit, attention.blocks(vit, torch.zeros(1, 3, 32, 32))[0])


def test_places_are_most_alike_to_themselves() -> None:
    model = zoo.load(VIT).model
    found = attention.alike_places(model, 2, 5)
    assert found[2, 5] == pytest.approx(1, abs=1e-5)
    assert found.flatten().argmax() == 2 * 8 + 5


def test_the_lens_ends_with_the_answer(image: Tensor) -> None:
    model = zoo.load(VIT).model
    found = attention.lens(model, image, range(10))
    torch.testing.assert_close(found[-1], model(image).softmax(1)[0])
    torch.testing.assert_close(found.sum(1), torch.ones(len(found)))


def test_what_is_not_there_is_said(image: Tensor) -> None:
    model, windows = nn.Sequential(nn.Conv2d(3, 2, 3)), zoo.load(SWIN).model
    with pytest.raises(ValueError, match="no attention between tokens"):
        attention.capture(model, image)
    captured = attention.capture(windows, image)
    for ask in (
        partial(attention.rollout, captured),
        partial(attention.relevance, windows, image, 0),
        partial(attention.lens, windows, image, [0]),
        partial(captured.of_class, captured.blocks[0]),
    ):
        with pytest.raises(ValueError, match="no class token"):
            ask()
    side = captured.blocks[0].shape[0] - 1
    with pytest.raises(ValueError, match="different windows"):
        attention.pair(windows, image, captured.blocks[0], 0, (0, 0), (side, side))


def test_eight_threads_on_one_network_leave_nothing_behind(image: Tensor) -> None:
    model = zoo.load(SWIN).model
    with_mask, without = (attention.capture(model, image, mask=mask).logits for mask in (True, False))
    wrong: list[bool] = []

    def look(mask: bool) -> None:
        for _ in range(4):
            found = attention.capture(model, image, mask=mask).logits
            wrong.append(not torch.allclose(found, with_mask if mask else without, rtol=1e-4, atol=1e-5))

    threads = [threading.Thread(target=look, args=(at % 2 == 0,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [False] * 32
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in model.modules())
