"""Who may steer a run: the browser that began it and the presenter. All others may watch and take it over.

And who may delete a reader's own pictures: likewise. All others may train on them.

What is drawn follows from this, and so does what is done, whatever was offered when a button was pressed.
"""

from collections.abc import Callable

from training.data import OWN, store
from training.owners import marked
from training.runs import Runs
from ui import browser, presenter, prose


def may(runs: Runs, id: str) -> bool:
    """Whether this reader may steer the run.

    What is nobody's, as a run from the terminal, is everybody's; where there may be a presenter, only theirs.
    """
    try:
        owner = runs.meta(id).owner
    except ValueError:  # deleted, or damaged
        return False
    return _owns(owner, id)


def may_delete(name: str) -> bool:
    """Whether this reader may delete the data set `own:<name>`, likewise."""
    try:
        owner = str(store.facts(store.own(name)).get("owner", ""))
    except (OSError, ValueError):  # gone, or damaged: then it is of use to nobody
        owner = ""
    return _owns(owner, OWN + name)


def _owns(owner: str, id: str) -> bool:
    if presenter.allowed():
        return True
    return marked(owner, browser.secret(), id) if owner else not presenter.expected()


def steer(runs: Runs, id: str, press: Callable[..., object], *args: object) -> None:
    """Do something to a run: `press(id, *args)`. ValueError with a sentence for those who may not."""
    if not may(runs, id):
        raise ValueError(why())
    press(id, *args)


def why(what: str = "run") -> str:
    """Why a reader may not steer a run or a race, or delete pictures, in sentences."""
    words = prose.words("rights")
    return f"{words[what]}{' ' + words['presenter'] if presenter.expected() else ''}."
