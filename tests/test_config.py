"""The settings in .streamlit/config.toml that would fail silently."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit import config

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Streamlit's options as the app's folder gives them."""
    monkeypatch.chdir(ROOT)
    config.get_config_options(force_reparse=True)
    yield
    monkeypatch.undo()
    config.get_config_options(force_reparse=True)


@pytest.mark.usefixtures("loaded")
def test_no_garbage_collection_after_reruns() -> None:
    """The option is in no documentation. Should a release drop it, every rerun would cost 200 ms again."""
    assert "runner.postScriptGC" in config.get_config_options()
    assert config.get_option("runner.postScriptGC") is False


@pytest.mark.usefixtures("loaded")
def test_nothing_is_reported_or_watched() -> None:
    assert config.get_option("browser.gatherUsageStats") is False
    assert config.get_option("server.fileWatcherType") == "none"
    assert config.get_option("server.showEmailPrompt") is False


@pytest.mark.usefixtures("loaded")
def test_other_sites_are_kept_out_and_uploads_small() -> None:
    assert config.get_option("server.enableCORS") is True
    assert config.get_option("server.enableXsrfProtection") is True
    assert config.get_option("server.maxUploadSize") == 200
    assert config.get_option("server.maxMessageSize") == 50


@pytest.mark.usefixtures("loaded")
def test_tracebacks_go_to_the_log() -> None:
    assert config.get_option("client.showErrorDetails") == "none"


def leaves(table: dict[str, object], prefix: str = "") -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("name", list(leaves(SETTINGS)))
def test_streamlit_knows_the_option(name: str) -> None:
    """Streamlit only warns about a name that it does not know, and goes on with its default."""
    assert name in config.get_config_options()
