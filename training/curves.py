"""The curves of a run as a table: a row for every step, epoch, evaluation and change of the rate."""

import csv
import io
from collections.abc import Sequence

from training.events import Changed, Epoch, Evaluation, Step
from training.runs import Logged

COLUMNS = ("kind", "epoch", "step", "seconds", "weights", "loss", "accuracy", "rate")


def as_csv(logged: Sequence[Logged]) -> str:
    """The table as CSV; what an event does not have is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for each in logged:
        if isinstance(each.event, Step | Epoch | Evaluation | Changed):
            writer.writerow(vars(each.event) | {"kind": each.event.kind, "seconds": each.t})
    return text.getvalue()
