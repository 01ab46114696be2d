"""One table of profiles, what config.toml can say of one, and what a key is never sent to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chatcli import vocabularies
from chatcli.app import App, Options
from chatcli.conversation.messages import Message
from chatcli.conversation.tokens import VocabularyEncoder
from chatcli.errors import Refused, UsageError
from chatcli.parts import counter_for
from chatcli.providers.base import Network
from chatcli.providers.dialect import LIMIT, OLD_LIMIT, RANDOM_SEED
from chatcli.providers.models import Models
from chatcli.providers.prices import window_of
from chatcli.providers.profiles import PROFILES, Target, profiles_of, resolve
from chatcli.settings import load
from chatcli.storage.learned import Learned
from tests.support.canary import CANARY
from tests.support.server import ChatServer

QUESTION = [Message("user", "Hello")]
NAMES = (
    *("local", "openai", "azure", "ollama", "lmstudio", "vllm", "openrouter", "groq", "mistral"),
    *("deepseek", "gemini", "anthropic", "xai"),
)


def target(home: Path, table: str, spec: str = "mine:m", **environ: str) -> Target:
    (home / "config.toml").write_text(table)
    return resolve(load(environ={"CHATCLI_HOME": str(home), **environ}, cwd=home), spec)


def test_the_profiles_that_ship_are_those_of_the_design() -> None:
    assert tuple(PROFILES) == NAMES
    for name, profile in PROFILES.items():
        assert profile.base_url.startswith(("http://localhost:", "https://")) == (
            name not in {"local", "azure"}
        )
        assert (profile.key_variable is None) == (name in {"local", "ollama", "lmstudio", "vllm"})


@pytest.mark.parametrize("name", ["openai", "deepseek", "gemini", "anthropic", "xai"])
def test_a_default_model_is_one_that_is_known(name: str) -> None:
    assert window_of(PROFILES[name].place(name), PROFILES[name].model), name


def test_the_longest_reply_is_called_what_the_endpoint_calls_it(tmp_path: Path) -> None:
    words = {name: profile.words.get(LIMIT, LIMIT) for name, profile in PROFILES.items()}
    newer = {"local", "openai", "azure", "groq", "anthropic", "xai"}
    assert {name for name, word in words.items() if word == LIMIT} == newer
    assert PROFILES["mistral"].words["seed"] == RANDOM_SEED
    own = target(tmp_path, '[profiles.mine]\nbase_url = "http://a.b/v1"\n')
    assert own.words[LIMIT] == OLD_LIMIT
    elsewhere = target(tmp_path, "", "openai:m", OPENAI_BASE_URL="http://a.b/v1")
    assert elsewhere.words[LIMIT] == OLD_LIMIT
    at_home = target(tmp_path, "", "openai:m", OPENAI_API_KEY="sk-test")
    assert LIMIT not in at_home.words


def test_everything_that_a_table_can_say_is_taken(tmp_path: Path) -> None:
    found = target(
        tmp_path,
        """
        [profiles.mine]
        base_url = " https://models.example.com/v1/chat/completions "
        key_command = ["printf", "sk-printed"]
        model = "big"
        context_window = 1000
        images = true
        proxy = "socks5://p:1"
        ca_bundle = "certs/ca.pem"
        client_cert = "/etc/client.pem"
        client_key = "~/client.key"
        temperature = 0.2
        stop = "END"
        reasoning_effort = "low"
        extra_body = { top_k = 5 }
        [profiles.mine.headers]
        X-Team = "seven"
        """,
        "mine",
    )
    assert (found.base_url, found.model) == ("https://models.example.com/v1", "big")
    assert (found.context_window, found.images) == (1000, True)
    assert found.network == Network(
        {"X-Team": "seven"},
        "socks5://p:1",
        str(tmp_path / "certs" / "ca.pem"),
        "/etc/client.pem",
        str(Path("~/client.key").expanduser()),
    )
    assert found.parameters == {
        "temperature": 0.2,
        "stop": ("END",),
        "reasoning_effort": "low",
        "extra_body": {"top_k": 5},
    }
    assert found.key is not None
    assert found.key.value() == "sk-printed"


TEXT = "Grüße aus dem Süden, 船長! 1234567"


@pytest.mark.parametrize(
    ("line", "spec", "encoding", "precision"),
    [
        ('tokenizer = "cl100k_base"', "mine:m", "cl100k_base", "estimated"),
        ('tokenizer = "o200k_base"', "mine:m", "o200k_base", "estimated"),
        ("", "mine:m", "o200k_base", "estimated"),
        ('tokenizer = "cl100k_base"', "mine:gpt-4o", "cl100k_base", "estimated"),
        ('tokenizer = "cl100k_base"', "openai:gpt-4o", "o200k_base", "exact"),
    ],
)
def test_tokens_are_counted_with_the_vocabulary_that_a_profile_states(
    tmp_path: Path, line: str, spec: str, encoding: str, precision: str
) -> None:
    (tmp_path / "config.toml").write_text(f'[profiles.mine]\nbase_url = "http://a.b/v1"\n{line}\n')
    environ = {"CHATCLI_HOME": str(tmp_path), "OPENAI_API_KEY": "sk-test"}
    app = App(load(environ=environ, cwd=tmp_path), Options(model=spec, save=False))
    app.wait_for_counting()
    counter = app.session.planner.counter
    texts = len(vocabularies.load(encoding).encode_ordinary(TEXT))
    empty = counter.price(Message("user", ""))
    assert counter.price(Message("user", TEXT)) - empty == texts
    assert counter.precision == precision
    app.close()


def test_what_was_learned_with_another_vocabulary_is_not_believed(tmp_path: Path) -> None:
    learned = Learned(None)
    for encoding in ("", "cl100k_base"):
        told = f'tokenizer = "{encoding}"' if encoding else ""
        table = f'[profiles.mine]\nbase_url = "http://a.b/v1"\n{told}\n'
        (tmp_path / "config.toml").write_text(table)
        settings = load(environ={"CHATCLI_HOME": str(tmp_path)}, cwd=tmp_path)
        counter = counter_for(Models(settings).use("mine:m"), learned)
        assert counter.calibration.reports == ()
        counter.use(VocabularyEncoder(vocabularies.load(counter.family.encoding)))
        counter.learn([Message("user", TEXT * 50)], 2_000)
        assert counter.calibration.reports


def test_the_parameters_of_a_profile_suit_its_models(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[profiles.local]\nseed = 7\n[profiles.mine]\nbase_url = "http://a.b/v1"\nseed = 8\n'
    )
    models = Models(load(environ={"CHATCLI_HOME": str(tmp_path)}, cwd=tmp_path))
    local = models.use("local").parameters
    assert (local.seed, local.temperature) == (7, 0.7), "over what suits the weights"
    assert models.use("mine:m").parameters.seed == 8
    models.close()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("base_url = 5", "an address like https://HOST/v1"),
        ('base_url = "a.b/v1"', "an address like https://HOST/v1"),
        ('base_url = "ftp://a.b"', "an address"),
        ('base_url = "http://me:secret@a.b/v1"', "no password"),
        ('base_url = "http://a.b/v1?key=secret"', "no `?`"),
        ('base_url = "http://[a/v1"', "an address"),
        ("temperature = 9", "`temperature` of the profile `mine` must be a number from 0 to 2"),
        ('temperature = "hot"', "a number from 0 to 2"),
        ("max_reply = 1.5", "a whole number"),
        ("extra_body = { model = 'x' }", "without"),
        ("images = 1", "true or false"),
        ('tokenizer = "gpt2"', "one of cl100k_base, o200k_base, not 'gpt2'"),
        ("headers = 5", "a table of texts"),
        ("headers = { 'X-A' = \"secret\\nX-B: c\" }", "each on one line"),
        ("headers = { 'X A' = 'secret' }", "a table of texts"),
        ("headers = { Host = 'secret' }", "a table of texts"),
        ("headers = { X-A = 5 }", "a table of texts"),
        ("key_command = []", "a text, or a list of texts"),
        ('key_variable = "sk-secret-42"', "the name of a variable, not the key itself"),
        ('client_key = "a.key"', "without a client_cert"),
        ("temprature = 1", "unknown key `temprature`; did you mean `temperature`?"),
        ('api_key = "secret"', "`chatcli config key set mine` keeps one"),
        ("zzz = 1", "it can have base_url"),
    ],
)
def test_what_a_table_can_not_say_is_one_line_with_its_place(
    tmp_path: Path, line: str, said: str
) -> None:
    base = "" if line.startswith("base_url") else 'base_url = "http://a.b/v1"\n'
    with pytest.raises(UsageError) as caught:
        target(tmp_path, f"[profiles.mine]\n{base}{line}\n")
    text = str(caught.value)
    assert said in text
    assert text.startswith(f"{tmp_path / 'config.toml'}:")
    assert "\n" not in text
    assert "secret" not in text


@pytest.mark.parametrize("url", ["a.b/v1", "http://me:secret@a.b/v1", "file:///etc", "http://"])
def test_an_address_of_the_environment_is_checked_too(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="OPENAI_BASE_URL") as caught:
        target(tmp_path, "", "openai:m", OPENAI_BASE_URL=url)
    assert "secret" not in str(caught.value)


def test_the_environment_s_address_comes_before_the_file_s(tmp_path: Path) -> None:
    table = '[profiles.openai]\nbase_url = "http://file/v1"\nmodel = "m"\n'
    urls = [
        target(tmp_path, table, "openai", OPENAI_BASE_URL="http://env/v1").base_url,
        target(tmp_path, table, "openai", OPENAI_API_KEY="sk-test").base_url,
        target(tmp_path, 'base_url = "http://top/v1"\n' + table, "openai").base_url,
    ]
    assert urls == ["http://env/v1", "http://file/v1", "http://file/v1"]


def test_a_key_goes_to_its_own_profile_and_to_no_other(
    tmp_path: Path, chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text(
        f'[profiles.mine]\nbase_url = "{chat_server.url}"\nmodel = "m"\n'
        f'[profiles.paid]\nbase_url = "{chat_server.url}"\nmodel = "m"\n'
        'key_variable = "PAID_KEY"\ntemperature = 0.3\nheaders = { X-Team = "seven" }\n'
    )
    environ = {
        "OPENAI_API_KEY": "sk-test-own",
        "PAID_KEY": "sk-test-paid",
        "OPENAI_ORG_ID": "org-x",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    models = Models(load(environ={"CHATCLI_HOME": str(tmp_path), **environ}, cwd=tmp_path))
    for profile in ("mine", "paid"):
        assert list(models.use(profile).stream(QUESTION))
    models.close()
    mine, paid = chat_server.requests
    assert "authorization" not in mine.headers
    assert paid.headers["authorization"] == "Bearer sk-test-paid"
    assert paid.headers["x-team"] == "seven"
    assert paid.body["temperature"] == 0.3
    assert "org-x" not in str([mine.headers, paid.headers])


@pytest.mark.parametrize("fresh", [True, False])
def test_a_key_that_expired_since_its_command_was_run_is_asked_for_once_more(
    tmp_path: Path, chat_server: ChatServer, fresh: bool
) -> None:
    keys, ran = tmp_path / "keys", tmp_path / "ran"
    keys.write_text(f"{CANARY}-old\n")
    script = tmp_path / "key.sh"
    script.write_text(f"head -n 1 {keys}; echo . >> {ran}\n")
    (tmp_path / "config.toml").write_text(
        f'[profiles.mine]\nbase_url = "{chat_server.url}"\nkey_command = "sh {script}"\n'
    )
    models = Models(load(environ={"CHATCLI_HOME": str(tmp_path)}, cwd=tmp_path))
    model = models.use("mine:m")
    assert list(model.stream(QUESTION))
    assert model.models()
    assert ran.read_text() == ".\n"
    chat_server.rules = replace(chat_server.rules, api_key=f"{CANARY}-new")
    if fresh:
        keys.write_text(f"{CANARY}-new\n")
        assert list(model.stream(QUESTION))
        assert model.models()
    else:
        with pytest.raises(Refused, match="key"):
            list(model.stream(QUESTION))
    assert ran.read_text() == ".\n.\n"
    keys.unlink()
    models.close()


@pytest.mark.parametrize(
    "line",
    [
        'headers = { X-Key = "secret" }',
        'key_command = "printf sk-secret"\nkey_variable = "NONE"',
        'client_cert = "secret.pem"',
    ],
)
def test_an_endpoint_from_a_stranger_s_env_file_gets_nothing_of_the_user_s(
    tmp_path: Path, line: str
) -> None:
    (tmp_path / ".env").write_text("OPENAI_BASE_URL=http://a.b/v1\nOPENAI_API_KEY=sk-test-own\n")
    with pytest.raises(UsageError) as caught:
        target(tmp_path, f"[profiles.openai]\n{line}\n", "openai:m")
    assert "./.env sets OPENAI_BASE_URL" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_profile_that_ships_keeps_what_a_table_does_not_change(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[profiles.anthropic]\nheaders = { X-Own = 'a' }\n")
    known = profiles_of(load(environ={"CHATCLI_HOME": str(tmp_path)}, cwd=tmp_path))
    assert known["anthropic"].network.headers == {"anthropic-version": "2023-06-01", "X-Own": "a"}
    assert known["anthropic"].network.listing_key == "x-api-key"
    assert known["openai"] == PROFILES["openai"]
