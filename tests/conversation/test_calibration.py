"""Learning an endpoint's way of counting, with simulated endpoints and with a real tokenizer."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from itertools import accumulate
from operator import mul

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcli import vocabularies
from chatcli.conversation.calibration import KEPT, Calibration, truncated

# An endpoint takes the tokens of each message's text, as we count them, and reports a prompt.
Endpoint = Callable[[list[int]], int]


def ours(texts: list[int]) -> int:
    """The prompt as we predict it, with the overhead of OpenAI's models."""
    return sum(texts) + 4 * len(texts) + 3


ENDPOINTS: dict[str, Endpoint] = {
    "counts as we do": ours,
    "40 % more": lambda texts: round(1.4 * sum(texts)) + 4 * len(texts) + 3,
    "40 % more, overhead too": lambda texts: round(1.4 * ours(texts)),
    "40 % fewer": lambda texts: round(0.6 * sum(texts)) + 4 * len(texts) + 3,
    "40 % more, 5 a message": lambda texts: round(1.4 * sum(texts)) + 9 * len(texts) + 3,
    "40 % fewer, 3 a message": lambda texts: round(0.6 * sum(texts)) + 7 * len(texts) + 3,
    "a hidden prompt of 65": lambda texts: ours(texts) + 65,
    "40 % more and a hidden prompt": lambda texts: round(1.4 * sum(texts)) + 4 * len(texts) + 68,
}


def conversation(seed: int, turns: int) -> Iterator[list[int]]:
    """The prompts of a conversation, each as the tokens of its messages' texts."""
    chance = random.Random(seed)
    texts = [chance.randint(10, 80)] if chance.random() < 0.7 else []
    for _ in range(turns):
        texts.append(chance.randint(8, 120))
        yield list(texts)
        texts.append(chance.randint(60, 400))


@pytest.mark.parametrize("name", ENDPOINTS)
def test_after_three_turns_a_prediction_is_within_three_percent(name: str) -> None:
    reported = ENDPOINTS[name]
    for seed in range(50):
        *first, fourth = conversation(seed, 4)
        calibration = Calibration()
        for prompt in first:
            calibration = calibration.learn(ours(prompt), reported(prompt))
        assert calibration.apply(ours(fourth)) == pytest.approx(reported(fourth), rel=0.03)


@pytest.mark.parametrize("factor", [0.3, 0.5, 2, 3])
@pytest.mark.parametrize("name", ENDPOINTS)
def test_one_wild_report_among_five_is_overruled(name: str, factor: float) -> None:
    reported = ENDPOINTS[name]
    for seed in range(25):
        *first, sixth = conversation(seed, 6)
        calibration, wild = Calibration(), seed % len(first)
        for number, prompt in enumerate(first):
            tokens = reported(prompt) * (factor if number == wild else 1)
            calibration = calibration.learn(ours(prompt), round(tokens))
        assert calibration.apply(ours(sixth)) == pytest.approx(reported(sixth), rel=0.05)


SKY = [
    "Почему небо голубое? Объясни так, чтобы понял ребёнок.",
    (
        "Солнечный свет состоит из многих цветов. Когда он попадает в воздух, голубой свет "
        "рассеивается во все стороны гораздо сильнее красного, и потому приходит к нам отовсюду."
    ),
    "А почему тогда закат красный?",
    (
        "Вечером свету приходится проходить через воздух намного более длинный путь. По дороге "
        "почти весь голубой свет теряется, и остаются красные и оранжевые оттенки у горизонта."
    ),
    "На Марсе всё так же?",
    (
        "Нет, там наоборот: мелкая пыль в разрежённом воздухе днём окрашивает небо в рыжеватый "
        "цвет, а вокруг заходящего солнца оно кажется голубоватым."
    ),
    "Перескажи это, пожалуйста, одним предложением, которое легко запомнить.",
]


def test_a_real_tokenizer_is_learned_in_three_turns() -> None:
    """cl100k_base plays the endpoint, with a message format of its own."""
    here, there = vocabularies.load("o200k_base"), vocabularies.load("cl100k_base")
    prompts = [SKY[:length] for length in (1, 3, 5, 7)]
    predicted = [ours([len(here.encode_ordinary(text)) for text in prompt]) for prompt in prompts]
    reported = [sum(len(there.encode_ordinary(text)) + 5 for text in prompt) for prompt in prompts]
    assert reported[-1] > 1.4 * predicted[-1]
    calibration = Calibration()
    for turn in range(3):
        calibration = calibration.learn(predicted[turn], reported[turn])
    assert calibration.apply(predicted[-1]) == pytest.approx(reported[-1], rel=0.03)


@given(
    scale=st.floats(0.5, 2),
    offset=st.floats(-40, 300),
    first=st.integers(100, 1000),
    growth=st.lists(st.floats(1.3, 3), min_size=2, max_size=KEPT - 1),
)
def test_reports_on_a_line_teach_that_line(
    scale: float, offset: float, first: int, growth: list[float]
) -> None:
    prompts = [round(tokens) for tokens in accumulate([first, *growth], mul)]
    calibration = Calibration()
    for tokens in prompts:
        calibration = calibration.learn(tokens, round(scale * tokens + offset))
    for tokens in (prompts[-1], 2 * prompts[-1]):
        assert calibration.apply(tokens) == pytest.approx(scale * tokens + offset, rel=0.03)


@given(st.integers(), st.integers())
def test_a_report_that_cannot_be_true_teaches_nothing(predicted: int, reported: int) -> None:
    learned = Calibration().learn(predicted, reported)
    if predicted <= 0 or 4 * reported < predicted or reported > 8 * predicted + 8000:
        assert learned == Calibration()


@pytest.mark.parametrize(
    ("predicted", "reported", "dropped"),
    [(8000, 1999, True), (8000, 2000, False), (8000, 8000, False), (8000, 0, False), (8, 2, False)],
)
def test_a_server_that_drops_most_of_a_prompt_is_noticed(
    predicted: int, reported: int, dropped: bool
) -> None:
    assert truncated(predicted, reported) is dropped


def test_without_reports_a_prediction_stands() -> None:
    assert Calibration().agrees
    assert Calibration().apply(123) == 123


def test_only_the_last_reports_count() -> None:
    calibration = Calibration()
    for tokens in range(100, 1100, 100):
        calibration = calibration.learn(tokens, 3 * tokens)
    for tokens in range(100, 900, 100):
        calibration = calibration.learn(tokens, 2 * tokens)
    assert len(calibration.reports) == KEPT
    assert calibration.apply(1000) == pytest.approx(2000)


reports = st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)), max_size=12)


@given(reports)
def test_no_reports_teach_what_no_endpoint_does(reports: list[tuple[int, int]]) -> None:
    calibration = Calibration()
    for predicted, reported in reports:
        calibration = calibration.learn(predicted, reported)
    assert 0.25 <= calibration.scale <= 8
    assert -50 <= calibration.offset <= 8000


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(reports)
def test_a_calibration_survives_storage(reports: list[tuple[int, int]]) -> None:
    calibration = Calibration()
    for predicted, reported in reports:
        calibration = calibration.learn(predicted, reported)
    assert Calibration.from_dict(json.loads(json.dumps(calibration.as_dict()))) == calibration


@given(junk)
def test_a_stored_calibration_that_is_none_is_harmless(stored: object) -> None:
    calibration = Calibration.from_dict({"reports": stored})
    assert calibration.apply(100) > 0
