"""What is under way on a server is no cache: clearing those, which any browser may ask for, ends no work."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import streamlit as st

from ui import cached


@pytest.mark.parametrize("one", [cached.background, cached.quick, cached.occlusions, cached.errands])
def test_work_under_way_outlasts_cleared_caches(one: Callable[[], object]) -> None:
    before = one()
    st.cache_resource.clear()
    st.cache_data.clear()
    assert one() is before


def test_nobody_clears_the_trainings() -> None:
    assert not hasattr(cached.pool, "clear")


def test_readers_who_come_at_once_share_one() -> None:
    made: list[object] = []

    def make() -> object:
        made.append(object())
        return made[-1]

    one = cached._lasting(make)
    with ThreadPoolExecutor(16) as readers:
        assert list(readers.map(lambda _: one(), range(64))) == made * 64


def test_freeing_lets_go_of_results_too() -> None:
    assert cached.found(("a picture",), lambda: bytes(1 << 20)) == bytes(1 << 20)
    assert cached.results.bytes >= 1 << 20
    cached.free()
    assert cached.results.bytes == 0
