"""Settle a run from the command line."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from afterbay.cli.numbers import plain
from afterbay.cli.progress import show_progress
from afterbay.cli.tables import table

if TYPE_CHECKING:
    from afterbay.community.settlement import Settlement
    from afterbay.community.simulation import CommunityRun

__all__ = ["document", "settle_run", "statement_lines", "summary_lines"]


def settle_run(run: CommunityRun, names: list[str] | None, feed_in: float | None) -> Settlement:
    """Settle a run under the named rules, or all of them."""
    from afterbay.community.settlement import named_rule, settle, standard_rules
    from afterbay.community.sharing import Sharing

    sharing = run.sharing if isinstance(run.sharing, Sharing) and run.sharing.scope != "house" else None
    if names:
        rules = [named_rule(name, sharing=sharing, feed_in_per_kwh=feed_in) for name in dict.fromkeys(names)]
    else:
        rules = standard_rules(sharing=sharing, feed_in_per_kwh=feed_in)
    with show_progress(len(run.days.dates), "days") as progress:
        return settle(run, rules, progress=progress)


def summary_lines(settled: Settlement, *, keyed: bool) -> list[str]:
    """Return one line per rule: what the members pay, save, and how evenly; rules by key need keys to mean anything."""
    rows = []
    for rule in settled.rules:
        accounts, fair = settled.accounts(rule), settled.fairness(rule)
        rows.append(
            (
                rule,
                plain(-accounts["houses"], 2),
                plain(fair.total_saving, 2),
                plain(fair.gini, 3),
                f"{fair.worst_member} {plain(fair.worst_saving, 2)}",
                str(fair.members_worse_off),
                plain(accounts["community_fund"], 2),
            )
        )
    head = ("RULE", "BILLS", "SAVED", "GINI", "WORST MEMBER", "WORSE OFF", "FUND")
    lines = table(head, rows, left=(0, 4))
    worst = max(settled.balances(), key=lambda balance: balance.worst)
    held = "money adds up to zero in every step" if worst.holds else f"BOOKS DO NOT BALANCE: {worst.law}, {worst.at}"
    idle = [rule for rule in settled.rules if rule in ("static_keys", "cascading_keys")] if not keyed else []
    notes = (
        [f"{' and '.join(idle)}: no house has a key -> node set COMMUNITY HOUSE key=0.1, and run again"] if idle else []
    )
    return [*lines, "", *notes, f"{settled.currency}; compared with {settled.before}; {held} (worst {worst.worst:.1e})"]


def statement_lines(settled: Settlement, house: str) -> list[str]:
    """Return the statement of one house under every rule."""
    lines: list[str] = []
    for rule in settled.rules:
        found = settled.statement(house, rule)
        rows = [(name.replace("_", " "), plain(value, 2)) for name, value in found.lines.items() if value]
        rows.append(("bill", plain(found.bill_after, 2)))
        rows.append(("saving", plain(found.saving, 2)))
        lines += [*table((f"{house}, {rule}", settled.currency), rows), ""]
    return lines[:-1]


def document(settled: Settlement, house: str | None) -> dict[str, Any]:
    """Return a settlement for JSON."""
    rules = {
        rule: {
            "accounts": settled.accounts(rule),
            "rounded_accounts": settled.rounded_accounts(rule),
            "fairness": asdict(settled.fairness(rule)),
            **({"statement": asdict(settled.statement(house, rule))} if house else {}),
        }
        for rule in settled.rules
    }
    balances = [{**asdict(balance), "holds": balance.holds} for balance in settled.balances()]
    return {"currency": settled.currency, "before": settled.before, "rules": rules, "balances": balances}
