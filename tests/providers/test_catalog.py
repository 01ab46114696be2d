"""What completion knows of the models of endpoints: remembered, bounded, never waited for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatcli.errors import Unreachable
from chatcli.providers import catalog
from chatcli.providers.catalog import FILE, Catalog
from chatcli.providers.jsonfile import read_json, write_json
from chatcli.settings import Settings, load
from tests.support.hubserver import gguf
from tests.support.server import ChatServer


def settings(home: Path, url: str = "http://localhost:1/v1") -> Settings:
    return load(environ={"CHATCLI_HOME": str(home), "OPENAI_BASE_URL": url}, cwd=home)


class Endpoint:
    """An endpoint in the place of a real one, which counts how often it is asked."""

    def __init__(self, *models: str) -> None:
        self.models: list[str] | None = list(models)
        self.asked = 0
        self.answers = threading.Event()
        self.answers.set()

    def __call__(self, _settings: Settings, _profile: str) -> list[str]:
        self.asked += 1
        self.answers.wait(10)
        if self.models is None:
            raise Unreachable("nobody is there")
        return self.models


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    there = Endpoint("small", "large")
    yield there
    there.answers.set()


def test_a_real_endpoint_is_asked_once_and_remembered(tmp_path: Path) -> None:
    with ChatServer(models=("alpha", "beta")) as server:
        known = Catalog(settings(tmp_path, server.url), tmp_path / FILE)
        listed = known.models("openai")
        if not listed:  # a machine that is busy may take longer than one waits for at a key
            known._asking["openai"].join(10)
            listed = known.models("openai")
        assert listed == ("alpha", "beta")
        assert Catalog(settings(tmp_path, server.url), tmp_path / FILE).models("openai") == listed
        assert len([each for each in server.requests if each.method == "GET"]) == 1


def test_what_is_remembered_is_private_and_holds_no_address(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    known = Catalog(settings(tmp_path, "http://me:secret@localhost:1/v1"), tmp_path / FILE)
    known.learn("openai", endpoint(known._settings, "openai"))
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert "secret" not in (tmp_path / FILE).read_text()
    assert list(tmp_path.iterdir()) == [tmp_path / FILE]


def test_another_address_has_other_models(tmp_path: Path, endpoint: Endpoint) -> None:
    Catalog(settings(tmp_path), tmp_path / FILE, endpoint).models("openai")
    other = Catalog(settings(tmp_path, "http://localhost:2/v1"), tmp_path / FILE, endpoint)
    assert other.known("openai") == ()
    assert Catalog(settings(tmp_path), tmp_path / FILE).known("openai") == ("small", "large")


def test_what_is_old_is_offered_while_it_is_asked_for_anew(
    tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Catalog(settings(tmp_path), None, endpoint)
    known.learn("openai", ["old"])
    monkeypatch.setattr(catalog, "FRESH_FOR", 0)
    endpoint.answers.clear()
    assert known.models("openai") == ("old",)
    assert known.models("openai") == ("old",)
    assert endpoint.asked == 1
    endpoint.answers.set()
    known._asking["openai"].join(10)
    assert known.known("openai") == ("small", "large")


def test_an_endpoint_that_hangs_holds_nobody_up(
    tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "FIRST_ANSWER_WITHIN", 0.01)
    endpoint.answers.clear()
    known = Catalog(settings(tmp_path), None, endpoint)
    assert known.models("openai") == ()
    assert known.models("openai") == ()
    assert endpoint.asked == 1


def test_an_endpoint_that_fails_is_left_alone_for_a_while(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    endpoint.models = None
    known = Catalog(settings(tmp_path), None, endpoint)
    assert [known.models("openai") for _ in range(3)] == [()] * 3
    assert endpoint.asked == 1


def test_a_profile_that_is_none_or_has_no_key_has_no_models(tmp_path: Path) -> None:
    known = Catalog(settings(tmp_path), None)
    assert known.models("nobody") == ()
    assert known.models("groq") == ()


def test_names_that_can_not_be_typed_are_left_out(tmp_path: Path) -> None:
    known = Catalog(settings(tmp_path), tmp_path / FILE)
    many = [f"model-{n}" for n in range(3 * catalog.MOST_MODELS)]
    known.learn("openai", ["a\x1b[2Jb", "c\nd", "", "x" * 300, "fine", "fine", *many])
    assert known.known("openai")[:2] == ("fine", "model-0")
    assert len(known.known("openai")) == catalog.MOST_MODELS


@pytest.mark.parametrize(
    "stored", ["", "[", "null", "[1]", '{"openai x": 1}', "[" * 10_000, '{"a": {"at": "b"}}']
)
def test_a_spoiled_file_is_as_good_as_none(tmp_path: Path, endpoint: Endpoint, stored: str) -> None:
    (tmp_path / FILE).write_text(stored)
    known = Catalog(settings(tmp_path), tmp_path / FILE, endpoint)
    assert known.models("openai") == ("small", "large")
    assert "small" in json.dumps(json.loads((tmp_path / FILE).read_text()))


def test_a_cache_that_can_not_be_written_does_no_harm(tmp_path: Path, endpoint: Endpoint) -> None:
    (tmp_path / "file").write_text("no folder")
    known = Catalog(settings(tmp_path), tmp_path / "file" / FILE, endpoint)
    assert known.models("openai") == ("small", "large")


def test_what_can_not_be_written_whole_leaves_what_was_there_and_nothing_else(
    tmp_path: Path,
) -> None:
    write_json(tmp_path / FILE, ["before"])
    with pytest.raises(TypeError):
        write_json(tmp_path / FILE, [1, object()])
    assert read_json(tmp_path / FILE, 99) == ["before"]
    assert list(tmp_path.iterdir()) == [tmp_path / FILE]


@pytest.mark.parametrize("at", ["1e300", "Infinity", "NaN"])
def test_a_list_from_the_future_is_asked_for_anew(
    tmp_path: Path, endpoint: Endpoint, at: str
) -> None:
    known = Catalog(settings(tmp_path), tmp_path / FILE, endpoint)
    known.learn("openai", ["old"])
    stored = json.loads((tmp_path / FILE).read_text())
    stated = json.dumps(stored).replace(str(stored[next(iter(stored))]["at"]), at)
    (tmp_path / FILE).write_text(stated)
    again = Catalog(settings(tmp_path), tmp_path / FILE, endpoint)
    again.models("openai")
    assert endpoint.asked == 1


def test_no_more_endpoints_are_remembered_than_one_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "MOST_ENDPOINTS", 3)
    known = Catalog(settings(tmp_path), tmp_path / FILE)
    for name in ("openai", "groq", "ollama", "vllm"):
        known.learn(name, [name])
    assert known.known("openai") == ()
    assert known.known("vllm") == ("vllm",)


def test_local_lists_what_is_here_and_asks_nobody(tmp_path: Path, endpoint: Endpoint) -> None:
    models = tmp_path / "cache" / "models"
    models.mkdir(parents=True)
    (models / "mine.gguf").write_bytes(gguf(10))
    (models / f"half.gguf.{'b' * 12}.part").write_bytes(gguf(10))
    assert Catalog(settings(tmp_path), None, endpoint).models("local") == ("smollm2", "mine")
    assert endpoint.asked == 0
