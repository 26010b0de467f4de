"""The solver says in sentences why there is no answer."""

from __future__ import annotations

import numpy as np
import pytest

from afterbay.core.errors import InvalidInputError
from afterbay.sizing.optimum.solver import LinearModel, solve

pytest.importorskip("highspy", reason="needs the solver of the extra 'optimum'")


def _diet(upper: float = np.inf, cost: float = 1.0) -> LinearModel:
    """Return: least cost of two foods whose sum is at least 3, each at most `upper`."""
    model = LinearModel()
    foods = model.columns(2, upper=upper, cost=[cost, 2.0 * cost])
    sums = model.rows(1, lower=3.0)
    model.put(np.repeat(sums, 2), foods, 1.0)
    return model


@pytest.mark.parametrize("method", ["simplex", "ipm"])
def test_the_cheaper_food_is_eaten_first(method: str) -> None:
    (found,) = solve(_diet(upper=2.0), what="diet", method=method, time_limit_s=10.0)

    assert found.values == pytest.approx([2.0, 1.0])
    assert found.cost == pytest.approx(4.0)
    assert found.status == "Optimal"


def test_a_second_run_has_its_own_costs() -> None:
    first, second = solve(_diet(upper=2.0), what="diet", then=np.array([2.0, 1.0]), time_limit_s=10.0)

    assert first.values == pytest.approx([2.0, 1.0])
    assert second.values == pytest.approx([1.0, 2.0])


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (_diet(upper=1.0), "contradict each other"),
        (_diet(cost=-1.0), "falls without end"),
        (_diet(cost=float("nan")), "cannot hold"),
    ],
    ids=["infeasible", "unbounded", "no number"],
)
def test_a_model_without_an_answer_says_why(model: LinearModel, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words) as caught:
        solve(model, what="diet", time_limit_s=10.0)

    (problem,) = caught.value.problems
    assert problem.where == "diet"
    assert problem.next_move


def test_a_time_that_is_too_short_is_named() -> None:
    rng = np.random.default_rng(3)
    model = LinearModel()
    columns = model.columns(400, cost=rng.uniform(1.0, 2.0, 400))
    rows = model.rows(400, lower=1.0)
    model.put(np.repeat(rows, 400), np.tile(columns, 400), rng.uniform(0.0, 1.0, 160_000))

    with pytest.raises(InvalidInputError, match="time_limit_s"):
        solve(model, what="large", time_limit_s=1e-6)
