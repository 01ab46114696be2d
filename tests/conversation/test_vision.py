"""What images cost in tokens, and what that does to the numbers around them."""

from __future__ import annotations

import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatcli import vocabularies
from chatcli.conversation.images import MOST_BYTES, Image, in_one_message, shortened, together
from chatcli.conversation.messages import Message
from chatcli.conversation.tokens import TokenCounter, VocabularyEncoder
from chatcli.conversation.vision import image_cost, takes_images
from chatcli.errors import AttachmentError

PIXELS = st.integers(1, 65_535)
MODELS = ("gpt-4o", "gpt-4o-mini", "gpt-5-mini", "claude-haiku-4-5", "gemini-2.5-flash", "llava")


def image(width: int = 640, height: int = 480, size: int = 3, name: str = "cat.png") -> Image:
    return Image(name, "image/png", bytes(size), width, height)


def counter(model: str) -> TokenCounter:
    counting = TokenCounter(model)
    counting.use(VocabularyEncoder(vocabularies.load(counting.family.encoding)))
    return counting


@pytest.mark.parametrize(
    ("model", "width", "height", "tokens"),
    [
        # The examples of OpenAI's own guide, and its sums for one tile.
        ("openai:gpt-4o", 1024, 1024, 765),
        ("gpt-4o", 2048, 4096, 1105),
        ("gpt-4o", 512, 512, 255),
        ("gpt-4.1", 100, 100, 255),
        ("gpt-4o-mini", 512, 512, 8500),
        ("gpt-5", 1024, 1024, 630),
        ("o3", 1024, 1024, 675),
        ("openai:gpt-5-mini", 1024, 1024, 1659),
        ("gpt-4.1-mini", 1800, 2400, 2353),
        ("gpt-5-nano", 32, 32, 3),
        # Anthropic's guide: 200 by 200 pixels, 1,000 by 1,000, and no more than about 1,600.
        ("anthropic:claude-haiku-4-5", 200, 200, 54),
        ("claude-sonnet-4-5", 1000, 1000, 1334),
        ("claude-3-opus", 8000, 6000, 1600),
        # Google's: 258 for a small one and for each tile.
        ("gemini:gemini-2.5-flash", 384, 384, 258),
        ("gemini-2.5-flash", 1536, 768, 516),
        ("ollama:llava", 640, 480, 410),
    ],
)
def test_an_image_costs_what_is_published(model: str, width: int, height: int, tokens: int) -> None:
    assert image_cost(model)(width, height) == tokens


@given(st.sampled_from(MODELS), PIXELS, PIXELS)
def test_every_image_costs_something_and_none_without_end(
    model: str, width: int, height: int
) -> None:
    assert 0 < image_cost(model)(width, height) < 3_000_000
    if model != "gemini-2.5-flash":
        assert image_cost(model)(width, height) < 80_000


@pytest.mark.parametrize(
    "model", ["openai:gpt-3.5-turbo", "gpt-4", "gpt-4-0613", "groq:openai/gpt-oss-20b", "o1-mini"]
)
def test_what_can_never_see_is_known(model: str) -> None:
    assert not takes_images(model)


@pytest.mark.parametrize(
    "model", ["gpt-4o", "gpt-4-turbo", "gpt-4.1", "o1", "o3", "deepseek-chat", "my-own", None]
)
def test_any_other_model_is_tried(model: str | None) -> None:
    assert takes_images(model)


def test_an_image_is_added_to_the_price_of_its_message_and_makes_the_sum_an_estimate() -> None:
    counting = counter("gpt-4o")
    plain, shown = Message("user", "What is it?"), Message("user", "What is it?", (image(),))
    assert counting.price(shown) == counting.price(plain) + 425
    assert counting.count_prompt([plain]).precision == "exact"
    assert str(counting.count_prompt([plain, shown])).startswith("≈")


def test_what_an_endpoint_reports_of_an_image_teaches_nothing_of_its_vocabulary() -> None:
    counting = counter("gpt-4o")
    shown = Message("user", "What is it?", (image(),))
    assert counting.learn([shown], 5_000) is False
    assert counting.learn([shown], 10) is False, "nor is it said that the server cut the prompt"
    assert counting.precision == "exact"


WORDS = st.text(alphabet="ab Z9.,:;!?'\"`*_-\n\t/()é漢", max_size=40)


@settings(deadline=None)  # the first example loads the vocabularies
@given(WORDS, st.lists(WORDS.filter(str.strip).map(lambda text: f"n{text}x"), max_size=3))
def test_a_draft_with_files_costs_what_the_message_will(draft: str, blocks: list[str]) -> None:
    for model in ("gpt-4o", "gpt-4"):
        counting = kept_counter(model)
        whole = "\n\n".join(part for part in (draft, *blocks) if part.strip())
        if draft.strip() or not blocks:
            whole = draft if not blocks else whole
            assert counting.count_draft(draft, blocks) == counting.count_message("user", whole)


kept_counter = functools.cache(counter)


def test_a_message_has_only_so_many_images_and_each_once() -> None:
    assert together(image(), image()) == (image(),)
    with pytest.raises(AttachmentError, match="21 images, and a message has at most 20"):
        together(*(image(name=f"{n}.png") for n in range(21)))
    with pytest.raises(AttachmentError, match="larger than 5 MiB together"):
        together(image(size=MOST_BYTES), image(size=1))
    with pytest.raises(AttachmentError, match="beside so much text"):
        in_one_message("\x01" * 400_000, [image(size=MOST_BYTES)])
    assert in_one_message("a" * 900_000, [image(size=MOST_BYTES)])


def test_a_request_that_is_shown_has_no_more_of_an_image_than_its_beginning() -> None:
    asked = {"model": "m", "messages": [Message("user", "x", (image(size=9000),)).as_dict()]}
    shown = str(shortened(asked))
    assert len(shown) < 400
    assert "data:image/png;base64,AAAA" in shown
    assert "… (12,022 characters)" in shown
