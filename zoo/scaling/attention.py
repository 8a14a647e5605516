"""ViT and Swin on larger pictures: attention between all tokens, or inside windows.

Liu et al. 2021, arXiv:2103.14030, equations 1 and 2; ViT: Dosovitskiy et al. 2020, arXiv:2010.11929.

h x w tokens of C channels, M side of a window, P side of a patch.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from zoo.registry import arguments_of, family_of, variant
from zoo.scaling.records import (
    Chart,
    Check,
    Fact,
    Law,
    Net,
    Series,
    Slider,
    Turned,
    View,
    describe,
    line,
    measured,
    networks,
    published,
)
from zoo.specimen import Specimen

_VIT, _SWIN = "vit_s_16", "swin_t"  # at 224 px they cost about the same
_PATCH = 4  # of a Swin that names no other
SIDES = tuple(float(s) for s in (96, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 672, 768, 896, 1024))
_FIXED = (96.0, 224.0, 448.0, 672.0, 896.0)
_TIMES = (0.5, 0.625, 0.75, 0.875, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4)  # of a network's own side
COUNTED = {"attention": "Attention", "macs": "Network"}
_OF = {"attention": "attention", "macs": "the whole network"}


def global_attention(tokens: int, channels: int) -> int:
    """Equation 1, for any number of tokens: 4 hw C^2 + 2 (hw)^2 C."""
    return 4 * tokens * channels**2 + 2 * tokens**2 * channels


def window_attention(tokens: int, channels: int, window: int) -> int:
    """Equation 2: 4 hw C^2 + 2 M^2 hw C. Windows must cover the map."""
    return 4 * tokens * channels**2 + 2 * window**2 * tokens * channels


def vit_tokens(side: int, patch: int) -> int:
    """Patches, and the class token."""
    return (side // patch) ** 2 + 1


def vit_attention(side: int, patch: int, config: Mapping[str, Any] = variant(_VIT).config) -> int:
    attention = global_attention(vit_tokens(side, patch), config["width"])
    return int(config["depth"] * attention)


def vit_macs(side: int, patch: int) -> int:
    """Equation 1, the MLPs with 8 hw C^2, the projection of the patches and the head."""
    config = variant(_VIT).config
    tokens, width, depth = vit_tokens(side, patch), config["width"], config["depth"]
    mlp = 8 * tokens * width**2
    return int(vit_attention(side, patch) + depth * mlp + (tokens - 1) * 3 * patch**2 * width + 1000 * width)


def swin_maps(side: int, config: Mapping[str, Any] = variant(_SWIN).config) -> Iterator[tuple[int, int, int]]:
    """Of each stage: the side of its map in tokens, its channels, its blocks. A merge pads odd maps."""
    across = side // config.get("patch", _PATCH)
    for stage, depth in enumerate(config["depths"]):
        yield across, config["width"] * 2**stage, depth
        across = -(-across // 2)


def swin_attention(side: int, window: int, config: Mapping[str, Any] = variant(_SWIN).config) -> int:
    """Equation 2 for every block, on maps padded to whole windows."""
    total = 0
    for across, channels, depth in swin_maps(side, config):
        padded = -(-across // window) * window
        total += depth * window_attention(padded**2, channels, window)
    return total


def swin_macs(side: int, window: int) -> int:
    """Equation 2, the MLPs, the merges of 2x2 tokens, the projection of the patches and the head."""
    total, last = swin_attention(side, window), 0
    for across, channels, depth in swin_maps(side):
        merge = across**2 * 4 * last * 2 * last  # 4C to 2C for each token of the smaller map
        patches = 0 if last else across**2 * 3 * 4**2 * channels
        total += merge + patches + depth * 8 * across**2 * channels**2
        last = channels
    return int(total + 1000 * last)


def vit_net(side: int, patch: int) -> Net:
    return Net(_VIT, side, (("patch", patch),) if patch != 16 else ())


def swin_net(side: int, window: int) -> Net:
    return Net(_SWIN, side, (("window", window),) if window != 7 else ())


def _sizes(turned: Turned, quantity: str) -> View:
    side, patch, window = int(turned["side"]), int(turned["patch"]), int(turned["window"])
    vit, swin = vit_net(side, patch), swin_net(side, window)
    of_vit, of_swin = (vit_attention, swin_attention) if quantity == "attention" else (vit_macs, swin_macs)
    main = Chart(
        key="sizes",
        title=f"ViT-S and Swin-T: MACs of {_OF[quantity]}",
        x="side of the picture, px",
        y=f"MACs of {_OF[quantity]}",
        log_x=True,
        log_y=True,
        series=(
            line("equation 1, ViT-S", "formula", SIDES, lambda s: of_vit(int(s), patch)),
            line("equation 2, Swin-T", "formula", SIDES, lambda s: of_swin(int(s), window), group=1),
            networks("ViT-S/16", [(s, vit_net(int(s), 16)) for s in _FIXED], quantity),
            networks("Swin-T, M = 7", [(s, swin_net(int(s), 7)) for s in _FIXED], quantity, group=1),
            published("published at 224 px", [(224.0, _VIT), (224.0, _SWIN)], quantity, labelled=False),
            networks("yours, ViT", [(side, vit)], quantity, kind="chosen"),
            networks("yours, Swin", [(side, swin)], quantity, kind="chosen", group=1),
        ),
        note="sizes figure",
    )
    share = Chart(
        key="share",
        title="What comparing tokens takes of all MACs",
        x="side of the picture, px",
        y="share of the network's MACs, %",
        log_x=True,
        series=(
            line("2 (hw)² C, ViT-S", "formula", SIDES, lambda s: _vit_share(int(s), patch)),
            line("2 M² hw C, Swin-T", "formula", SIDES, lambda s: _swin_share(int(s), window), group=1),
            _shares("ViT-S/16", [vit_net(int(s), 16) for s in _FIXED], 0),
            _shares("Swin-T, M = 7", [swin_net(int(s), 7) for s in _FIXED], 1),
            Series(name="yours, ViT", kind="chosen", x=(side,), y=(_share(vit),)),
            Series(name="yours, Swin", kind="chosen", x=(side,), y=(_share(swin),), group=1),
        ),
        note="share figure",
    )  # fmt: skip
    tokens = vit_tokens(side, patch)
    return View(
        charts=(main, share),
        checks=tuple(
            Check(what=f"{title}: {words}", formula=formula, real=real, exact=True)
            for title, words, formula, real in (
                ("ViT-S", "attention, equation 1", vit_attention(side, patch), measured(vit).attention),
                ("Swin-T", "attention, equation 2", swin_attention(side, window), measured(swin).attention),
                ("ViT-S", "all MACs", vit_macs(side, patch), measured(vit).macs),
                ("Swin-T", "all MACs", swin_macs(side, window), measured(swin).macs),
            )
        ),
        facts=(
            Fact(
                label="A token meets",
                value=f"{tokens:,} / {window**2}",
                meaning="In ViT all tokens, patches and class token, in every block; in Swin the M² of its "
                "window, however large the picture.",
            ),
            Fact(
                label="ViT over Swin, MACs", value=f"× {measured(vit).macs / measured(swin).macs:.2f}",
                meaning="Of the whole networks, as counted.",
            ),
        ),
        nets=(vit, swin),
        beside=(),
    )  # fmt: skip


def over_sides(specimen: Specimen, size: int) -> Chart:
    """What attention costs in one ViT or Swin around pictures of `size`: its equation, and networks counted.

    Beside it stand, of ViT, the products of tokens with tokens alone, which grow with the fourth power of the
    side; of Swin, equation 1 on the same maps: what it would cost without windows.
    """
    row = variant(specimen.variant)
    config = arguments_of(row.name, None, None, dict(specimen.knobs))
    other = ("num_classes", "input_size")
    turned = tuple((k, v) for k, v in config.items() if k not in other and row.config.get(k) != v)
    patch = config.get("patch", _PATCH)
    sides = {times: patch * max(1, round(size * times / patch)) for times in _TIMES}
    xs = tuple(float(side) for side in sides.values())
    if family_of(row.name).key == "vit":
        lines = (
            line(
                "equation 1: 4 hw C² + 2 (hw)² C",
                "formula",
                xs,
                lambda s: vit_attention(int(s), patch, config),
            ),
            line("of it 2 (hw)² C", "leading", xs, lambda s: _pairs(int(s), patch, config)),
        )
    else:
        window = config["window"]
        lines = (
            line(
                "equation 2: 4 hw C² + 2 M² hw C",
                "formula",
                xs,
                lambda s: swin_attention(int(s), window, config),
            ),
            line(
                "equation 1, without windows", "leading", xs, lambda s: _unwindowed(int(s), config), group=1
            ),
        )
    counted = [(float(sides[times]), Net(row.name, sides[times], turned)) for times in (0.5, 1, 2, 4)]
    return Chart(
        key="own sizes",
        title=f"{row.title}: MACs of attention",
        x="side of the picture, px",
        y="MACs of attention",
        log_x=True,
        log_y=True,
        series=(
            *lines,
            networks("the network, counted", counted, "attention"),
            Series(name="its own size", kind="mark", x=(float(size),), y=()),
        ),
        note="cost",
    )


def _pairs(side: int, patch: int, config: Mapping[str, Any]) -> int:
    return int(config["depth"] * 2 * vit_tokens(side, patch) ** 2 * config["width"])


def _unwindowed(side: int, config: Mapping[str, Any]) -> int:
    return sum(
        depth * global_attention(across**2, channels) for across, channels, depth in swin_maps(side, config)
    )


def _shares(name: str, nets: Sequence[Net], group: int) -> Series:
    return Series(
        name=name,
        kind="networks",
        group=group,
        x=tuple(float(net.size) for net in nets),
        y=tuple(map(_share, nets)),
        texts=tuple(map(describe, nets)),
    )


def _share(net: Net) -> float:
    return 100 * measured(net).pairs / measured(net).macs


def _vit_share(side: int, patch: int) -> float:
    return 100 * _pairs(side, patch, variant(_VIT).config) / vit_macs(side, patch)


def _swin_share(side: int, window: int) -> float:
    pairs = sum(
        depth * 2 * window**2 * (-(-across // window) * window) ** 2 * channels
        for across, channels, depth in swin_maps(side)
    )
    return 100 * pairs / swin_macs(side, window)


ATTENTION = Law(
    key="attention",
    title="ViT and Swin",
    source="Liu et al. 2021, equations 1 and 2",
    formulas=(
        r"\Omega(\text{MSA}) = 4 h w C^2 + 2 (h w)^2 C",
        r"\Omega(\text{W-MSA}) = 4 h w C^2 + 2 M^2 h w C",
    ),
    sliders=(
        Slider(
            name="side", label="Picture, px", steps=SIDES, default=448,
            meaning="height and width of the picture",
        ),
        Slider(
            name="patch", label="P, ViT's patch", steps=(8, 16, 32), default=16,
            meaning="side of a patch in pixels; h = w = side / P",
        ),
        Slider(
            name="window", label="M, Swin's window", steps=(4, 7, 8, 12, 14, 16), default=7,
            meaning="side of a window in tokens; maps are padded to whole windows",
        ),
    ),
    quantities=COUNTED,
    view=_sizes,
)  # fmt: skip
