"""Live training in the terminal: `python -m training run`, and what it leaves behind.

    python -m training run recipe.json --epochs 5 --rate 0.1     a recipe, or the default one, with changes
    python -m training run --variant vgg_classroom --knob width=32 --data fashion-mnist
    python -m training list
    python -m training show ID
    python -m training resume ID                                  paused, stopped, interrupted or failed
    python -m training fork ID --epoch 5 --rate 0.01              take over from a checkpoint
    python -m training export ID --to FOLDER                      curves (CSV), recipe (JSON), checkpoint

Ctrl-C pauses a run. Runs are those of the app: $ZOOLENS_RUNS, or the folder `runs` beside the code.
"""

import argparse
import json
import math
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

from training.curves import as_csv
from training.events import Changed, Done, Epoch, Evaluation, Event, Failed, Started
from training.pool import Pool
from training.recipe import ACCEPTED, LIMITS, Recipe
from training.runs import ENDED, Runs
from zoo import Specimen, limits

_GLANCE = 0.05  # seconds between two looks at a log
_OVER = (*ENDED, "paused")


def _add_fields(parser: argparse.ArgumentParser) -> None:
    """An option for each field of a recipe, and the specimen's parts."""
    types = get_type_hints(Recipe)
    for each in fields(Recipe):
        if each.name == "specimen":
            continue
        kinds = get_args(types[each.name]) if isinstance(types[each.name], UnionType) else (types[each.name],)
        option, kind = f"--{each.name.replace('_', '-')}", kinds[0]
        told = f"default {each.default}"
        if each.name in LIMITS:
            least, most = LIMITS[each.name]
            told = f"{least:g} to {most:g}, {told}"
        if kind is bool:
            parser.add_argument(
                option, dest=each.name, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS,
                help=told,
            )  # fmt: skip
        else:
            choices = tuple(ACCEPTED[each.name]) if each.name in ACCEPTED else None
            read: Callable[[str], Any] = _or_none(kind) if type(None) in kinds else kind
            parser.add_argument(
                option, dest=each.name, type=read, choices=choices, default=argparse.SUPPRESS, help=told,
                metavar=None if choices else "X",
            )  # fmt: skip
    parser.add_argument("--variant", help="the network, such as resnet_classroom")
    parser.add_argument(
        "--knob", action="append", default=[], metavar="NAME=VALUE", help="a knob of it; can be repeated"
    )


def _or_none(kind: type) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        return None if text == "none" else kind(text)

    read.__name__ = kind.__name__  # argparse names it where the text is no such thing
    return read


def _changes(options: argparse.Namespace, recipe: Recipe) -> dict[str, Any]:
    """The fields that the command line names."""
    names = {each.name for each in fields(Recipe)}
    named = {name: value for name, value in vars(options).items() if name in names}
    if options.variant or options.knob:
        query = {"variant": options.variant or recipe.specimen.variant}
        turned = [] if options.variant else [f"{k}:{v}" for k, v in recipe.specimen.knobs]
        turned += [each.replace("=", ":", 1) for each in options.knob]
        named["specimen"] = Specimen.from_query(query | {"knobs": ",".join(turned)})
    return named


def _line(event: Event, t: float) -> str:
    """What the terminal says of an event; empty for most."""
    at = f"epoch {event.epoch:3}  {t:7.1f} s" if isinstance(event, Epoch | Evaluation) else ""
    match event:
        case Started():
            return (
                f"{event.params:,} parameters, {event.macs:,} MACs an image; {event.images:,} pictures, "
                f"{event.steps_per_epoch} steps an epoch"
            )
        case Epoch():
            return f"{at}   training    loss {event.loss:.4f}  {event.accuracy:6.1%}"
        case Evaluation():
            named = "validation" if event.weights == "raw" else event.weights
            return f"{at}   {named:10}  loss {event.loss:.4f}  {event.accuracy:6.1%}"
        case Changed():
            return f"step {event.step:,}: learning rate {event.rate:g}"
        case Done():
            return f"{event.reason} after {event.epoch} epochs and {t:.1f} s"
        case Failed():
            return event.reason
    return ""


def _follow(pool: Pool, id: str, after: int) -> int:
    """Print what happens until the run rests; Ctrl-C pauses it. The exit code."""
    runs = pool.runs
    try:
        while True:
            over = runs.status(id) in _OVER
            after = _say(runs, id, after)
            if over:
                break
            time.sleep(_GLANCE)
    except KeyboardInterrupt:
        pool.pause(id)
        while runs.status(id) not in _OVER:
            time.sleep(_GLANCE)
        _say(runs, id, after)
    status = runs.status(id)
    if status != "finished":
        does = "tries again" if status == "failed" else "goes on"
        print(f"{status}; `python -m training resume {id}` {does}")
    return 1 if status == "failed" else 0


def _say(runs: Runs, id: str, after: int) -> int:
    logged, after = runs.events(id, after)
    for each in logged:
        if line := _line(each.event, each.t):
            print(line, flush=True)
    return after


def _run(runs: Runs, options: argparse.Namespace) -> int:
    recipe = Recipe.from_json(_text(options.recipe)) if options.recipe else Recipe()
    recipe = replace(recipe, **_changes(options, recipe))
    limit = math.inf if options.minutes is None else options.minutes * 60
    return _work(runs, lambda pool: pool.submit(recipe, limit=limit), 0)


def _resume(runs: Runs, options: argparse.Namespace) -> int:
    status = runs.status(options.id)
    if status not in ("paused", "stopped", "failed", "interrupted"):
        raise ValueError(f"The run {options.id} is {status}: nothing to resume.")

    def resume(pool: Pool) -> str:
        pool.play(options.id)
        return options.id

    return _work(runs, resume, runs.events(options.id)[1])


def _fork(runs: Runs, options: argparse.Namespace) -> int:
    changes = _changes(options, runs.recipe(options.id))
    return _work(runs, lambda pool: pool.fork(options.id, options.epoch, changes), 0)


def _work(runs: Runs, begin: Callable[[Pool], str], after: int) -> int:
    """Train one run here, in a process that ends with this one."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    pool = Pool(runs, keep_warm=False)
    try:
        id = begin(pool)
        print(f"run {id}: {runs.recipe(id).title}", flush=True)
        return _follow(pool, id, after)
    finally:
        pool.close()


def _list(runs: Runs, options: argparse.Namespace) -> int:
    for run in runs.list():
        title = run.meta.title if run.meta else run.why
        print(f"{run.id:12} {run.status:12} {run.meta.created if run.meta else '':26} {title}")
    return 0


def _show(runs: Runs, options: argparse.Namespace) -> int:
    recipe, meta = runs.recipe(options.id), runs.meta(options.id)
    print(f"{meta.title}, {runs.status(options.id)}. {runs.why(options.id)}".rstrip())
    print(f"created {meta.created} on {meta.machine}")
    if meta.parent:
        print(f"taken over from {meta.parent}")
    print("checkpoints: " + (" ".join(runs.checkpoints(options.id)) or "none"))
    default = json.loads(Recipe().to_json())
    turned = {k: v for k, v in json.loads(recipe.to_json()).items() if v != default[k]}
    print("recipe, where it is not the default: " + (json.dumps(turned) if turned else "everywhere"))
    _say(runs, options.id, 0)
    return 0


def _export(runs: Runs, options: argparse.Namespace) -> int:
    names = runs.checkpoints(options.id)
    to: Path = options.to or Path(options.id)
    to.mkdir(parents=True, exist_ok=True)
    (to / "curves.csv").write_text(as_csv(runs.events(options.id)[0]))
    (to / "recipe.json").write_text(runs.recipe(options.id).to_json() + "\n")
    wanted = options.checkpoint or max((name for name in names if name.isdigit()), default=None)
    if wanted is not None:
        wanted = f"{int(wanted):04d}" if wanted.isdigit() else wanted
        shutil.copyfile(runs.checkpoint(options.id, wanted), to / f"{wanted}.safetensors")
    print("\n".join(str(path) for path in sorted(to.iterdir())))
    return 0


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        raise ValueError(f"There is no recipe to read at {path}.") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="run | list | show | resume | fork | export")
    run = commands.add_parser("run", help="train a recipe")
    run.add_argument("recipe", nargs="?", type=Path, help="a file; without it: the default recipe")
    _add_fields(run)
    run.add_argument(
        "--minutes", type=_or_none(float), default=limits.RUN_MINUTES.value, metavar="X",
        help=f"of training at most, or none; default {limits.RUN_MINUTES.value}",
    )  # fmt: skip
    run.set_defaults(does=_run)
    commands.add_parser("list", help="all runs, the newest first").set_defaults(does=_list)
    for name, does, told in (
        ("show", _show, "what a run told"),
        ("resume", _resume, "let a run go on where it was"),
        ("fork", _fork, "a new run that goes on from a checkpoint of another"),
        ("export", _export, "curves, recipe and a checkpoint as files"),
    ):
        command = commands.add_parser(name, help=told)
        command.add_argument("id", help="of the run, as `list` shows it")
        command.set_defaults(does=does)
        if name == "fork":
            command.add_argument(
                "--epoch", type=int, required=True, help="from the last checkpoint until here"
            )
            _add_fields(command)
        if name == "export":
            command.add_argument("--to", type=Path, help="a folder; default: the id")
            command.add_argument("--checkpoint", help="an epoch, best or last; default: the last epoch kept")
    return parser


def main(arguments: list[str] | None = None) -> int:
    try:
        options = _parser().parse_args(arguments)
        return int(options.does(Runs(), options))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
