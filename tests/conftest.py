"""What all tests share."""

import os
from pathlib import Path

import pytest
import torch
from streamlit import config
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[1]

os.environ["STREAMLIT_CLIENT_SHOW_ERROR_DETAILS"] = "full"  # of servers that tests start: see below
torch.set_num_threads(1)  # many small tensors, several test processes: threads only get in each other's way


@pytest.fixture(autouse=True)
def told() -> None:
    """Readers are told no details of an exception; whoever reads the report of a test needs them."""
    config.set_option("client.showErrorDetails", "full")


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app as `streamlit run app.py` starts it, not run yet, with nobody's settings but its own."""
    monkeypatch.chdir(ROOT)
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
