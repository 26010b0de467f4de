"""What each rule gives to whom, by hand and against other code."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from afterbay.community.sharing import SHARING_RULES, Pool, Scope, SharedBlock, Sharing, named_sharing, share_block
from afterbay.community.sharing.fill_kernels import divide
from afterbay.community.sharing.layout import CASCADE, EQUAL, PRIORITY
from afterbay.community.step import tree_arrays
from afterbay.community.topology import Flag, Grid, House, LoadSeries, Transformer
from afterbay.core.compiled import Floats
from afterbay.core.errors import InvalidInputError
from shared_data import shared_path

_AMOUNTS = st.one_of(st.just(0.0), st.floats(1e-6, 50.0))


def _house(name: str, key: float | None = None, flag: str | None = None) -> House:
    return House(name, loads=(LoadSeries("p"),), key=key, flags=(Flag("Priority", flag),) if flag else ())


def _street(*houses: House, priority: tuple[tuple[str, str], ...] = ()) -> Grid:
    return Grid(transformers=(Transformer("T-1", houses=houses),), priority=priority)


def _shared(grid: Grid, rule: Sharing, *net_kwh: float) -> SharedBlock:
    return share_block(tree_arrays(grid), rule, np.array([net_kwh]))


def _divided(rule: int, amount: float, limits: ArrayLike, keys: ArrayLike = 0.0, within: int = 0) -> Floats:
    limit = np.asarray(limits, dtype=np.float64)
    part = np.full(limit.size, np.nan)
    key = np.broadcast_to(np.asarray(keys, dtype=np.float64), limit.shape).copy()
    given_kwh = divide(rule, within, amount, limit, part, 0, limit.size, np.zeros(limit.size, dtype=np.int64), key)
    assert given_kwh == pytest.approx(part.sum(), abs=1e-9)
    return part


def test_proportional_gives_everyone_the_same_share_of_its_need() -> None:
    found = _shared(_street(*map(_house, "abc")), SHARING_RULES["proportional"], 6.0, -3.0, -9.0)

    assert found.bought_kwh[0].tolist() == [0.0, 1.5, 4.5]
    assert found.sold_kwh[0].tolist() == [6.0, 0.0, 0.0]


def test_equal_fills_small_needs_and_levels_the_rest() -> None:
    found = _shared(_street(*map(_house, "abcd")), SHARING_RULES["equal"], 7.0, -1.0, -9.0, -4.0)

    assert found.bought_kwh[0].tolist() == [0.0, 1.0, 3.0, 3.0]


def test_order_serves_the_first_house_first() -> None:
    found = _shared(_street(*map(_house, "abc")), Sharing(buyers="order"), 4.0, -3.0, -3.0)

    assert found.bought_kwh[0].tolist() == [0.0, 3.0, 1.0]


def test_priority_serves_a_class_before_the_next_and_houses_without_a_flag_last() -> None:
    priority = (("Priority", "Hospital"), ("Priority", "School"))
    grid = _street(_house("sun"), _house("home"), _house("school", flag="School"), _house("ward", flag="Hospital"),
                   priority=priority)  # fmt: skip

    found = _shared(grid, SHARING_RULES["priority"], 5.0, -4.0, -3.0, -4.0)

    assert found.bought_kwh[0].tolist() == [0.0, 0.0, 1.0, 4.0]


@pytest.mark.parametrize(("within", "bought"), [("proportional", [1.0, 3.0]), ("equal", [2.0, 2.0]),
                                                ("order", [2.0, 2.0])])  # fmt: skip
def test_inside_a_class_the_rule_within_decides(within: str, bought: list[float]) -> None:
    rule = Sharing(buyers="priority", within=within)  # type: ignore[arg-type]

    found = _shared(_street(*map(_house, "abc")), rule, 4.0, -2.0, -6.0)

    assert found.bought_kwh[0, 1:].tolist() == bought


@pytest.mark.parametrize(("sellers", "sold"), [("proportional", [1.0, 3.0]), ("equal", [2.0, 2.0]),
                                               ("order", [2.0, 2.0]), ("priority", [0.0, 4.0])])  # fmt: skip
def test_the_sellers_rule_divides_the_sale(sellers: str, sold: list[float]) -> None:
    grid = _street(_house("a"), _house("b", flag="First"), _house("c"), priority=(("Priority", "First"),))

    found = _shared(grid, Sharing(sellers=sellers), 2.0, 6.0, -4.0)  # type: ignore[arg-type]

    assert found.sold_kwh[0, :2].tolist() == sold
    assert found.paid_kwh[0].tolist() == found.sold_kwh[0].tolist()


def test_static_keys_share_once_and_cascading_keys_share_what_is_left() -> None:
    """PUB-06: home 1 has 2 kWh too much and the key 0.6, home 2 lacks 7 kWh and has the key 0.4."""
    homes = {"H1": 7.0 - 5.0, "H2": 0.0 - 7.0}
    grid = _street(_house("H1", 0.6), _house("H2", 0.4))

    static, cascade = (_shared(grid, SHARING_RULES[name], *homes.values()) for name in ("static", "cascade"))

    assert static.sold_kwh[0].tolist() == pytest.approx([0.8, 0.0])
    assert static.bought_kwh[0].tolist() == pytest.approx([0.0, 0.8])
    assert cascade.bought_kwh[0].tolist() == pytest.approx([0.0, 2.0])


def test_the_published_case_of_static_keys_is_met() -> None:
    import json

    cases = json.loads(shared_path("golden/community_cases.json").read_text(encoding="utf-8"))["cases"]
    case = next(case for case in cases if case["id"] == "PUB-06")
    homes = case["input"]["homes"]
    grid = _street(*(_house(home["id"], home["coefficient"]) for home in homes))

    found = _shared(grid, SHARING_RULES["static"], *(home["production"] - home["consumption"] for home in homes))

    expected, close = case["expected"], case["tolerance"]
    assert found.matched_kwh.sum() == pytest.approx(expected["community"]["traded_inside"], abs=close)
    assert found.sold_kwh[0, 0] == pytest.approx(expected["H1"]["sold_to_community"], abs=close)
    assert found.bought_kwh[0, 1] == pytest.approx(expected["H2"]["bought_from_community"], abs=close)


def test_a_key_promises_a_share_of_the_whole_surplus_and_no_more_than_the_need() -> None:
    grid = _street(_house("sun"), _house("a", 0.5), _house("b", 0.3), _house("c", 0.2))

    static = _shared(grid, SHARING_RULES["static"], 10.0, -2.0, -8.0, -8.0)
    cascade = _shared(grid, SHARING_RULES["cascade"], 10.0, -2.0, -8.0, -8.0)

    assert static.bought_kwh[0, 1:].tolist() == pytest.approx([2.0, 3.0, 2.0])
    assert cascade.bought_kwh[0, 1:].tolist() == pytest.approx([2.0, 4.8, 3.2])


def test_energy_is_shared_at_the_lowest_bus_first() -> None:
    lower = Transformer("T-1.1", houses=(_house("sun"), _house("near")))
    grid = Grid(transformers=(Transformer("T-1", transformers=(lower,), houses=(_house("far"),)),))

    found = _shared(grid, SHARING_RULES["proportional"], -3.0, 4.0, -3.0)

    assert tree_arrays(grid).house_names == ("far", "sun", "near")
    assert found.bought_kwh[0].tolist() == [1.0, 0.0, 3.0]
    assert found.matched_kwh[0].tolist() == [0.0, 1.0, 3.0]
    assert found.bought_level_kwh[0, :, 0].tolist() == [1.0, 0.0, 0.0]
    assert found.sold_level_kwh[0, :, 1].tolist() == [3.0, 1.0, 0.0]


def test_the_seller_is_paid_for_what_arrives_so_that_losses_are_his() -> None:
    sun = Transformer("T-1", backward_efficiency=0.9, houses=(_house("sun"),))
    home = Transformer("T-2", forward_efficiency=0.8, houses=(_house("home"),))
    grid = Grid(transformers=(sun, home))

    found = _shared(grid, SHARING_RULES["proportional"], 10.0, -50.0)

    assert found.sold_kwh[0, 0] == pytest.approx(10.0)
    assert found.matched_kwh[0, 0] == pytest.approx(9.0)
    assert found.bought_kwh[0, 1] == pytest.approx(7.2)
    assert found.paid_kwh[0, 0] == pytest.approx(7.2)


def test_the_load_loss_of_sharing_is_that_of_the_energy_through_the_transformer() -> None:
    sun = Transformer("T-1", rated_kw=40.0, load_loss_kw=4.0, houses=(_house("sun"),))
    grid = Grid(transformers=(sun,), houses=(_house("home"),))

    found = _shared(grid, SHARING_RULES["proportional"], -50.0, 10.0)

    # 10 kWh in a quarter of an hour are the rated 40 kW: 4 kW are lost for a quarter of an hour.
    assert found.bought_kwh[0, 0] == pytest.approx(10.0 - 4.0 * 0.25)


def test_no_sharing_shares_nothing() -> None:
    found = _shared(_street(*map(_house, "ab")), SHARING_RULES["none"], 4.0, -3.0)

    assert all(getattr(found, name).sum() == 0.0 for name in SharedBlock.__dataclass_fields__)


@settings(max_examples=300, deadline=None)
@given(st.lists(_AMOUNTS, min_size=1, max_size=40), st.floats(0.0, 1.2))
def test_equal_sharing_is_the_filling_of_a_basin(limits: list[float], share: float) -> None:
    amount = sum(limits) * share

    part = _divided(EQUAL, amount, limits)

    low, high = 0.0, max(limits)
    for _ in range(200):  # bisection for the level, another way than the kernel's
        level = 0.5 * (low + high)
        low, high = (level, high) if np.minimum(limits, level).sum() < amount else (low, level)
    assert part == pytest.approx(np.minimum(limits, high), abs=1e-8 * max(1.0, amount))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(_AMOUNTS, st.floats(0.0, 1.0)), min_size=1, max_size=20), st.floats(0.0, 1.5))
def test_cascading_keys_leave_nothing_that_someone_needs(pairs: list[tuple[float, float]], share: float) -> None:
    limits, keys = np.array(pairs).T
    keys = keys / max(keys.sum(), 1.0)
    amount = limits.sum() * share

    part = _divided(CASCADE, amount, limits, keys)

    assert part.sum() == pytest.approx(min(amount, limits.sum()), abs=1e-9 * max(1.0, amount))
    assert (part <= limits + 1e-12).all()
    assert (part >= np.minimum(limits, keys * amount) - 1e-9).all()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(_AMOUNTS, st.integers(0, 3)), min_size=1, max_size=20), st.floats(0.0, 1.2),
       st.integers(0, 2))  # fmt: skip
def test_no_class_gets_anything_before_the_one_above_it_has_all(
    pairs: list[tuple[float, int]], share: float, within: int
) -> None:
    limit, ranks = np.array([need for need, _ in pairs]), np.array([rank for _, rank in pairs], dtype=np.int64)
    part, amount = np.empty(limit.size), limit.sum() * share

    divide(PRIORITY, within, amount, limit, part, 0, limit.size, ranks, np.zeros(limit.size))

    left = amount
    for rank in range(4):
        asked = limit[ranks == rank].sum()
        assert part[ranks == rank].sum() == pytest.approx(min(asked, max(left, 0.0)), abs=1e-9 * max(1.0, amount))
        left -= asked


class _Own:
    """Proportional on both sides, written by a user."""

    def __init__(self, scope: Scope = "grid", level_by_level: bool = True) -> None:
        self.name, self.scope, self.level_by_level = "mine", scope, level_by_level

    def share(self, pool: Pool) -> tuple[Floats, Floats]:
        supply, demand = pool.offers_kwh.sum(), pool.needs_kwh.sum()
        amount = min(supply, demand)
        return pool.offers_kwh * (amount / supply), pool.needs_kwh * (amount / demand)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["grid", "transformer"]), st.booleans())
def test_a_rule_in_plain_python_gives_what_the_compiled_one_gives(seed: int, scope: Scope, levels: bool) -> None:
    rng = np.random.default_rng(seed)
    houses = [_house(f"H-{at}") for at in range(12)]
    low = Transformer("T-1.1", rated_kw=9.0, load_loss_kw=0.2, forward_efficiency=0.9, houses=tuple(houses[:4]))
    top = Transformer("T-1", backward_efficiency=0.95, transformers=(low,), houses=tuple(houses[4:7]))
    tree = tree_arrays(Grid(transformers=(top,), houses=tuple(houses[7:])))
    net = rng.normal(0.0, 1.0, (20, 12)) * (rng.random((20, 12)) < 0.8)

    mine = share_block(tree, _Own(scope, levels), net)
    built_in = share_block(tree, Sharing(scope=scope, once=not levels), net)

    for name in SharedBlock.__dataclass_fields__:
        assert getattr(mine, name) == pytest.approx(getattr(built_in, name), abs=1e-9), name


@pytest.mark.parametrize(
    ("given_share", "got_share", "words"),
    [(2.0, 1.0, "gives more than it offers"), (1.0, 2.0, "gets more than it needs"), (0.5, 0.25, "given and"),
     (-1.0, 1.0, "less than 0"), (np.nan, 1.0, "no number")],
)  # fmt: skip
def test_a_rule_that_makes_energy_is_stopped_with_the_house_and_the_step(
    given_share: float, got_share: float, words: str
) -> None:
    class Wrong(_Own):
        def share(self, pool: Pool) -> tuple[Floats, Floats]:
            return pool.offers_kwh * given_share, pool.needs_kwh * got_share

    with pytest.raises(InvalidInputError, match=words) as caught:
        share_block(tree_arrays(_street(*map(_house, "ab"))), Wrong(), np.array([[0.0, 0.0], [3.0, -3.0]]))

    assert "sharing rule 'mine' at T-1, step 1" in str(caught.value)


def test_an_unknown_rule_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(InvalidInputError, match="one of none, proportional, equal, priority"):
        named_sharing("fair")
    with pytest.raises(InvalidInputError, match="within"):
        Sharing(buyers="priority", within="static")


def test_rules_name_themselves_so_that_two_rules_differ() -> None:
    names = [rule.name for rule in SHARING_RULES.values()]

    assert len(set(names)) == len(names)
    assert named_sharing("equal", scope="transformer").name == "equal, inside each transformer"
