"""Scaling laws: the papers' formulas against the networks, by hand, and against peers."""

import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo
from zoo.families.efficientnet import Scale, compound
from zoo.families.regnet import plan
from zoo.families.tinynet import CUBE
from zoo.scaling import LAWS, Net, measured, widths
from zoo.scaling import attention as sizes
from zoo.scaling import compound as rule
from zoo.scaling import multipliers as times
from zoo.scaling.records import COUNTS, Check
from zoo.specimen import Specimen

few = settings(deadline=None, max_examples=8)


@pytest.mark.parametrize("key", LAWS)
def test_what_claims_to_be_exact_is(key: str) -> None:
    law = LAWS[key]
    for turned in (law.defaults, *(law.defaults | dict(preset.turned) for preset in law.presets[:2])):
        for check in law.view(turned, next(iter(law.quantities))).checks:
            if check.exact:
                assert round(check.formula) == check.real, check


@pytest.mark.parametrize("key", LAWS)
def test_both_ends_of_every_slider_make_a_network(key: str) -> None:
    law = LAWS[key]
    for slider in law.sliders:
        assert slider.default in slider.steps
        for end in (slider.steps[0], slider.steps[-1]):
            view = law.view(law.defaults | {slider.name: end}, next(iter(law.quantities)))
            assert all(measured(net).params > 0 for net in view.nets)


@pytest.mark.parametrize("key", LAWS)
def test_presets_stand_on_steps_and_are_the_published_networks(key: str) -> None:
    law = LAWS[key]
    steps = {slider.name: slider.steps for slider in law.sliders}
    for preset in law.presets:
        assert all(value in steps[name] for name, value in preset.turned), preset


@pytest.mark.parametrize("name", rule.TINY_ROWS)
def test_tinynet_presets(name: str) -> None:
    scale = CUBE[name[-1]]
    net = rule.tiny_net(scale.resolution, scale.depth, scale.width)
    assert net == Net(name, zoo.variant(name).input_size)


# EfficientNet


def test_the_papers_constraint() -> None:
    """Section 3.3: alpha 1.2, beta 1.1, gamma 1.15 under alpha beta^2 gamma^2 = 2, about."""
    assert compound(1.0).cost == pytest.approx(1.2 * 1.21 * 1.3225)
    assert compound(1.0).cost == pytest.approx(2, rel=0.05)


def test_published_rows_follow_each_other_along_phi() -> None:
    """Table 2's factors are rounded by hand. B3 by hand: 1.4 · 1.2² · (300/224)² = 3.616 = 1.9203 ^ 1.970."""
    phis = [rule.phi_of(rule.scale_of(name)) for name in rule.ROWS]
    assert phis == sorted(phis)
    assert phis[0] == 0
    assert phis[3] == pytest.approx(1.970, abs=0.001)
    assert all(number - 1.1 < phi <= number for number, phi in enumerate(phis))


@pytest.mark.parametrize("name", rule.ROWS[1:])
def test_the_rule_at_that_phi_is_close_to_the_published_network(name: str) -> None:
    """Not equal, as the authors' factors are no exact powers."""
    published = zoo.variant(name).published
    assert published
    found = measured(rule.compound_net(rule.phi_of(rule.scale_of(name)), **rule.PAPER))
    assert found.params == pytest.approx(published.params, rel=0.25)
    assert found.macs == pytest.approx(published.macs, rel=0.3)


@pytest.mark.parametrize("name", rule.ROWS)
def test_leading_order_of_the_published_networks(name: str) -> None:
    """With the printed factors themselves, d w^2 r^2 times B0 is within 21 % of the published MACs."""
    published, base = zoo.variant(name).published, zoo.variant(rule.BASE).published
    assert published
    assert base
    predicted = base.macs * rule.factors(rule.scale_of(name), "macs")
    assert published.macs == pytest.approx(predicted, rel=0.42)
    assert rule.factors(Scale(2.0, 3.0, 4.0), "params") == 18


def test_stages_are_table_1() -> None:
    found = rule.stages(measured(Net("efficientnet_b0", 224)))
    assert found == [
        (1, 16, 112), (2, 24, 56), (2, 40, 28), (3, 80, 14), (3, 112, 14), (4, 192, 7), (1, 320, 7),
    ]  # fmt: skip


# Wide ResNet, MobileNet, ResNeXt, DenseNet


@few
@given(k=st.sampled_from((1, 2, 3, 4, 6)), blocks=st.integers(1, 4))
def test_wide_resnet_exactly(k: int, blocks: int) -> None:
    total, found = times.wide_resnet_counts(k, blocks), measured(times.wide_net(k, blocks))
    assert (total.params, total.macs) == (found.params, found.macs)


def test_wide_resnet_by_the_paper() -> None:
    """Table 4: WRN-28-10 has 36.5 M parameters, WRN-16-8 11.0 M, WRN-40-4 8.9 M."""
    for layers, k, printed in ((28, 10, 36.5e6), (16, 8, 11.0e6), (40, 4, 8.9e6)):
        total = times.wide_resnet_counts(k, (layers - 4) // 6)
        assert total.params == pytest.approx(printed, abs=0.06e6)


def test_equal_parameters_by_depth_and_width() -> None:
    for blocks in (1, 4, 9):
        k = times._k_for(5e6, blocks)
        assert times.wide_resnet_counts(k, blocks).params == pytest.approx(5e6, rel=1e-6)


@few
@given(alpha=st.sampled_from((0.25, 0.5, 0.75, 1.0, 1.25, 1.5)), size=st.sampled_from((96, 128, 150, 224)))
def test_mobilenet_exactly(alpha: float, size: int) -> None:
    total, found = times.mobilenet_counts(alpha, size), measured(times.mobile_net(alpha, size))
    assert (total.params, total.macs) == (found.params, found.macs)


@pytest.mark.parametrize(("alpha", "size"), [(1.0, 224), (0.5, 224), (0.25, 128)])
def test_mobilenets_pairs_by_equation_5(alpha: float, size: int) -> None:
    """Dk^2 aM (rDf)^2 + aM aN (rDf)^2, summed over the 13 pairs, is what their convolutions cost."""
    predicted = sum(
        9 * cin * side**2 + cin * cout * side**2 for cin, cout, side in times.separable(alpha, size)
    )
    convs = [c for c in measured(times.mobile_net(alpha, size)).convs if c.path.startswith("stages.")]
    assert len(convs) == 26
    assert sum(conv.params * conv.side**2 for conv in convs) == predicted


@pytest.mark.parametrize("alpha", [0.25, 0.5, 0.75, 1.25, 1.5])
def test_alpha_squared_is_the_leading_order(alpha: float) -> None:
    """Depthwise convolutions, stem and head follow alpha alone, so alpha^2 is below for small ones."""
    found = measured(times.mobile_net(alpha, 224)).macs / measured(times.mobile_net(1.0, 224)).macs
    assert alpha**2 < found < alpha if alpha < 1 else alpha < found < alpha**2


def test_resnexts_template_by_the_paper() -> None:
    """Section 3.3: about 70 k parameters for C = 32, d = 4 and for ResNet's bottleneck; table 2's widths."""
    assert times.bottleneck_weights(1, 64) == 256 * 64 + 9 * 64 * 64 + 64 * 256 == 69_632
    assert times.bottleneck_weights(32, 4) == 70_144
    for paths, width in times.TABLE_2:
        assert round(times.equal_width(paths)) == width
        assert times.bottleneck_weights(paths, width) == pytest.approx(69_632, rel=0.03)
        assert times._block_weights(measured(times.next_net(paths, width))) == times.bottleneck_weights(
            paths, width
        )


@few
@given(paths=st.sampled_from((1, 2, 8, 32, 64)), width=st.sampled_from((1, 4, 14, 24)))
def test_resnext_exactly(paths: int, width: int) -> None:
    total, found = times.resnext50_counts(paths, width), measured(times.next_net(paths, width))
    assert (round(total.params), round(total.macs)) == (found.params, found.macs)


@settings(deadline=None, max_examples=5)
@given(growth=st.sampled_from((4, 12, 24, 32)), theta=st.sampled_from((0.25, 0.5, 0.75, 1.0)))
def test_densenet_exactly(growth: int, theta: float) -> None:
    found = measured(times.dense_net(growth, theta))
    total = times.densenet_counts(growth, times._DEPTHS, theta)
    assert (total.params, total.macs) == (found.params, found.macs)
    assert times.densenet_channels(growth, times._DEPTHS, theta) == times._entering(found)


def test_densenets_channels_by_hand() -> None:
    """k = 32: 64 enter the first block, whose six layers make 256, of which a half is kept."""
    assert times.densenet_channels(32, (6, 2), 0.5) == [64, 96, 128, 160, 192, 224, 128, 160]


# RegNet


TIMMS = {
    "200mf": "002", "400mf": "004", "600mf": "006", "800mf": "008", "1_6gf": "016", "3_2gf": "032",
    "4gf": "040", "6_4gf": "064", "8gf": "080", "12gf": "120", "16gf": "160", "32gf": "320",
}  # fmt: skip


@pytest.mark.parametrize("name", widths.X_ROWS)
def test_regnets_published_widths_are_timms(name: str) -> None:
    config = zoo.variant(name).config
    with torch.device("meta"):
        peer = timm.create_model(f"regnetx_{TIMMS[name.removeprefix('regnet_x_')]}").state_dict()
    theirs = [weight.shape[0] for key, weight in peer.items() if key.endswith("conv3.conv.weight")]
    net = widths.regnet(*(config[knob] for knob in widths._KNOBS))
    assert widths.built_widths(measured(net)) == theirs
    specimen = net.specimen()
    assert specimen
    assert specimen.variant == name


@few
@given(
    w0=st.sampled_from((8, 24, 88, 200)), wa=st.sampled_from((0.0, 8.0, 36.44, 112.0)),
    wm=st.sampled_from((1.5, 2.25, 3.0)), depth=st.integers(4, 28), group=st.sampled_from((1, 8, 48, 120)),
)  # fmt: skip
def test_regnets_plan_is_what_is_built(w0: int, wa: float, wm: float, depth: int, group: int) -> None:
    found = measured(widths.regnet(w0, wa, wm, depth, group))
    stages = plan(w0, wa, wm, depth, group)
    assert widths.built_widths(found) == [stage.width for stage in stages for _ in range(stage.depth)]
    assert widths.built_weights(found) == widths.stage_weights(w0, wa, wm, depth, group)


# ViT and Swin


def test_the_equations_by_hand() -> None:
    """Four tokens of three channels: 4·4·9 for projections, 2·16·3 for pairs; windows of one: 2·1·4·3."""
    assert sizes.global_attention(4, 3) == 144 + 96
    assert sizes.window_attention(4, 3, 1) == 144 + 24
    assert sizes.window_attention(49, 96, 7) == sizes.global_attention(49, 96)


@pytest.mark.parametrize(
    ("side", "patch", "window"), [(96, 16, 7), (224, 16, 7), (256, 8, 8), (448, 32, 7), (640, 16, 12)]
)
def test_equations_are_what_the_networks_do(side: int, patch: int, window: int) -> None:
    vit, swin = measured(sizes.vit_net(side, patch)), measured(sizes.swin_net(side, window))
    assert (vit.attention, vit.macs) == (sizes.vit_attention(side, patch), sizes.vit_macs(side, patch))
    assert (swin.attention, swin.macs) == (sizes.swin_attention(side, window), sizes.swin_macs(side, window))


def test_one_network_over_its_sides() -> None:
    """ViT by hand: 64 patches and the class token, 48 wide, 3 blocks. Pairs go by the side's 4th power."""
    vit = sizes.over_sides(Specimen("vit_classroom"), 32)
    whole, pairs, counted, own = vit.series
    at = whole.x.index(32.0)
    assert (whole.y[at], pairs.y[at]) == (3 * (4 * 65 * 48**2 + 2 * 65**2 * 48), 3 * 2 * 65**2 * 48)
    assert pairs.y[whole.x.index(128.0)] / pairs.y[whole.x.index(64.0)] == pytest.approx(16, rel=0.02)
    assert (own.kind, own.x) == ("mark", (32.0,))
    swin = sizes.over_sides(Specimen("swin_classroom"), 32)
    windows, without, _, _ = swin.series
    assert windows.y[windows.x.index(128.0)] == 4 * windows.y[windows.x.index(64.0)]
    assert windows.y[-1] < without.y[-1] / 4  # at 128 px, where the first map has 64 tokens a side
    for chart in (vit, swin, sizes.over_sides(Specimen("vit_classroom", knobs=(("depth", 2),)), 32)):
        formula, counted = chart.series[0], chart.series[2]
        assert len(counted.x) == 4
        assert all(formula.y[formula.x.index(x)] == y for x, y in zip(counted.x, counted.y, strict=True))


def test_half_of_vit_is_pairs_at_six_c_tokens() -> None:
    """The page's answer: N = 6 C = 2,304 patches of 16 px, 768 px."""
    assert sizes._vit_share(768, 16) == pytest.approx(49.7, abs=0.05)
    assert sizes._vit_share(784, 16) > 50
    assert sizes._share(sizes.vit_net(768, 16)) == pytest.approx(sizes._vit_share(768, 16))


# Records


def test_a_net_knows_its_row_and_its_knobs() -> None:
    assert Net("mobilenet_v1", 224, (("width", 0.5),)).specimen() == zoo.Specimen("mobilenet_v1_05")
    assert Net("wrn28_10_cifar10", 32, (("depths", (2, 2, 2)), ("k", 10))).specimen() == zoo.Specimen(
        "wrn16_10_cifar10"
    )
    phi = Net("efficientnet_b0", 224, (("phi", 1.5),)).specimen()
    assert phi == zoo.Specimen("efficientnet_b0", knobs=(("phi", 1.5),))
    assert Net("efficientnet_b0", 224, (("phi", 6.5),)).specimen() is None


def test_the_difference_is_a_share_of_the_formula() -> None:
    assert Check(what="", formula=200, real=250).difference == pytest.approx(0.25)


@pytest.mark.parametrize("name", ["efficientnet_b3", "vit_s_16", "swin_t", "densenet121"])
def test_measured_counts_are_the_registrys(name: str) -> None:
    row, found = zoo.variant(name), measured(Net(name, zoo.variant(name).input_size))
    assert row.published
    assert (found.params, found.macs) == (row.published.params, row.published.macs)
    assert set(COUNTS) == {"macs", "params"}
