"""The block that makes a family what it is, described for `miniature`; one row for each family.

A family without a row gets the picture of its kind.
"""

from collections.abc import Mapping
from types import MappingProxyType

from viz.figures.miniature import Box, Chain, act, attention, conv, fork, grid, linear, norm, pool

KINDS: Mapping[str, Chain] = MappingProxyType(
    {
        "plain": (
            conv("3×3", 36),
            act(height=36),
            conv("3×3", 48),
            act(height=48),
            pool(height=48),
            linear("linear", 64),
        ),
        "branches": (fork((conv("1×1", 24),), (conv("3×3", 24),), (conv("5×5", 24),), join="‖"),),
        "shortcuts": (fork((conv("3×3"), act(), conv("3×3")), ()), act()),
        "mobile": (
            fork((conv("1×1", 60), act("ReLU", 60), conv("dw", 60), act("ReLU", 60), conv("1×1", 32)), ()),
        ),
        "attention": (fork((norm("LN", 40), attention()), ()), fork((norm("LN", 40), linear("MLP", 60)), ())),
    }
)

SIGNATURES: Mapping[str, Chain] = MappingProxyType(
    {
        # Six feature maps, then sixteen, each halved by pooling, then a small classifier.
        "lenet": (
            conv("5×5", 22),
            pool("pool", 22),
            conv("5×5", 36),
            pool("pool", 36),
            linear("120", 62),
            linear("84", 50),
            linear("10", 26),
        ),
        # Two towers, one for each of two GPUs.
        "alexnet": (
            fork(
                (conv("11×11", 40), pool("pool", 40), conv("5×5", 46), conv("3×3", 46)),
                (conv("11×11", 40), pool("pool", 40), conv("5×5", 46), conv("3×3", 46)),
                join="",
            ),
            linear("4096", 96),
            linear("4096", 96),
        ),
        # The way up, and the way back down that shows what a unit has seen.
        "zfnet": (
            fork(
                (conv("7×7", 44), act("ReLU", 44), pool("pool", 44), conv("5×5", 44), act("ReLU", 44)),
                (
                    conv("deconv", 44),
                    act("ReLU", 44),
                    pool("unpool", 44),
                    conv("deconv", 44),
                    act("ReLU", 44),
                ),
                join="",
            ),
        ),
        # The classifier slides over the map, and the best place counts.
        "overfeat": (
            conv("11×11", 40),
            pool("pool", 40),
            conv("3×3", 52),
            pool("pool", 52),
            conv("6×6", 96),
            conv("1×1", 96),
            conv("1×1", 60),
            pool("max", 60),
        ),
        # A small network of 1×1 convolutions slides over the image.
        "nin": (
            conv("5×5", 56),
            act("ReLU", 56),
            conv("1×1", 56),
            act("ReLU", 56),
            conv("1×1", 56),
            act("ReLU", 56),
        ),
        # 3×3, again and again; twice as many channels after each pooling.
        "vgg": (
            conv("3×3", 24),
            conv("3×3", 24),
            pool("", 24),
            conv("3×3", 44),
            conv("3×3", 44),
            pool("", 44),
            conv("3×3", 76),
            conv("3×3", 76),
        ),
        "googlenet": (
            fork(
                (conv("1×1", 20),),
                (conv("1×1", 20), conv("3×3", 20)),
                (conv("1×1", 20), conv("5×5", 20)),
                (pool("", 20), conv("1×1", 20)),
                join="‖",
            ),
        ),
        # Batch norm before every activation; two 3×3 in place of the 5×5.
        "bn_inception": (
            fork(
                (conv("1×1", 20), norm("BN", 20), act("ReLU", 28)),
                (conv("3×3", 20), norm("BN", 20), act("ReLU", 28)),
                (
                    *(conv("3×3", 20), norm("BN", 20), act("ReLU", 28)),
                    *(conv("3×3", 20), norm("BN", 20), act("ReLU", 28)),
                ),
                join="‖",
            ),
        ),
        # A 7×7 from one-dimensional kernels, and once more.
        "inception_v3": (
            fork(
                (conv("1×1", 18),),
                (conv("1×1", 18), conv("1×7", 18), conv("7×1", 18)),
                (conv("1×1", 18), conv("7×1", 18), conv("1×7", 18), conv("7×1", 18), conv("1×7", 18)),
                (pool("", 18), conv("1×1", 18)),
                join="‖",
            ),
        ),
        "resnet": (
            fork((conv("3×3", 56), norm("BN", 56), act("ReLU", 56), conv("3×3", 56), norm("BN", 56)), ()),
            act("ReLU", 56),
        ),
        # Norm and ReLU first; nothing behind the sum.
        "preresnet": (
            fork(
                (
                    norm("BN", 56),
                    act("ReLU", 56),
                    conv("3×3", 56),
                    norm("BN", 56),
                    act("ReLU", 56),
                    conv("3×3", 56),
                ),
                (),
            ),
        ),
        # 3×3, and 1×1 in between that squeeze the channels.
        "darknet": (
            pool("", 60),
            conv("3×3", 76),
            act("leaky", 76),
            conv("1×1", 40),
            act("leaky", 40),
            conv("3×3", 76),
            act("leaky", 76),
        ),
        # Few channels become many.
        "wide_resnet": (
            fork((norm("BN", 40), act("ReLU", 40), conv("3×3", 92), act("ReLU", 92), conv("3×3", 92)), ()),
        ),
        # Now and then a block is only its shortcut.
        "stochastic_depth": (
            fork((conv("3×3", 44),), ()),
            fork((act("skip", 24),), ()),
            fork((conv("3×3", 44),), ()),
        ),
        # Few channels in front of the 3×3, many behind it.
        "squeezenet": (
            conv("1×1", 22),
            act("ReLU", 22),
            fork((conv("1×1", 40), act("ReLU", 40)), (conv("3×3", 40), act("ReLU", 40)), join="‖"),
        ),
        # Narrow Inception branches beside a shortcut; a tenth of them is added.
        "inception_resnet": (
            fork(
                (
                    fork(
                        (conv("1×1", 24),),
                        (conv("1×1", 24), conv("1×7", 24), conv("7×1", 24)),
                        join="‖",
                    ),
                    conv("1×1", 40),
                    act("× 0.1", 40),
                ),
                (),
            ),
            act("ReLU", 40),
        ),
        # The last module: its branches fork once more.
        "inception_v4": (
            fork(
                (conv("1×1", 16),),
                (conv("1×1", 16), fork((conv("", 8),), (conv("", 8),), join="‖")),
                (
                    *(conv("1×1", 16), conv("3×1", 16), conv("1×3", 16)),
                    fork((conv("", 8),), (conv("", 8),), join="‖"),
                ),
                (pool("", 16), conv("1×1", 16)),
                join="‖",
            ),
        ),
        # One layer beside two, and all that beside one, joined.
        "fractalnet": (
            fork(
                (conv("3×3", 26),),
                (
                    fork((conv("3×3", 26),), (conv("3×3", 26), conv("3×3", 26))),
                    fork((conv("3×3", 26),), (conv("3×3", 26), conv("3×3", 26))),
                ),
            ),
        ),
        # 32 narrow bottlenecks side by side.
        "resnext": (
            fork(
                (
                    fork(
                        (conv("1×1", 16), conv("3×3", 16), conv("1×1", 24)),
                        (conv("1×1", 16), conv("3×3", 16), conv("1×1", 24)),
                        (conv("1×1", 16), conv("3×3", 16), conv("1×1", 24)),
                    ),
                ),
                (),
            ),
        ),
        # Every layer reads what all layers before it wrote.
        "densenet": (fork((conv("3×3", 28),), (), join="‖"),) * 4,
        # Each channel by itself, then all of them at one pixel.
        "mobilenet_v1": (
            conv("3×3 dw", 56),
            act("ReLU", 56),
            conv("1×1", 56),
            act("ReLU", 56),
        ),
        # The branch's channels are averaged over the map, and each gets a factor.
        "senet": (
            fork(
                (
                    conv("3×3", 30),
                    conv("3×3", 30),
                    fork((), (pool("avg", 30), linear("1/r", 20), linear("C", 30)), join="×"),
                ),
                (),
            ),
        ),
        # The groups of the 1×1 convolutions hear from each other by the shuffle alone.
        "shufflenet_v1": (
            fork(
                (
                    fork((conv("1×1", 18),), (conv("1×1", 18),), (conv("1×1", 18),), join=""),
                    act("shuffle", 66),
                    conv("dw", 66),
                    fork((conv("1×1", 18),), (conv("1×1", 18),), (conv("1×1", 18),), join=""),
                ),
                (),
            ),
        ),
        # The trunk, weighed by what an hourglass beside it makes of a wide view.
        "residual_attention": (
            fork(
                (conv("3×3", 40), conv("3×3", 40)),
                (pool("pool", 40), conv("3×3", 30), pool("", 16), conv("3×3", 30), act("σ", 40)),
                join="×",
            ),
        ),
        # One block feeds two paths: the inner one adds, the outer one concatenates.
        "dpn": (fork((fork((conv("1×1", 24), conv("3×3", 24), conv("1×1", 36)), ()),), (), join="‖"),),
        # Spatial convolutions in few groups, then 1×1 in many, with the channels interleaved between them.
        "igc": (
            fork((conv("3×3", 40),), (conv("3×3", 40),), join=""),
            act("permute", 87),
            fork((conv("1×1", 22),), (conv("1×1", 22),), (conv("1×1", 22),), join=""),
            act("back", 87),
        ),
        # One half passes, the other is worked on, and both are dealt out anew.
        "shufflenet_v2": (
            fork((), (conv("1×1", 36), conv("dw", 36), conv("1×1", 36)), join="‖"),
            act("shuffle", 60),
        ),
        # Two of the five pairs of operations that a search put into a cell.
        "nasnet": (
            fork(
                (fork((conv("5×5", 18),), (conv("3×3", 18),)),),
                (fork((pool("avg", 18),), ()),),
                join="‖",
            ),
        ),
        # Wide inside, narrow outside, and the shortcut joins the narrow ends.
        "mobilenet_v2": (
            fork(
                (conv("1×1", 78), act("ReLU6", 78), conv("dw", 78), act("ReLU6", 78), conv("1×1", 26)),
                (),
            ),
        ),
        # Two kernels, and a choice between them that depends on the picture.
        "sknet": (
            fork(
                (
                    conv("1×1", 32),
                    fork((conv("3×3", 36),), (conv("5×5", 36),), join=""),
                    attention("select", 70),
                    conv("1×1", 60),
                ),
                (),
            ),
        ),
        # Three kernels that become one.
        "acnet": (
            fork(
                (conv("3×3", 30), norm("BN", 30)),
                (conv("3×1", 30), norm("BN", 30)),
                (conv("1×3", 30), norm("BN", 30)),
            ),
            act("ReLU", 44),
        ),
        # Kernel and attention differ from stage to stage, as a search chose them.
        "mnasnet": (
            fork((conv("3×3", 60), conv("", 26)), ()),
            fork((conv("5×5", 60), attention("SE", 60), conv("", 26)), ()),
        ),
        # Straight lines in place of curves, around the same block.
        "mobilenet_v3": (
            fork(
                (
                    conv("1×1", 78),
                    act("h-swish", 78),
                    conv("dw", 78),
                    act("h-swish", 78),
                    attention("SE", 78),
                    conv("1×1", 26),
                ),
                (),
            ),
        ),
        # One block, made deeper, wider and larger at once.
        "efficientnet": (
            grid(2, side=20),
            conv("", 22),
            conv("", 22),
            grid(4, side=40),
            conv("MBConv", 60),
            conv("MBConv", 60),
            conv("MBConv", 60),
        ),
        # Blocks without a bottleneck, whose widths lie on a line.
        "regnet": tuple(fork((conv("3×3", height),), ()) for height in (20, 44, 68)),
        # Some maps are convolved, the others are cheap copies of them.
        "ghostnet": (
            conv("1×1", 34),
            act("ReLU", 34),
            fork((), (conv("dw", 34), act("ReLU", 34)), join="‖"),
        ),
        # Plain arithmetic only: no attention, no curves.
        "efficientnet_lite": (
            fork((conv("1×1", 72), act("ReLU6", 72), conv("dw", 72), act("ReLU6", 72), conv("1×1", 26)), ()),
        ),
        # Deep and narrow.
        "tinynet": (
            grid(4, side=40),
            conv("", 24),
            conv("", 24),
            conv("", 24),
            conv("", 24),
        ),
        # Groups of channels, each in two parts that are convolved alike, and a choice between the parts.
        "resnest": (
            fork(
                (
                    conv("1×1", 28),
                    fork(
                        (fork((conv("3×3", 17),), (conv("3×3", 17),), join=""), attention("select", 38)),
                        (fork((conv("3×3", 17),), (conv("3×3", 17),), join=""), attention("select", 38)),
                        join="‖",
                    ),
                    conv("1×1", 60),
                ),
                (),
            ),
        ),
        "vit": (
            grid(4),
            fork((norm("LN", 40), attention("attention", 64)), ()),
            fork((norm("LN", 40), linear("MLP", 64)), ()),
        ),
        # Three branches while it trains, one 3×3 ever after.
        "repvgg": (
            fork((conv("3×3", 24), norm("BN", 24)), (conv("1×1", 24), norm("BN", 24)), (norm("BN", 24),)),
            act("ReLU", 44),
            act("→", 24),
            conv("3×3", 44),
            act("ReLU", 44),
        ),
        # Windows, and in the next block windows moved by half.
        "swin": (
            grid(8, 4),
            fork((attention("attention", 60),), ()),
            grid(8, 4, 2),
            fork((attention("attention", 60),), ()),
        ),
        # The norm moves behind the attention, before the sum.
        "swin_v2": (
            grid(8, 4, side=30),
            fork((attention("cosine", 60), norm("LN", 40)), ()),
            grid(8, 4, 2, side=30),
            fork((attention("cosine", 60), norm("LN", 40)), ()),
        ),
        # No norm: standardised weights (WS), and a sum whose branch is scaled down by alpha.
        "nfnet": (
            fork(
                (
                    act("γ GELU", 50),
                    conv("WS 1×1", 50),
                    conv("WS 3×3", 50),
                    conv("WS 1×1", 50),
                    act("SE · α", 50),
                ),
                (),
            ),
        ),
        # One full 3×3 in place of a 1×1 and a depthwise 3×3.
        "efficientnet_v2": (
            fork((conv("", 78), conv("dw", 78), conv("", 26)), ()),
            fork((conv("3×3", 78), conv("", 26)), ()),
        ),
        # Before: wide outside, narrow inside. After: the other way round, and depthwise first.
        "modern_resnet": (
            fork(
                (Box("conv", "1×1", 20, 24), Box("conv", "3×3", 20, 24), Box("conv", "1×1", 20, 72)),
                (),
            ),
            fork((Box("conv", "dw", 20, 24), Box("conv", "1×1", 20, 72), Box("conv", "1×1", 20, 24)), ()),
        ),
        "convnext": (
            fork(
                (
                    conv("7×7 dw", 36),
                    norm("LN", 36),
                    linear("linear", 76),
                    act("GELU", 76),
                    linear("linear", 36),
                ),
                (),
            ),
        ),
    }
)


def signature(family: str, kind: str) -> Chain:
    """The description of a family's block; of its kind where nobody has described it."""
    return SIGNATURES.get(family, KINDS[kind])
