"""Runs when a process that a test has started begins."""

import os

if "ZOOLENS_TESTS_PLAY" in os.environ:
    from tests.played import play

    play()
