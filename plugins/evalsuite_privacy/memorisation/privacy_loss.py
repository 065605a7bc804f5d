"""A lower bound on epsilon: what canaries show of the privacy loss of a model's training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from evalsuite import Card, Estimate, LogLikelihood, Metric, Null, Sample, Table, undefined
from evalsuite.content import sha256_of
from evalsuite.statistics import epsilon_lower_bound, one_run_epsilon
from evalsuite_privacy.membership.members import is_member
from evalsuite_privacy.membership.references import Asked, ReferredProbe

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

ONE_RUN = "epsilon at least (one run)"
BY_RATES = "epsilon at least (by rates)"


@dataclass(frozen=True)
class Bound:
    """A bound and the guesses behind it."""

    epsilon: float
    n_correct: int
    n_guesses: int


def best_one_run(
    scores: Floats, member: Booleans, shares: Sequence[float], level: float, delta: float
) -> Bound:
    """The largest one-run bound over how many canaries are guessed about, corrected for the choice.

    The surest half of the guesses says member, the other half non-member; the rest abstains.
    ``scores`` must be in descending order, ties broken without a look at ``member``.
    """
    m = len(scores)
    each = 1 - (1 - level) / len(shares)
    best = Bound(0.0, 0, 0)
    for share in shares:
        half = max(1, round(share * m / 2)) if m > 1 else 0
        half = min(half, m // 2)
        n_correct = int(member[:half].sum() + (~member[m - half :]).sum())
        epsilon = one_run_epsilon(n_correct, 2 * half, m, level=each, delta=delta)
        if epsilon > best.epsilon or best.n_guesses == 0:
            best = Bound(epsilon, n_correct, 2 * half)
    return best


def by_rates(
    scores: Floats, member: Booleans, rng: np.random.Generator, level: float, delta: float
) -> Bound:
    """The bound of true- and false-positive rates, its threshold chosen on the other half.

    Every canary counts as a trial of its own. ``scores`` as in ``best_one_run``.
    """
    to_choose = rng.permutation(len(scores)) < len(scores) // 2
    chosen_on, chosen_of = scores[to_choose], member[to_choose]
    tested, tested_of = scores[~to_choose], member[~to_choose]

    def bound(threshold: float, values: Floats, of: Booleans) -> float:
        called = values >= threshold
        hits, alarms = int((called & of).sum()), int((called & ~of).sum())
        n = int(of.sum())
        return epsilon_lower_bound(hits, n, alarms, len(of) - n, level=level, delta=delta)

    bounds = [bound(t, chosen_on, chosen_of) for t in chosen_on]
    if not bounds or np.isnan(bounds).all():
        return Bound(math.nan, 0, 0)
    threshold = float(chosen_on[int(np.nanargmax(bounds))])
    right = int(((tested >= threshold) == tested_of).sum())
    return Bound(bound(threshold, tested, tested_of), right, len(tested))


@dataclass(frozen=True)
class PrivacyLossBounds:
    """Two lower bounds on epsilon, in nats: from one run's guesses, and from rates.

    Range: [0, inf); higher is worse, and 0 shows nothing: it is no proof of privacy. The interval
    is one-sided, so both its ends are the bound. Undefined: only members or only non-members, or
    one likelihood for all. References: Steinke, Nasr & Jagielski 2023 (2305.08846); Jagielski,
    Ullman & Oprea 2020 (2006.07709).

    Attributes:
        claimed: The epsilon that the training promised; a bound above it refutes the promise.
        delta: The delta of the guarantee.
        shares: Shares of the canaries to guess about.
        level: Confidence.
    """

    claimed: float
    delta: float
    shares: tuple[float, ...]
    level: float
    name: str = "epsilon lower bound"
    primary: bool = True

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One run first: it is the bound that holds whatever canaries do to one another."""
        scores, member = table.numbers("score"), table.numbers("member").astype(bool)
        kept = ~np.isnan(scores)
        scores, member, keys = scores[kept], member[kept], table["_key"][kept]
        reason = self._reason(scores, member)
        if reason:
            return [
                undefined(ONE_RUN, reason, is_primary=True, n=len(scores)),
                undefined(BY_RATES, reason, n=len(scores)),
            ]
        order = np.lexsort((keys.astype(str), -scores))
        scores, member = scores[order], member[order]
        one_run = best_one_run(scores, member, self.shares, self.level, self.delta)
        rates = by_rates(scores, member, rng, self.level, self.delta)
        return [
            self._made(ONE_RUN, one_run, "one-run audit", member, is_primary=True),
            self._made(BY_RATES, rates, "Clopper-Pearson", member, is_primary=False),
        ]

    def _reason(self, scores: Floats, member: Booleans) -> str:
        if not member.any() or member.all():
            return "needs canaries that were trained on, and others that a coin left out"
        if np.ptp(scores) == 0:
            return "the model gives all canaries one likelihood"
        return ""

    def _made(
        self, name: str, bound: Bound, method: str, member: Booleans, *, is_primary: bool
    ) -> Estimate:
        why = "what the training promised" if self.claimed else "perfect privacy"
        return Estimate(
            name,
            bound.epsilon,
            bound.epsilon,
            bound.epsilon,
            level=self.level,
            method=f"{method}, one-sided",
            unit="canary",
            n=len(member),
            direction="lower is better",
            null=Null(self.claimed, side="above", why=why),
            reason="too few canaries" if math.isnan(bound.epsilon) else None,
            is_primary=is_primary,
            extra={
                "delta": self.delta,
                "n_members": int(member.sum()),
                "n_guesses": bound.n_guesses,
                "n_right": bound.n_correct,
            },
        )


@dataclass(frozen=True)
class PrivacyLossAudit(ReferredProbe):
    """Guess from likelihoods which canaries a coin put into the training data.

    ``evalsuite canaries make --audit N`` flips the coins and writes the samples: ``text``, and in
    ``member`` whether the coin planted it. The likelihood of a ``reference`` is taken off; its
    training must not depend on the coins.

    Args:
        claimed_epsilon: What the training promised, if it promised anything.
        delta: The delta of the promise.
        shares: Shares of the canaries to guess about; the bound takes the best, corrected.
        level: Confidence that epsilon is at least the bound.
    """

    claimed_epsilon: float = 0.0
    delta: float = 1e-5
    shares: tuple[float, ...] = (0.1, 0.25, 0.5, 1.0)
    level: float = 0.95

    name: ClassVar[str] = "privacy/epsilon-lower-bound"
    column: ClassVar[str] = "canary_log_likelihood"
    family: ClassVar[Any] = "privacy"
    needs: ClassVar[Any] = (LogLikelihood,)
    fields: ClassVar[Any] = ("text", "member")
    sensitive: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        measures="How large the privacy loss epsilon of the training is at least, from canaries "
        "of which a coin decided whether each was trained on.",
        does_not_measure="An upper bound: a weak attack shows little of a large epsilon, and 0 is "
        "no proof of privacy.",
        reference="Steinke, Nasr & Jagielski 2023, Privacy auditing with one (1) training run "
        "(2305.08846); Jagielski, Ullman & Oprea 2020, Auditing differentially private machine "
        "learning (2006.07709)",
        critique="Holds only if a fair coin of its own decided for each canary. All right guesses "
        "of r show no more than about ln(r / 3). The bound by rates also takes canaries for "
        "independent trials, which needs canaries that do not teach the model one another.",
    )

    def __post_init__(self) -> None:
        """Read lists as tuples; refuse numbers outside their range."""
        object.__setattr__(self, "shares", tuple(self.shares))
        if not self.shares or not all(0 < share <= 1 for share in self.shares):
            raise ValueError("shares must lie above 0 and be at most 1")
        if self.claimed_epsilon < 0 or not 0 <= self.delta < 1 or not 0 < self.level < 1:
            raise ValueError("claimed_epsilon must be 0 or more, delta in [0, 1), level in (0, 1)")

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Both bounds."""
        return (PrivacyLossBounds(self.claimed_epsilon, self.delta, self.shares, self.level),)

    def ask(self, sample: Sample, context: Any) -> Any:
        """Score the canary."""
        text = str(sample["text"])
        request = LogLikelihood("", text)
        score = yield request
        return {
            "member": is_member(sample["member"]),
            "canary_log_likelihood": score.total,
            "_key": sha256_of(text.encode()),
            "_asked": Asked(request, sample.content_hash if self.reference else ""),
        }

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Take off the reference's likelihood, where there is one."""
        own = [float(record["canary_log_likelihood"]) for record in records]
        scores: list[float] = own
        if self.reference and records:
            totals = self.referred().totals([record["_asked"] for record in records])
            scores = [
                math.nan if total is None else mine - total
                for mine, total in zip(own, totals, strict=True)
            ]
        return [
            {**{k: v for k, v in record.items() if k != "_asked"}, "score": score}
            for record, score in zip(records, scores, strict=True)
        ]
