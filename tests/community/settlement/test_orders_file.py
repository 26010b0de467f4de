"""Order files: what is read, what is refused, and how their orders trade."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from community_meters import meters, random_net
from community_settling import trade_blocks

from afterbay.community.settlement.auction_market import LocalMarket
from afterbay.community.settlement.orders_file import read_orders
from afterbay.community.topology.records import Grid, House
from afterbay.community.topology.tariff import Tariff
from afterbay.core.errors import InvalidInputError
from afterbay.core.timeline import Timeline

_START = datetime(2023, 6, 1, tzinfo=UTC)
_DAY = Timeline(_START, timedelta(minutes=15), 96)
_NAMES = ("H-1", "H-2", "H-3")
_GRID = Grid(tariffs={"t": Tariff(0.30, 0.10)}, houses=tuple(House(name) for name in _NAMES))


def _write(folder: Path, text: str) -> Path:
    path = folder / "orders.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_steps_and_timestamps_and_any_order_of_rows_and_columns_read_alike(tmp_path: Path) -> None:
    by_step = read_orders(
        _write(tmp_path, "step,house,side,qty_kwh,price\n1,H-2,offer,2,0.1\n0,H-1,bid,1,0.2\n0,H-1,Bid,3,0.25\n"),
        _DAY, _NAMES,
    )  # fmt: skip
    by_stamp = read_orders(
        _write(
            tmp_path,
            "\ufeffprice, side ,qty_kwh,house,timestamp\n0.25,bid,3,H-1,2023-06-01 00:00\n\n"
            "0.2,BID,1.0,H-1,2023-06-01T02:00:00+02:00\n1e-1,offer,2.0, H-2,2023-06-01T00:15:00Z\n",
        ),
        _DAY, _NAMES,
    )  # fmt: skip

    assert len(by_step) == 3
    assert by_step.first_of_step[:4].tolist() == [0, 2, 3, 3]
    assert by_step.house.tolist() == [0, 0, 1]
    assert by_step.price.tolist() == [0.25, 0.2, 0.1]
    for name in ("first_of_step", "house", "buys", "qty_kwh", "price"):
        assert getattr(by_step, name).tolist() == getattr(by_stamp, name).tolist()


def test_every_kind_of_problem_is_named_with_its_lines(tmp_path: Path) -> None:
    rows = [
        "0,H-1,bid,1,0.2", "96,H-1,bid,1,0.2", "0,H-9,bid,1,0.2", "0,H-1,buy,1,0.2", "0,H-1,bid,-1,0.2",
        "0,H-1,bid,1,dear", "1.5,H-1,bid,nan,inf",
    ]  # fmt: skip

    with pytest.raises(InvalidInputError) as caught:
        read_orders(_write(tmp_path, "step,house,side,qty_kwh,price\n" + "\n".join(rows) + "\n"), _DAY, _NAMES)

    found = {problem.where.removeprefix("orders.csv: "): problem.got for problem in caught.value.problems}
    assert found == {
        "step": "'96' in line 3, '1.5' in line 8",
        "house": "'H-9' in line 4",
        "side": "'buy' in line 5",
        "qty_kwh": "'-1' in line 6, 'nan' in line 8",
        "price": "'dear' in line 7, 'inf' in line 8",
    }


def test_many_wrong_rows_are_counted_not_listed(tmp_path: Path) -> None:
    rows = "".join("0,H-9,bid,1,0.2\n" for _ in range(1_000))

    with pytest.raises(InvalidInputError, match="and 995 more rows"):
        read_orders(_write(tmp_path, "step,house,side,qty_kwh,price\n" + rows), _DAY, _NAMES)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "column house"),
        ("step,house,side,qty_kwh\n", "column price"),
        ("step,house,side,qty_kwh,price,price\n", "2 of them"),
        ("step,timestamp,house,side,qty_kwh,price\n", "got both"),
        ("house,side,qty_kwh,price\n", "got neither"),
        ("step,house,side,qty_kwh,price,colour\n", "column colour"),
        ("step,house,side,qty_kwh,price\n0,H-1,bid\n", "line 2: got an empty cell"),
        ("step,house,side,qty_kwh,price\n0,H-1,bid,1,2,3\n", "5 cells in every row"),
        ("timestamp,house,side,qty_kwh,price\n2023-06-01 00:07,H-1,bid,1,2\n", "the start of a step"),
        ("timestamp,house,side,qty_kwh,price\nnoon,H-1,bid,1,2\n", "'noon' in line 2"),
    ],
)
def test_a_file_that_cannot_be_read_as_it_stands_is_refused(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(InvalidInputError, match=word):
        read_orders(_write(tmp_path, text), _DAY, _NAMES)


def test_a_missing_or_foreign_file_is_refused(tmp_path: Path) -> None:
    foreign = tmp_path / "orders.bin"
    foreign.write_bytes(b"\xff\xfe\x00\x80")

    for path, word in ((tmp_path / "none.csv", "No such file"), (foreign, "no UTF-8")):
        with pytest.raises(InvalidInputError, match=word):
            read_orders(path, _DAY, _NAMES)


def test_orders_trade_no_more_than_the_meter_shows_the_best_first(tmp_path: Path) -> None:
    text = "step,house,side,qty_kwh,price\n0,H-1,bid,2,0.2\n0,H-1,bid,2,0.28\n0,H-1,offer,9,0.1\n0,H-2,offer,9,0.12\n"
    orders = read_orders(_write(tmp_path, text), Timeline(_START, timedelta(minutes=15), 1), _NAMES)
    block = next(trade_blocks(meters(_GRID, [[-3.0, 5.0, 5.0]], _START)))

    booking = LocalMarket(pricing="pay_as_bid", bids=orders).book(block)

    # House 1 needs 3 kWh: 2 at 0.28 and 1 at 0.20; its own offer and house 3, which gave no order, stay out.
    assert booking.bought_kwh.tolist() == [[3.0, 0.0, 0.0]]
    assert booking.sold_kwh.tolist() == [[0.0, 3.0, 0.0]]
    assert booking.paid[0, 0] == pytest.approx(2 * 0.28 + 0.2)


def test_a_file_of_truthful_orders_settles_to_the_bits_of_the_truthful_strategy(tmp_path: Path) -> None:
    net = random_net(4, 96, 3)
    lines = [
        f"{step},{name},{side},100,{price}"
        for step in range(96)
        for name in _NAMES
        for side, price in (("bid", 0.30), ("offer", 0.10))
    ]
    orders = read_orders(_write(tmp_path, "step,house,side,qty_kwh,price\n" + "\n".join(lines) + "\n"), _DAY, _NAMES)
    block = next(trade_blocks(meters(_GRID, net, _START)))

    read, truthful = LocalMarket(bids=orders).book(block), LocalMarket().book(block)

    assert read.bought_kwh.any()
    for name in ("bought_kwh", "sold_kwh", "paid", "earned", "fees"):
        assert getattr(read, name).tobytes() == getattr(truthful, name).tobytes()


def test_an_order_file_of_another_run_is_refused(tmp_path: Path) -> None:
    text = "step,house,side,qty_kwh,price\n0,H-1,bid,2,0.2\n"
    other = read_orders(_write(tmp_path, text), _DAY, ("H-1", "H-2"))
    short = read_orders(_write(tmp_path, text), Timeline(_START, timedelta(minutes=15), 1), _NAMES)
    block = next(trade_blocks(meters(_GRID, np.zeros((2, 3)), _START)))

    for orders in (other, short):
        with pytest.raises(InvalidInputError, match="read the order file for this run"):
            LocalMarket(bids=orders).book(block)
