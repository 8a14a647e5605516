"""A network taken apart: every operation with its shape, cost and receptive field, and no arithmetic done."""

from zoo.anatomy.align import Alignment, align
from zoo.anatomy.excerpt import excerpt
from zoo.anatomy.graph import Graph, block_graph, graph
from zoo.anatomy.operations import MapVanishedError
from zoo.anatomy.receptive import Field, Reach, Segment, Span
from zoo.anatomy.records import Anatomy, Block, Layer
from zoo.anatomy.scales import Stage, Step, profile, scale_title, stages
from zoo.anatomy.trace import Link, dissect, reach_of, smallest_input, way_to

__all__ = [
    "Alignment",
    "Anatomy",
    "Block",
    "Field",
    "Graph",
    "Layer",
    "Link",
    "MapVanishedError",
    "Reach",
    "Segment",
    "Span",
    "Stage",
    "Step",
    "align",
    "block_graph",
    "dissect",
    "excerpt",
    "graph",
    "profile",
    "reach_of",
    "scale_title",
    "smallest_input",
    "stages",
    "way_to",
]
