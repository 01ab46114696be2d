"""Counting against the numbers that OpenAI documents and that its API has reported."""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
from collections import Counter as Tally

import pytest
import tiktoken.model
from hypothesis import given
from hypothesis import strategies as st

from chatcli import vocabularies
from chatcli.conversation.calibration import Calibration
from chatcli.conversation.estimate import estimate
from chatcli.conversation.families import Family, family
from chatcli.conversation.messages import ROLES, Message
from chatcli.conversation.ports import Counter
from chatcli.conversation.tokens import (
    Count,
    Encoder,
    Precision,
    TokenCounter,
    VocabularyEncoder,
)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("counting went to the network")

    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)


def encoder(name: str = "o200k_base") -> VocabularyEncoder:
    return VocabularyEncoder(vocabularies.load(name))


def exact_counter(model: str = "gpt-4o") -> TokenCounter:
    counter = TokenCounter(model)
    counter.use(encoder(counter.family.encoding))
    return counter


class Recorder:
    """A real encoder that notes how often it was asked for each text."""

    def __init__(self, inner: Encoder) -> None:
        self.inner = inner
        self.asked: Tally[str] = Tally()

    def count(self, text: str) -> int | None:
        self.asked[text] += 1
        return self.inner.count(text)


messages = st.builds(Message, st.sampled_from(ROLES), st.text(max_size=40))
prompts = st.lists(messages, max_size=6)

JARGON = (
    "You are a helpful, pattern-following assistant that translates corporate jargon into plain "
    "English."
)
BANDWIDTH = (
    "Let's circle back when we have more bandwidth to touch base on opportunities for increased "
    "leverage."
)
PIVOT = "This late pivot means we don't have time to boil the ocean for the client deliverable."
COOKBOOK = [  # the example of OpenAI's cookbook, "How to count tokens with tiktoken"
    ("system", "", JARGON),
    ("system", "example_user", "New synergies will help drive top-line growth."),
    ("system", "example_assistant", "Things working well together will increase revenue."),
    ("system", "example_user", BANDWIDTH),
    (
        "system",
        "example_assistant",
        "Let's talk later when we're less busy about how to do better.",
    ),
    ("user", "", PIVOT),
]


@pytest.mark.parametrize(
    ("model", "documented"),
    [
        ("gpt-3.5-turbo-0301", 127),
        ("gpt-3.5-turbo-0613", 129),
        ("gpt-3.5-turbo", 129),
        ("gpt-35-turbo", 129),
        ("gpt-4-0314", 129),
        ("gpt-4-0613", 129),
        ("gpt-4", 129),
        ("gpt-4o", 124),
        ("gpt-4o-mini", 124),
    ],
)
def test_the_cookbooks_example_counts_as_the_cookbook_says(model: str, documented: int) -> None:
    counter = exact_counter(model)
    prices = [counter.count_message(role, text, name) for role, name, text in COOKBOOK]
    assert counter.overhead + sum(prices) == documented
    assert counter.precision == "exact"


HELPFUL = ("system", "You are a helpful assistant.")


@pytest.mark.parametrize(
    ("model", "prompt", "reported"),
    [
        ("gpt-4o", [("user", "Hello! How are you doing?")], 14),
        ("gpt-4o", [HELPFUL, ("user", "What is the capital of France?")], 24),
        (
            "gpt-4.1-mini",
            [
                ("assistant", "Where do you want to go today?"),
                ("user", "Answer in 5 words only. Who is Tux?"),
            ],
            31,
        ),
        ("gpt-4.5-preview", [("user", "hello")], 8),
        ("o3-mini", [("user", "hello")], 7),
        ("o3-mini", [("system", "You are a potato.")], 11),
        ("o4-mini-2025-04-16", [HELPFUL, ("user", "What's the capital of France?")], 22),
        ("gpt-5", [("user", "What is the capital of France?")], 13),
        ("gpt-5.6-luna", [("user", "What is 2+2?")], 13),
    ],
)
def test_a_prompt_counts_as_the_api_reported_for_it(
    model: str, prompt: list[tuple[str, str]], reported: int
) -> None:
    counter = exact_counter(model)
    prices = [counter.count_message(role, text) for role, text in prompt]
    assert counter.overhead + sum(prices) == reported
    assert counter.precision == "exact"


@pytest.mark.parametrize(
    ("model", "encoding", "exact"),
    [
        ("gpt-4o-2024-08-06", "o200k_base", True),
        ("chatgpt-4o-latest", "o200k_base", True),
        ("GPT-4.1-nano", "o200k_base", True),
        ("o3", "o200k_base", True),
        ("gpt-4-turbo-2024-04-09", "cl100k_base", True),
        ("gpt-4-32k", "cl100k_base", True),
        ("gpt-35-turbo-16k", "cl100k_base", True),
        ("ft:gpt-4o-mini-2024-07-18:acme::abc", "o200k_base", True),
        ("ft:gpt-3.5-turbo:acme:name:abc", "cl100k_base", True),
        ("openai:gpt-4", "cl100k_base", True),
        ("azure:deployments/gpt-4o", "o200k_base", True),
        ("openrouter:openai/gpt-4o:online", "o200k_base", True),
        ("openai/gpt-3.5-turbo", "cl100k_base", True),
        ("team-gpt-4-eu", "cl100k_base", False),
        ("acme/gpt-4o-clone", "o200k_base", False),
        ("gpt-5-chat-latest", "o200k_base", False),
        ("o1-mini", "o200k_base", False),
        ("openai/gpt-oss-120b", "o200k_base", False),
        ("gpt-4.7", "o200k_base", False),
        ("gpt-40", "o200k_base", False),
        ("local:smollm2", "o200k_base", False),
        ("ollama:llama3.2:3b", "o200k_base", False),
        ("claude-opus-4", "o200k_base", False),
        ("", "o200k_base", False),
    ],
)
def test_a_models_name_tells_its_vocabulary(model: str, encoding: str, exact: bool) -> None:
    found = family(model)
    assert (found.encoding, found.exact) == (encoding, exact)


def test_families_agree_with_tiktokens_own_table_of_chat_models() -> None:
    names = {**tiktoken.model.MODEL_TO_ENCODING, **tiktoken.model.MODEL_PREFIX_TO_ENCODING}
    chat = {
        name: encoding
        for name, encoding in names.items()
        if encoding in vocabularies.PATTERNS and not name.endswith(("-002", "-small", "-large"))
    }
    assert len(chat) > 15
    assert {name: family(name).encoding for name in chat} == chat


def test_what_looks_like_a_special_token_is_text() -> None:
    assert encoder().count("<|endoftext|>") == 7
    assert encoder("cl100k_base").count("<|im_start|>") == 6


@pytest.mark.parametrize("name", sorted(vocabularies.PATTERNS))
def test_a_million_blanks_do_not_break_the_counting(name: str) -> None:
    assert encoder(name).count(f"before{' ' * 1_000_000}after") > 7_000


def test_long_text_is_counted_whole_where_that_is_possible() -> None:
    text = "word " * 30_000 + " " * 90_000 + "word"
    whole = len(vocabularies.load("o200k_base").encode_ordinary(text))
    assert encoder().count(text) == whole


def test_half_a_surrogate_pair_has_tokens_too() -> None:
    assert encoder().count("broken \ud83d emoji") > 2


PROSE = {
    "English": "The lighthouse keeper wrote everything down: the ships that passed, the weather, "
    "and how long the lamp had burned. Nobody had ever asked him to, but he could not stop.",
    "German": "Der Leuchtturmwärter schrieb alles auf: die Schiffe, die vorbeifuhren, das Wetter "
    "und wie lange die Lampe gebrannt hatte. Niemand hatte ihn je darum gebeten.",
    "French": "Le gardien du phare notait tout : les navires qui passaient, le temps qu'il faisait "
    "et combien de temps la lampe avait brûlé. Personne ne le lui avait demandé.",
    "Spanish": "El farero lo apuntaba todo: los barcos que pasaban, el tiempo que hacía y cuánto "
    "había ardido la lámpara. Nadie se lo había pedido nunca, pero no podía parar.",
    "Polish": "Latarnik zapisywał wszystko: statki, które przepływały, pogodę i to, jak długo "
    "paliła się lampa. Nikt go nigdy o to nie prosił, ale nie potrafił przestać.",
    "Turkish": "Fener bekçisi her şeyi yazardı: geçen gemileri, havayı ve lambanın ne kadar "
    "yandığını. Kimse ondan bunu istememişti ama bir türlü duramıyordu.",
    "Vietnamese": "Người gác hải đăng ghi lại mọi thứ: những con tàu đi qua, thời tiết và ngọn "
    "đèn đã cháy bao lâu. Chưa ai từng yêu cầu ông làm thế.",
    "Russian": "Смотритель маяка записывал всё: проходившие корабли, погоду и то, как долго горела "
    "лампа. Никто никогда его об этом не просил, но он не мог остановиться.",
    "Greek": "Ο φαροφύλακας τα έγραφε όλα: τα πλοία που περνούσαν, τον καιρό και πόση ώρα έκαιγε "
    "η λάμπα. Κανείς δεν του το είχε ζητήσει ποτέ.",
    "Arabic": "كان حارس المنارة يكتب كل شيء: السفن التي تمر، وحالة الطقس، وكم من الوقت بقي المصباح "
    "مضاءً. لم يطلب منه أحد ذلك قط، لكنه لم يستطع التوقف.",
    "Hindi": "प्रकाशस्तंभ का रखवाला सब कुछ लिखता था: गुज़रने वाले जहाज़, मौसम और दीपक कितनी देर "
    "जला। किसी ने उससे कभी ऐसा करने को नहीं कहा था।",
    "Chinese": "灯塔看守人把一切都记录下来：经过的船只、天气，以及灯亮了多久。"
    "从来没有人要求他这样做，但他停不下来。",
    "Japanese": "灯台守はすべてを書き留めた。通り過ぎる船、天気、そしてランプがどれだけ"
    "燃えていたか。誰に頼まれたわけでもないのに、やめられなかった。",
    "Korean": "등대지기는 모든 것을 적어 두었다. 지나가는 배, 날씨, 그리고 등불이 얼마나 오래 "
    "탔는지까지. 아무도 부탁한 적이 없었지만 그는 멈출 수 없었다.",
    "Python": "def median(values: list[float]) -> float:\n    ordered = sorted(values)\n"
    "    middle = len(ordered) // 2\n    if len(ordered) % 2:\n        return ordered[middle]\n"
    "    return (ordered[middle - 1] + ordered[middle]) / 2\n",
    "JSON": '{"name": "lamp", "hours": [12, 14, 9], "lit": true, "keeper": {"id": 7, "since": '
    '"1911-04-02"}, "ships": ["Aurora", "Sirius"], "notes": null}',
    "Markdown": "## Ships\n\n| name | tons | seen |\n| --- | --- | --- |\n| *Aurora* | 6,731 | "
    "twice |\n\n- [ ] ask the harbour **again**\n- [x] trim the lamp\n",
}


def test_estimates_come_near_enough_to_plan_with() -> None:
    errors = {
        language: abs(estimate(text) / encoder().count(text) - 1)
        for language, text in PROSE.items()
    }
    assert {language: error for language, error in errors.items() if error > 0.40} == {}
    assert statistics.median(errors.values()) < 0.15


@given(st.text(), st.text())
def test_estimates_grow_with_the_text(text: str, more: str) -> None:
    assert estimate(text) <= estimate(text + more) <= estimate(text) + estimate(more)
    assert (estimate(text) == 0) == (text == "")


def counted_by(model: str, reports: list[tuple[int, int]], loaded: bool) -> TokenCounter:
    calibration = Calibration()
    for predicted, reported in reports:
        calibration = calibration.learn(predicted, reported)
    counter = TokenCounter(model, calibration)
    if loaded:
        counter.use(encoder(counter.family.encoding))
    return counter


counters = st.builds(
    counted_by,
    st.sampled_from(["gpt-4o", "gpt-4", "o3-mini", "local:smollm2"]),
    st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 9000)), max_size=4),
    st.booleans(),
)


@given(counters, prompts, prompts)
def test_a_prompt_costs_its_overhead_and_its_messages(
    counter: TokenCounter, prompt: list[Message], more: list[Message]
) -> None:
    def tokens(messages: list[Message]) -> int:
        return counter.count_prompt(messages).tokens

    assert tokens([]) == counter.overhead
    assert tokens(prompt) == counter.overhead + sum(map(counter.price, prompt))
    assert tokens(prompt + more) == tokens(prompt) + tokens(more) - counter.overhead
    assert tokens(prompt + more) >= tokens(prompt) + len(more)


@given(prompts)
def test_remembering_changes_no_count(prompt: list[Message]) -> None:
    counter = exact_counter()
    first = counter.count_prompt(prompt)
    assert counter.count_prompt(prompt) == first == exact_counter().count_prompt(prompt)
    assert [counter.count_draft(m.content) for m in prompt] == [
        counter.count_message("user", m.content) for m in prompt
    ]


def test_each_text_is_encoded_once_in_its_life() -> None:
    recorder = Recorder(encoder())
    counter = TokenCounter("gpt-4o")
    counter.use(recorder)
    prompt = [Message("user", "ahoy"), Message("assistant", "Arr!"), Message("user", "ahoy")]
    for length in range(len(prompt) + 1):
        counter.count_prompt(prompt[:length])
        counter.snapshot().count_prompt(prompt[:length])
    assert recorder.asked == {"user": 1, "ahoy": 1, "assistant": 1, "Arr!": 1}


def test_a_draft_is_not_remembered() -> None:
    recorder = Recorder(encoder())
    counter = TokenCounter("gpt-4o")
    counter.use(recorder)
    for _ in range(3):
        counter.count_draft("a dra")
    assert recorder.asked["a dra"] == 3


def test_a_drafts_files_are_counted_once_as_long_as_they_stay_as_they_are() -> None:
    recorder = Recorder(encoder())
    counter = TokenCounter("gpt-4o")
    counter.use(recorder)
    for draft in ("s", "se", "see"):
        counter.count_draft(draft, ["notes.md:", "log.txt:"])
    assert recorder.asked["notes.md:\n\n"] == recorder.asked["log.txt:"] == 1
    counter.count_draft("see", ["notes.md:"])
    counter.count_draft("see", ["notes.md:", "log.txt:"])
    assert recorder.asked["log.txt:"] == 2, "of a file that grows, each state would be kept"


def test_a_vocabulary_replaces_every_estimate_made_before_it() -> None:
    counter = TokenCounter("gpt-4o")
    prompt = [Message("user", PROSE["Turkish"])]
    early = counter.snapshot()
    estimated = counter.count_prompt(prompt)
    counter.use(encoder())
    assert counter.count_prompt(prompt) == exact_counter().count_prompt(prompt) != estimated
    assert early.count_prompt(prompt) == estimated


def test_a_vocabulary_that_arrives_during_a_sum_waits_for_the_next() -> None:
    counter = TokenCounter("gpt-4o")

    class Interrupted:
        """Estimates; at the second text the vocabulary is there."""

        def count(self, text: str) -> int:
            if text == prompt[1].content:
                counter.use(encoder())
            return estimate(text)

    prompt = [Message("user", text) for text in PROSE.values()]
    estimated = counter.count_prompt(prompt).tokens
    counter.use(Interrupted())
    assert counter.count_prompt(prompt).tokens == estimated
    assert counter.count_prompt(prompt) == exact_counter().count_prompt(prompt)


def test_precision_says_where_a_number_comes_from() -> None:
    prompt = [Message("user", "ahoy")]
    known, unknown = TokenCounter("gpt-4o"), TokenCounter("local:smollm2")
    assert (known.precision, unknown.precision) == ("estimated", "estimated")
    for counter in (known, unknown):
        counter.use(encoder())
    assert (known.precision, unknown.precision) == ("exact", "estimated")
    for counter in (known, unknown):
        counter.learn(prompt, counter.count_prompt(prompt).tokens)
    assert (known.precision, unknown.precision) == ("exact", "calibrated")
    for _ in range(2):
        known.learn(prompt, 300)
    assert known.precision == "calibrated"


def test_estimates_teach_no_calibration() -> None:
    counter = TokenCounter("local:smollm2")
    counter.learn([Message("user", "ahoy")], 40)
    assert counter.calibration == Calibration()


class Own:
    """A model's own tokenizer, a token a word, which can stop answering."""

    family = Family(exact=True, priming=4, per_role={"system": 5, "user": 6}, unprompted=21)

    def __init__(self) -> None:
        self.answers = True

    def count(self, text: str) -> int | None:
        return len(text.split()) if self.answers else None


def test_a_models_own_tokenizer_says_what_messages_and_requests_cost() -> None:
    counter = TokenCounter("local:smollm2")
    counter.use_own(Own())
    question = Message("user", "who are you")
    assert counter.count_prompt([question]) == Count(4 + 21 + 6 + 3, "exact")
    assert counter.count_prompt([Message("system", "Be brief."), question]).tokens == 4 + 7 + 9
    assert counter.count_draft("who are you") == counter.price(question) == 9
    assert counter.price(Message("assistant", "me")) == counter.family.per_message + 2


def test_what_was_learned_with_a_vocabulary_says_nothing_about_the_models_own_tokenizer() -> None:
    counter = exact_counter("local:smollm2")
    counter.learn([Message("user", "ahoy")], 30)
    assert counter.precision == "calibrated"
    counter.use_own(Own())
    assert (counter.precision, counter.calibration) == ("exact", Calibration())


def test_texts_can_be_counted_before_an_encoder_takes_over() -> None:
    own, counter = Own(), TokenCounter("local:smollm2")
    counter.use_own(own, ["ahoy matey"])
    own.answers = False
    assert counter.price(Message("user", "ahoy matey")) == 6 + 2
    assert counter.precision == "exact"


def test_a_tokenizer_that_does_not_answer_leaves_what_is_known_and_an_estimate() -> None:
    own, counter = Own(), TokenCounter("local:smollm2")
    counter.use_own(own)
    known, fresh = Message("user", "ahoy"), Message("user", "Who goes there?")
    before, version = counter.price(known), counter.version
    assert counter.version == version

    own.answers = False
    assert counter.price(known) == before
    assert counter.count_prompt([known, fresh]).precision == "estimated"
    assert counter.price(fresh) == 6 + estimate(fresh.content)
    assert counter.count_draft("a b") == 6 + estimate("a b")
    assert counter.version != counter.version, "a guess is to be made again"
    counter.learn([known, fresh], 400)
    assert counter.calibration == Calibration()

    own.answers = True
    assert counter.count_prompt([known, fresh]) == Count(4 + 21 + 7 + 9, "exact")
    assert counter.version == counter.version


def test_the_same_tokenizer_again_changes_nothing() -> None:
    own, counter = Own(), TokenCounter("local:smollm2")
    counter.use_own(own)
    version = counter.version
    counter.use_own(own)
    assert counter.version == version


def test_a_stored_calibration_goes_on_where_it_was() -> None:
    counter = exact_counter("local:smollm2")
    for text in PROSE.values():
        prompt = [Message("user", text)]
        counter.learn(prompt, round(1.4 * exact_counter().count_prompt(prompt).tokens))
    again = TokenCounter("local:smollm2", Calibration.from_dict(counter.calibration.as_dict()))
    again.use(encoder())
    prompt = [Message("user", PROSE["English"])]
    assert again.count_prompt(prompt) == counter.count_prompt(prompt)


@pytest.mark.parametrize(
    ("precision", "shown"), [("exact", "1,234"), ("calibrated", "≈1,234"), ("estimated", "≈1,234")]
)
def test_a_count_shows_when_it_is_not_exact(precision: Precision, shown: str) -> None:
    assert str(Count(1234, precision)) == shown


def test_the_counter_is_what_a_session_asks_for() -> None:
    counter: Counter = exact_counter()
    assert counter.price(Message("user", "hello")) == 5


def test_counting_imports_no_tiktoken() -> None:
    program = "import sys, chatcli.conversation.tokens; print('tiktoken' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "False\n"
