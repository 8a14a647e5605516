"""Runs when a process that a test has started begins: torchvision's weights are played once they are read."""

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType


class _Finder(MetaPathFinder):
    """Finds zoo.imagenet as ever, and changes it when it has been imported: not a moment before."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "zoo.imagenet":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        assert spec
        assert spec.loader
        read = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            read(module)
            from tests.played import play

            play()

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


if "ZOOLENS_TESTS_PLAY" in os.environ:
    sys.meta_path.insert(0, _Finder())
