"""Addresses that nobody wrote with care: whatever stands in one, a page is shown, and never an exception.

Which parameters a page has is found by opening it: those that its controls are bound to, and those that it
looks up. Each case opens a session of its own, as a link does.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from tests import synthetic
from tests.conftest import ROOT
from training.pool import Pool
from training.runs import Runs
from ui import cached, state

PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
CASES = int(os.environ.get("ZOOLENS_ADDRESSES", "600")) // len(PAGES) + 1
ROUNDS = 5  # in which the controls of a page are turned, to see what it looks up then
SMALL = "resnet_classroom,weights:shipped:resnet_shapes"
RUN = "made-up"

# What stands in addresses that work, of all pages: each may stand where another belongs.
WORDS = [
    SMALL, "lenet,weights:shipped:lenet_shapes", "vit_classroom", "lenet", "resnet_classroom", "mlp",
    f"resnet_classroom,weights:run:{RUN}@0002", "alexnet,weights:imagenet", "lenet;resnet_classroom",
    f"{SMALL};lenet", "lenet;lenet;lenet", "lenet,size:64,classes:10,width:32", "width:32", "depths.0:1",
    "classes:10", "imagenet", "random", "cat", "upload", "camera", "shapes:3:2", "shapes", "photos",
    "own:mine:1:1", RUN, f"{RUN};{RUN}", "0002", "newest", "conv.3", "conv", "class", "3,4", "0,0", "8.16",
    "17", "17.3", "17.3.4", "stages.0.1.relu2", "stages.0.1.relu2:17", "stem", "0:stem", "1:stages.0", "64",
    "1", "2", "0.5", "-0.25", "true", "false", "on", "off", "none", "vgg", "fashion-mnist", "sgd", "macs",
    "params", "circle", "tabby", f"{SMALL}|cat~500,500,500,500", "~1,2,3", "2012", "2,9", "code", "table",
]  # fmt: skip
ODD = [
    "", " ", "0", "-1", "-0", "+1", "1.", ".", ",", ";", ":", "~", "|", "@", "=", "1e999", "nan", "inf",
    "-inf", "9" * 30, "9" * 400, "1" + "0" * 5_000, "0x10", "1_000", "1,1,1", "1.1.1.1", "None", "True", "[]",
    "{}", "{0}", "²", "٣", "½", "Ⅷ", "ß", "\u202e", "\u200b", "\ufeff", "e\u0301" * 40, "😀" * 500,
    "a" * 20_000, ",".join("a" * 3_000), ";" * 3_000, "\0", "\r\n", "\x1b[31m", "\x7f", "\ufffd",
    "../../etc/passwd", "..", "/", "C:\\NUL", "run:..@0001", "lenet,weights:run:../x@0001",
    "lenet,weights:shipped:../x", "lenet,weights:run:@", f"lenet,weights:run:{RUN}@x", "lenet,weights:",
    "lenet,classes:0", "lenet,classes:1", "lenet,classes:99999999999", "vit_classroom,size:0",
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' OR 1=1 --", "%00", "%s%n", "$x$",
    ":material/home:", "[a](javascript:alert(1))", "`", "**", "__class__", "constructor",
]  # fmt: skip

Query = Mapping[str, str | Sequence[str]]


@pytest.fixture(scope="module")
def components() -> Any:
    """The components that are installed, which AppTest would look for again in every session."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    return app._bidi_component_manager


@pytest.fixture(autouse=True)
def one_run(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    root = tmp_path_factory.mktemp("addresses")
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("ZOOLENS_RUNS", str(root / "runs"))
    monkeypatch.setenv("ZOOLENS_DATA", str(root / "data"))
    synthetic.write(root / "runs", RUN)
    pool = Pool(Runs(root / "runs"), keep_warm=False)
    monkeypatch.setattr(cached, "pool", lambda: pool)
    yield
    pool.close()


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_no_address_breaks_a_page(page: str, components: Any) -> None:
    parameters, words = looked_up(page, components)
    networks = {f"{page}.net": SMALL, f"{page}.nets": f"{SMALL};lenet"}
    small = {name: word for name, word in networks.items() if name in parameters}

    @settings(max_examples=CASES, derandomize=True, database=None, deadline=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.dictionaries(st.sampled_from([*parameters, "nobody's"]), values(words), min_size=1, max_size=3))
    def address(query: Query) -> None:
        app = opened(page, {**small, **query}, components)
        assert not app.exception, [(each.value, each.stack_trace) for each in app.exception]
        if "background.reader" in app.session_state:  # the window is closed, and nobody waits for its work
            for jobs in (cached.background(), cached.quick(), cached.occlusions()):
                jobs.leave(app.session_state["background.reader"])

    address()


def opened(page: str, query: Query, components: Any) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app._bidi_component_manager = components
    app.switch_page(f"pages/{page}.py")
    app.query_params.update(query)
    return app.run()


def values(words: Sequence[str]) -> st.SearchStrategy[str | list[str]]:
    """What may stand in an address: `words` that the page knows, others', one character off, or odd."""
    known = [*WORDS, *words]
    character = st.sampled_from([*"0129,;:.@-~/ aZ_é\0", ""])
    changed = st.builds(
        lambda word, at, put, gone: word[: at % (len(word) + 1)] + put + word[at % (len(word) + 1) + gone :],
        st.sampled_from(known), st.integers(0, 40), character, st.integers(0, 1),
    )  # fmt: skip
    anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    one = st.one_of(st.sampled_from(ODD), st.sampled_from(known), changed, anything)
    return st.one_of(one, one, one, st.lists(one, min_size=2, max_size=3))


class _Watched(dict[str, str]):
    """The parameters of an address; remembers which were looked for."""

    def __init__(self, query: Mapping[str, str], asked: set[str]) -> None:
        super().__init__(query)
        self._asked = asked

    def get(self, name: str, default: Any = None) -> Any:
        self._asked.add(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self._asked.add(str(name))
        return super().__contains__(name)


def looked_up(page: str, components: Any) -> tuple[list[str], list[str]]:
    """The parameters of a page, however its controls are turned, and words that these controls know."""
    asked: set[str] = set()
    options: dict[str, list[str]] = {}
    plain = state.query
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "query", lambda: _Watched(plain(), asked))
        for turn in range(ROUNDS):
            query = {key: words[turn % len(words)] for key, words in options.items() if words}
            app = opened(page, query, components)
            assert not app.exception, [(each.value, each.stack_trace) for each in app.exception]
            for node in (*app.main, *app.sidebar):
                options |= _bound(getattr(node, "proto", None))
    return sorted(asked | options.keys()), sorted({word for words in options.values() for word in words[:40]})


def _bound(proto: Any) -> dict[str, list[str]]:
    """The parameter that a control is bound to, and what can be chosen in it."""
    for part in (proto, *(getattr(proto, name, None) for name in ("expandable", "tab_container", "popover"))):
        if key := getattr(part, "query_param_key", ""):
            options = getattr(part, "options", ())
            return {key: [each if isinstance(each, str) else each.content for each in options]}
    return {}
