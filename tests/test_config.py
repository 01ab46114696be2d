"""config.toml: what it can hold, what is told of what it can't, and what comes before it."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatcli.config.places import spots
from chatcli.config.reading import check, read_config
from chatcli.config.table import SETTINGS, value_of
from chatcli.config.template import template
from chatcli.errors import UsageError
from chatcli.settings import Settings, load

FILE = Path("config.toml")


def told(text: str) -> list[str]:
    """What is said of a config.toml, without the advice."""
    found = check(text, FILE)
    return [error.message for error in found.problems] + list(found.notes)


def settings_of(home: Path, text: str, **environ: str) -> Settings:
    (home / "config.toml").write_text(text)
    return load(environ={"CHATCLI_HOME": str(home), **environ}, cwd=home)


# The file


def test_the_template_sets_nothing_and_lists_every_setting() -> None:
    assert tomllib.loads(template()) == {}
    for name in SETTINGS:
        assert f"# {name} = " in template()


def test_each_line_of_the_template_is_valid_once_its_mark_is_gone() -> None:
    lines = re.findall(r"^# ((?:\w+ = |\[).*)$", template(), re.MULTILINE)
    found = check("\n".join(lines), FILE)
    assert not found.problems
    assert not found.notes
    assert found.values.keys() == SETTINGS.keys()
    assert list(found.profiles) == ["mine"]


def test_what_the_template_calls_a_default_is_one() -> None:
    bare = load(environ={"CHATCLI_HOME": "/nowhere"}, cwd=Path("/"))
    for name, setting in SETTINGS.items():
        if setting.default is not None:
            assert getattr(bare, name) == setting.default
            assert value_of(name, setting.default) == setting.default


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("budget = 'many'", "config.toml:1:10: budget must be a whole number from 1 to 100000000"),
        ("\n\n  budget = true", "config.toml:3:12: budget must be a whole number"),
        ("model = 3", "config.toml:1:9: model must be a text, not 3"),
        ("model = ''", "config.toml:1:9: model must be a text, not ''"),
        ("model = ['a']", "config.toml:1:9: model must be a text, not ['a']"),
        ("theme = 'pink'", "config.toml:1:9: theme must be one of light, dark, mono, not 'pink'"),
        ("token_timeout = inf", "config.toml:1:17: token_timeout must be a number from 1 to 3600"),
        ("token_timeout = '60'", "config.toml:1:17: token_timeout must be a number"),
        ("memory = 'yes'", "config.toml:1:10: memory must be one of off, auto, not 'yes'"),
        ('user = "a\\u0000b"', "config.toml:1:8: user must be a text"),
        ("them = 'dark'", "config.toml:1:1: there is no setting `them`; did you mean `theme`?"),
        ("x = 1", "config.toml:1:1: there is no setting `x`; `chatcli config show` lists"),
        ("[persona]\na = 1", "config.toml:1:2: persona must be a text"),
        ("profiles = 3", "config.toml:1:12: `profiles` must be tables"),
        ("[profiles]\nmine = 3", "config.toml:2:8: `mine` must be a table"),
        ("window = 1\nwindow = 2", "config.toml:2:11: not valid TOML: cannot overwrite a value"),
        ("window =", "config.toml:1:9: not valid TOML: invalid value"),
        ("model = 'a", "config.toml:1:11: not valid TOML"),
        ("a = " + "[" * 5000, "config.toml"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_column(text: str, said: str) -> None:
    (line, *_) = told(text)
    assert line.startswith(said)
    assert "\n" not in line
    assert len(line) < 300


def test_a_key_in_it_is_pointed_out_and_not_repeated() -> None:
    (line,) = told("api_key = 'very-secret'")
    assert "chatcli config key set" in line
    assert "very-secret" not in line


def test_what_is_unknown_stops_nothing(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "from_the_future = 1\nwindow = 3\n")
    assert settings.window == 3
    assert "from_the_future" in settings.notes[0]


def test_a_thousand_unknown_settings_are_told_in_a_few_lines() -> None:
    assert len(told("\n".join(f"unknown_{number} = 1" for number in range(1000)))) == 5


def test_what_is_wrong_stops_with_one_line_and_a_count(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        settings_of(tmp_path, "window = 'a'\nbudget = 0\n")
    assert "config.toml:1:10: window must be" in str(caught.value)
    assert "(and 1 more)" in str(caught.value)


def test_a_byte_order_mark_and_other_line_ends_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbfwindow = 3\r\nthem = 1\r\n")
    found = read_config(tmp_path / "config.toml")
    assert found.values == {"window": 3}
    assert ":2:1: there is no setting `them`" in found.notes[0]


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"a = 1\n\xff", "config.toml:2: that is no UTF-8"), (b"#" * 300_000, "too large")],
)
def test_a_file_that_is_no_text_for_settings_is_told(
    tmp_path: Path, data: bytes, said: str
) -> None:
    (tmp_path / "config.toml").write_bytes(data)
    (problem,) = read_config(tmp_path / "config.toml").problems
    assert said in problem.message


def test_a_pipe_in_its_place_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.toml")
    assert read_config(tmp_path / "config.toml").values == {}


KEYS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True),
    st.text("ab\"'\\#=[]. \n\té", min_size=1, max_size=5),
)
VALUES = st.recursive(
    st.one_of(st.integers(-9, 9), st.booleans(), st.text("a\"'\\#=[]{}\n é", max_size=8)),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.dictionaries(KEYS, VALUES, max_size=4))
@example({"a": "[b]\n", "b": ["]", "#"]}, {"c": '"""'})
def test_each_key_is_found_where_it_stands(
    top: dict[str, object], table: dict[str, object]
) -> None:
    """Whatever the keys and the values hold, a key's place is where it was written."""
    lines = [f"{toml(key)} = {toml(value)}  # a = [" for key, value in top.items()]
    lines += ["", " [ profiles . t ] # [x]"]
    first = len(lines) + 1
    lines += [f"  {toml(key)}={toml(value)}" for key, value in table.items()]
    text = "\n".join(lines)
    tomllib.loads(text)
    found = spots(text)
    for number, key in enumerate(top, 1):
        if key != "profiles":
            assert (found[(key,)].key.line, found[(key,)].key.column) == (number, 1)
            assert found[(key,)].value.column == len(toml(key)) + 4
    for number, key in enumerate(table, first):
        place = found["profiles", "t", key]
        assert (place.key.line, place.key.column) == (number, 3)


def toml(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def test_values_of_many_lines_hide_no_key() -> None:
    text = "a = '''\nb = 1\n'''\nc = [\n 1, # ]\n 2]\nd = {x = [']']}\n"
    text += '[[e]]\nf = """\\""""\ng = 2\n'
    found = {keys: str(spot.key) for keys, spot in spots(text).items()}
    assert found == {
        ("a",): "1:1",
        ("c",): "4:1",
        ("d",): "7:1",
        ("e",): "8:3",
        ("e", "f"): "9:1",
        ("e", "g"): "10:1",
    }


# What comes before what


def test_flags_come_before_variables_and_these_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("budget = 1\nwindow = 1\nstrategy = 'full'\n")
    (tmp_path / ".env").write_text("CHATCLI_BUDGET=2\nCHATCLI_WINDOW=2\nCHATCLI_MODEL=dotenv\n")
    environ = {"CHATCLI_HOME": str(tmp_path), "CHATCLI_BUDGET": "3"}
    settings = load({"budget": 4}, environ=environ, cwd=tmp_path)
    assert (settings.budget, settings.window, settings.strategy) == (4, 2, "full")
    assert settings.sources["budget"] == "--budget"
    assert settings.sources["window"] == settings.sources["model"] == "./.env"
    assert settings.sources["strategy"] == str(tmp_path / "config.toml")
    assert settings.sources["home"] == "the environment (CHATCLI_HOME)"


def test_a_wrong_variable_is_told_by_its_name_unless_a_flag_replaces_it(tmp_path: Path) -> None:
    environ = {"CHATCLI_HOME": str(tmp_path), "CHATCLI_BUDGET": "many"}
    with pytest.raises(UsageError, match=r"environment \(CHATCLI_BUDGET\): budget must be"):
        load(environ=environ, cwd=tmp_path)
    assert load({"budget": 5}, environ=environ, cwd=tmp_path).budget == 5


def test_a_variable_that_is_blank_is_not_set(tmp_path: Path) -> None:
    environ = {"CHATCLI_HOME": str(tmp_path), "CHATCLI_MODEL": " ", "OPENAI_API_KEY": "\n"}
    settings = load(environ=environ, cwd=tmp_path)
    assert settings.model is None
    assert "api_key" not in settings.sources


def test_with_leniency_nothing_is_raised_and_all_of_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("budget = 'x'\nwindow = 4\n")
    (tmp_path / ".env").write_text("OPENAI_BASE_URL=http://127.0.0.1:9/v1\n")
    environ = {"CHATCLI_HOME": str(tmp_path), "CHATCLI_STRATEGY": "hope"}
    settings = load(environ=environ, cwd=tmp_path, lenient=True)
    assert (settings.window, settings.base_url) == (4, None)
    assert [error.message.split(":")[0] for error in settings.problems] == [
        "the environment (CHATCLI_STRATEGY)",
        "./.env sets OPENAI_BASE_URL without an OPENAI_API_KEY of its own",
        str(tmp_path / "config.toml"),
    ]
