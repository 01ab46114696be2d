"""From the tokens that we predict to those that an endpoint reports.

An endpoint with another tokenizer reports more or fewer tokens by some factor, and one that adds
words of its own to each request reports some more: a line, `scale` × predicted + `offset`. It is
fitted to the last few reports so that one wild report does not move it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple

KEPT: Final = 8

MOST_TOKENS: Final = 10**9  # no prompt is longer

# What an endpoint can plausibly do. No tokenizer is four times better than o200k_base, and the
# oldest need six to eight times as many tokens for some scripts. Less than nothing is added only
# where a request's overhead is smaller than assumed.
LEAST_SCALE: Final = 0.25
MOST_SCALE: Final = 8.0
SURELY_CUT: Final = 0.7
LEAST_OFFSET: Final = -50.0
MOST_OFFSET: Final = 8000.0

# What it costs a line to be unusual, in relative errors (1.0 is 100 %): enough to choose between
# lines that explain one report equally well, and little against what several reports say.
SCALE_COST: Final = 0.005
OFFSET_COST: Final = 0.00005


class Report(NamedTuple):
    """Prompt tokens of one request: as predicted, and as the endpoint reported them."""

    predicted: int
    reported: int


class Line(NamedTuple):
    scale: float = 1.0
    offset: float = 0.0


def truncated(predicted: int, reported: int, *, surely: bool = False) -> bool:
    """Whether so few tokens were reported that the server must have dropped a part of the prompt.

    No tokenizer alone explains less than a quarter; where it is known (`surely`) how the endpoint
    counts, nor does it explain less than seven tenths. Some local servers cut prompts silently.
    """
    return 0 < reported < predicted * (SURELY_CUT if surely else LEAST_SCALE)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What an endpoint's reports have taught, for one profile and model."""

    reports: tuple[Report, ...] = ()
    scale: float = 1.0
    offset: float = 0.0

    @property
    def agrees(self) -> bool:
        """Whether the endpoint counts just as we do, so far as it has reported."""
        return self.scale == 1.0 and self.offset == 0.0

    def apply(self, tokens: float) -> float:
        """The tokens that the endpoint will report where we predict so many."""
        return self.scale * tokens + self.offset

    def learn(self, predicted: int, reported: int) -> Calibration:
        """Return the calibration with one more report, or itself where that can't be true."""
        if not 0 < predicted < MOST_TOKENS:
            return self
        if not predicted * LEAST_SCALE <= reported <= predicted * MOST_SCALE + MOST_OFFSET:
            return self
        reports = (*self.reports, Report(predicted, reported))[-KEPT:]
        line = min(_candidates(reports), key=lambda line: _cost(line, reports))
        return Calibration(reports, *line)

    def as_dict(self) -> dict[str, list[list[int]]]:
        """Return what `from_dict` needs, as JSON can hold it."""
        return {"reports": [list(report) for report in self.reports]}

    @classmethod
    def from_dict(cls, stored: Mapping[str, object]) -> Calibration:
        """Learn again from what was stored; whatever is no report is passed over."""
        calibration = cls()
        reports = stored.get("reports")
        for report in reports if isinstance(reports, list) else []:
            match report:
                case [int(predicted), int(reported)]:
                    calibration = calibration.learn(predicted, reported)
        return calibration


def _candidates(reports: tuple[Report, ...]) -> Iterator[Line]:
    """The plausible lines: no change, through one report with one change, or through two."""
    yield Line()
    for predicted, reported in reports:
        yield from _plausible(reported / predicted, 0.0)
        yield from _plausible(1.0, reported - predicted)
    for one, other in combinations(reports, 2):
        if one.predicted != other.predicted:
            scale = (other.reported - one.reported) / (other.predicted - one.predicted)
            yield from _plausible(scale, one.reported - scale * one.predicted)


def _plausible(scale: float, offset: float) -> Iterator[Line]:
    if LEAST_SCALE <= scale <= MOST_SCALE and LEAST_OFFSET <= offset <= MOST_OFFSET:
        yield Line(scale, offset)


def _cost(line: Line, reports: tuple[Report, ...]) -> float:
    """How badly a line fits, with the worst quarter of its errors forgiven.

    An error is relative to the larger number, so that too many and too few weigh the same.
    """
    errors = sorted(_error(line.scale * p + line.offset, r) for p, r in reports)
    counted = errors[: len(errors) - len(errors) // 4]
    return sum(counted) + SCALE_COST * abs(line.scale - 1) + OFFSET_COST * abs(line.offset)


def _error(expected: float, reported: int) -> float:
    return abs(expected - reported) / max(expected, reported)
