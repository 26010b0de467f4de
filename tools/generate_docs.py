"""Write the parts of the docs that the program knows better than a person: tables, constants, results.

Run without arguments to write `docs/generated/`, with `--check` to fail when a committed file differs.
The pages of the docs include these files, so no number of a result is typed by hand. A picture is compared by
its description, which is made from the same numbers: its bytes depend on the version of the drawing library.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import inspect
import json
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer
from PIL import Image

from afterbay.cli.app import app as cli_app
from afterbay.community.results import definitions_table
from afterbay.profiles import checks
from afterbay.server.settings import Settings, stated
from afterbay.sizing import calculate_recommendations, goal, grid, layout, pareto, physics, recommendation
from afterbay.sizing import sweep as run_sweep
from afterbay.sizing.charts import alt_text, amounts, pareto_chart, save_png
from afterbay.sizing.cost import CapitalCosts
from afterbay.sizing.goal import GREEN_ENERGY_MEASURES, OPTIMIZE_FOR, Goal
from afterbay.sizing.metrics import SummaryMetrics
from afterbay.sizing.params import SimulationParams
from afterbay.sizing.project import load_project
from afterbay.sizing.project.keys import SECTIONS, Key
from afterbay.sizing.simulation import run_simulation
from afterbay.sizing.templates import DISPATCH_TEMPLATES, TRIGGERS_OFFERED, Template, get_template_info, infer_template

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from afterbay.sizing import SweepResult

ROOT = Path(__file__).resolve().parents[1]
GENERATED = ROOT / "docs" / "generated"
_UNIT = re.compile(r"\s*\[(?P<unit>[^\]]+)\]")

_DPI = 90
_KEY_HEAD = ("Key", "Default", "What may stand there")
_QUARRY_HEAD = (
    "Battery", "Generator", "Delivery", "Curtailed", "Generator hours", "Starts", "Cycles", "Capital cost",
)  # fmt: skip

_WINDOWS = {
    "always": "any hour",
    "night": "night window",
    "day": "day window",
    "not_blackout": "outside the blackout",
    "never": "never",
}
_TRIGGERS = {"none": "-", "deficit": "a deficit", "soc_band": "state of charge"}
_ORDERS = {
    "battery_first": "after the battery",
    "if_dg_first": "after the battery; before it with `dg_first`",
    "generator_first": "before the battery",
}
_EMERGENCIES = {"none": "-", "day": "`allow_emergency_dg_day`", "night": "`allow_emergency_dg_night`"}
_SETTINGS = {
    "data_dir": "everything that is kept on this machine", "log_level": "`RUST_LOG=info,x=debug` counts as `info`",
    "database_url": "`postgres://...`, or `embedded`; `serve` without one has its own, `headend` without one has none",
    "reset_db": "headend: empty the fleet's tables once, and no others", "http": "headend: REST and its page",
    "grpc": "agents dial in here", "fleet_tokens_file": "the same, a pair a line", "tls_cert": "certificate (PEM)",
    "tls_key": "its key (PEM)", "grpc_cert": "certificate of the link (PEM)", "grpc_key": "its key (PEM)",
    "max_body_kb": "a larger request is refused, 413 [kB]", "oidc_client_id": "our id at the provider",
    "oidc_client_secret": "without one PKCE alone protects us", "oidc_scopes": "what the provider is asked",
    "oidc_name": "what the page of signing in calls it", "oidc_role_claim": "claim of the ID token; dots go inside",
    "oidc_link_by_email": "a verified address opens the account with that address", "smtp_from": "sender of mails",
    "smtp_url": "`smtp://user:password@host:587` (STARTTLS) or `smtps://...`; without one no mail is sent",
    "oidc_create_users": "somebody unknown gets an account", "rate_limit_address": "requests of one address",
    "rate_limit_sign_in": "changes under `/api/v1/auth/` from one address", "log_format": "`console` or `json`",
}  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Write or check the generated files; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when a file differs")
    options = parser.parse_args(arguments)
    pages = {name: page() for name, page in PAGES.items()}
    pictures = {name: picture() for name, picture in PICTURES.items()}
    if options.check:
        differences = compare(pages, {name: alt_text(figure) for name, figure in pictures.items()}, GENERATED)
        sys.stdout.writelines(f"{line}\n" for line in differences)
        return 1 if differences else 0
    GENERATED.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (GENERATED / name).write_text(text, encoding="utf-8", newline="\n")
    for name, figure in pictures.items():
        save_png(figure, GENERATED / name, dpi=_DPI)
    return 0


def compare(pages: Mapping[str, str], pictures: Mapping[str, str], folder: Path) -> list[str]:
    """Return the differences between what the program says and what is committed, as lines of a diff."""
    lines: list[str] = []
    for name, text in pages.items():
        file = folder / name
        old = file.read_text(encoding="utf-8") if file.exists() else ""
        lines += difflib.unified_diff(
            old.splitlines(), text.splitlines(), f"{name} (committed)", f"{name} (program)", lineterm=""
        )
    for name, description in pictures.items():
        shown = _description(folder / name)
        if shown != description:
            lines.append(f"{name}: shows {shown!r}, the program would show {description!r}")
    for file in sorted(folder.glob("*")):
        if file.name not in pages and file.name not in pictures:
            lines.append(f"{file.name}: no page of this name is generated -> delete it")
    if lines:
        lines.append("docs/generated differs from the program -> run tools/generate_docs.py and look at the diff")
    return lines


def _description(picture: Path) -> str:
    if not picture.exists():
        return "nothing"
    with Image.open(picture) as image:
        return str(image.info.get("Description", "no description"))


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table."""
    names = list(head)
    lines = [_line(names), _line("---" for _ in names), *(_line(row) for row in rows)]
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[object]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def field_table(record: type) -> str:
    """Return name, unit, default and text of every field of a dataclass, from its field docstrings."""
    texts = _field_texts(record)
    rows = []
    for item in fields(record):
        text = texts.get(item.name, item.name.replace("_", " ").capitalize())
        found = _UNIT.search(text)
        unit = found["unit"] if found else ("hour of day" if item.name.endswith("_hour") else "")
        shown = _UNIT.sub("", text, count=1).strip().removesuffix(".")
        rows.append([f"`{item.name}`", unit, _default(item), shown])
    return table(["Name", "Unit", "Default", "What it is"], rows)


def _field_texts(record: type) -> dict[str, str]:
    body = ast.parse(textwrap.dedent(inspect.getsource(record))).body[0]
    if not isinstance(body, ast.ClassDef):
        raise TypeError(f"{record} is no class")
    texts = {}
    for item, after in zip(body.body, body.body[1:], strict=False):
        is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and is_text:
            texts[item.target.id] = " ".join(str(after.value.value).split())  # type: ignore[attr-defined]
    return texts


def _default(item: Any) -> str:
    if not isinstance(item.default, (int, float, str)) and item.default is not None:
        return "must be given"
    if isinstance(item.default, float):
        return f"`{item.default:_g}`" if item.default < 1e6 else f"`{item.default:_.0f}`"
    return f"`{item.default!r}`"


_MACHINES = {"data_dir": "the user's data folder", "database_url": "`embedded`, in the data folder"}
"""Defaults that each machine writes in its own way."""


def settings_page() -> str:
    """Return every variable of the server with its default and what it says."""
    texts = _field_texts(Settings) | _SETTINGS
    rows = []
    # Made without the environment, so that the page is the same everywhere.
    for one in stated(Settings.model_construct(), environment={}):
        names = getattr(Settings.model_fields[one.name].validation_alias, "choices", [one.variable])
        value = _MACHINES.get(one.name, f"`{one.value}`" if one.value != "-" else "-")
        text = texts[one.name].removesuffix(".")
        rows.append([", ".join(f"`{name}`" for name in names), value, text[0].upper() + text[1:]])
    return table(["Variable", "Default", "What it says"], rows)


def templates_page() -> str:
    """Return T0 to T6 as a decision table, from the rows that the kernel reads."""
    return table(
        ["", "Name", "May run", "Started by", "Serves the load", "Battery helps a running generator",
         "Its surplus charges", "Emergency outside its window"],
        [_template_row(row) for row in DISPATCH_TEMPLATES.values()],
    )  # fmt: skip


def _template_row(row: Template) -> list[str]:
    start = [f"**T{row.number}**", row.name, _WINDOWS[row.window], _TRIGGERS[row.trigger]]
    if row.trigger == "none":
        return [*start, "-", "-", "-", "-"]
    surplus = "before solar does" if row.surplus_first else "after solar"
    helps = "yes" if row.assists else "no"
    return [*start, _ORDERS[row.order], helps, surplus, _EMERGENCIES[row.emergency]]


def answers_page() -> str:
    """Return which answers imply which template."""
    rows = [["no generator", "-", _named(infer_template(False))]]
    rows += [
        [f"`{timing}`", f"`{trigger}`", _named(infer_template(True, timing, trigger))]
        for timing, triggers in TRIGGERS_OFFERED.items()
        for trigger in triggers
    ]
    return table(["When may it run?", "What starts it?", "Template"], rows)


def _named(number: int) -> str:
    return str(get_template_info(number)["label"])


def metrics_page() -> str:
    """Return every metric with its unit and its meaning."""
    rows = [[f"`{item.name}`", item.metadata["unit"], item.metadata["text"]] for item in fields(SummaryMetrics)]
    return table(["Name", "Unit", "What it is"], rows)


def goal_page() -> str:
    """Return the fields of a goal, what may be kept small, and the ways to count green energy."""
    small = table(["`optimize_for`", "Prefers"], [[f"`{name}`", words] for name, words in OPTIMIZE_FOR.items()])
    green = table(
        ["`green_energy_measure`", "Counts the share"],
        [[f"`{name}`", words] for name, words in GREEN_ENERGY_MEASURES.items()],
    )
    return "\n".join([field_table(Goal), small, green])


def laws_page() -> str:
    """Return the laws that every result is checked against, from a result."""
    day = np.ones(24)
    laws = run_simulation(SimulationParams(load_profile=day, solar_profile=day), 0).physics.laws
    return table(
        ["", "Law", "Residual in"],
        [[number, law.name, law.unit] for number, law in enumerate(laws, start=1)],
    )


def constants_page() -> str:
    """Return the constants that decide something, from where they act."""
    rows = [
        (
            f"{layout.TOLERANCE_MW:g} MW",
            "a deficit below this starts no generator and is forgiven by the hour metric",
        ),
        (f"{physics.TOLERANCE:g}", "largest residual of the physics check, relative to the size of the plant"),
        (f"{grid.MAX_CASES:,}", "cases of a sweep; more are refused"),
        (f"{grid.WARN_CASES:,}", "cases of a sweep; more deserve a warning and run"),
        (f"{goal.EXACTLY_BAND_POINTS:g} point", "distance from the target that `exactly` allows"),
        (f"{recommendation.BEST_BAND_POINTS:g} points", "distance from the best delivery that `maximize` allows"),
        (f"{pareto.KNEE_HOURS_PER_10_MWH:g} h per 10 MWh", "gain below which a larger battery is taken not to pay"),
        (f"{recommendation.WEAR_PCT_PER_CYCLE:g} %", "capacity that one equivalent cycle is taken to cost"),
        (f"{checks.FILL_LIMIT_H:g} h", "longest gap of a profile file that may be filled"),
    ]
    return table(["Constant", "What it decides"], rows)


def project_file_page() -> str:
    """Return every key of a project file with its default and what it may be, section by section."""
    sections = []
    for section, keys in SECTIONS.items():
        rows = [[f"`{name}`", _key_default(rule), _key_allowed(rule)] for name, rule in keys.items()]
        sections += [f"### {f'`{section}`' if section else 'Top of the file'}", "", table(_KEY_HEAD, rows)]
    return "\n".join(sections)


def _key_default(rule: Key) -> str:
    if rule.kind in ("mapping", "windows"):
        return "empty"
    return "-" if rule.default is None else f"`{json.dumps(rule.default)}`"


def _key_allowed(rule: Key) -> str:
    if rule.kind == "choice":
        return ", ".join(f"`{choice}`" for choice in rule.choices)
    kinds = {
        "flag": "`true`, `false`",
        "text": "text",
        "mapping": "named values",
        "windows": "list of {start, end, mw}",
    }
    if rule.kind in kinds:
        return kinds[rule.kind]
    kind = {"whole": "whole number", "numbers": "list of numbers"}.get(rule.kind, "number")
    ends = (("above", rule.above), ("from", rule.least), ("to", rule.most))
    bounds = " ".join(f"{word} {end:g}" for word, end in ends if end is not None)
    return " ".join(part for part in (kind, bounds, rule.unit) if part)


def command_page() -> str:
    """Return every command with its help, its examples and its options, from the command itself."""
    return "\n".join(_commands("afterbay", typer.main.get_command(cli_app)))


def _commands(name: str, command: Any) -> Iterator[str]:
    about = inspect.cleandoc(command.help or "").replace("\b\n", "")
    yield from (f"## {name}", "", "```text", *about.strip().splitlines(), "```", "")
    inner = getattr(command, "commands", {})
    # The root's own options are those of the shell's completion.
    if not inner and command.params:
        yield table(["", "Default", "What it is"], [_option(item) for item in command.params])
    for part, below in inner.items():
        yield from _commands(f"{name} {part}", below)


def _option(item: Any) -> list[str]:
    names = [f"`{option}`" for option in (*item.opts, *item.secondary_opts)] if item.param_type_name == "option" else []
    is_shown = item.default is not None and item.default is not False and item.default != ""
    return [
        ", ".join(names) or f"`{item.metavar or item.name.upper()}`",
        f"`{item.default}`" if is_shown else "",
        item.help or "",
    ]


@cache
def _red_rock_quarry() -> tuple[list[str], SweepResult, dict[str, Any]]:
    project = load_project(ROOT / "examples" / "red_rock_quarry.yaml")
    result = run_sweep(project.params(), project.template, project.grid, costs=project.costs)
    answer = calculate_recommendations(result.rows(), project.goal, costs=project.costs)
    return [project.description, f"Rule: {project.template.label}.", *project.assumptions], result, answer


def red_rock_quarry_page() -> str:
    """Return assumptions, options and recommendation of the example project."""
    assumptions, result, answer = _red_rock_quarry()
    best = answer["recommended"]["index"] if answer["recommended"] else None
    rows = []
    for index, row in enumerate(result.rows()):
        metrics = result.metrics_of(index)
        cells = [
            f"{row['capacity']:g} MWh / {row['power']:g} MW",
            f"{row['dg_capacity']:g} MW" if row["dg_capacity"] else "-",
            f"{metrics.delivery_pct:.1f} %",
            f"{metrics.pct_solar_curtailed:.1f} %",
            f"{metrics.dg_runtime_hours:,.0f}",
            f"{metrics.dg_starts:,}",
            f"{metrics.bess_equivalent_cycles:.0f}",
            amounts.millions_usd(row["capital_cost_usd"]),
        ]
        rows.append([f"**{cell}**" for cell in cells] if index == best else cells)
    return "\n".join(
        [
            *(f"- {sentence}" for sentence in assumptions),
            "",
            table(_QUARRY_HEAD, rows),
            *(f"- {sentence}" for sentence in answer["reasons"]),
            "",
        ]
    )


def red_rock_quarry_picture() -> Figure:
    """Return the Pareto picture of the example project."""
    _, result, answer = _red_rock_quarry()
    best = answer["recommended"]
    return pareto_chart(
        result.rows(),
        target_pct=answer["goal"]["delivery_target_pct"],
        recommended=best["index"] if best else None,
    )


PAGES: dict[str, Callable[[], str]] = {
    "community-kpis.md": definitions_table,
    "templates.md": templates_page,
    "template-answers.md": answers_page,
    "simulation-params.md": lambda: field_table(SimulationParams),
    "summary-metrics.md": metrics_page,
    "goal.md": goal_page,
    "capital-costs.md": lambda: field_table(CapitalCosts),
    "physics-laws.md": laws_page,
    "constants.md": constants_page,
    "project-file.md": project_file_page,
    "command.md": command_page,
    "settings.md": settings_page,
    "red-rock-quarry.md": red_rock_quarry_page,
}
PICTURES: dict[str, Callable[[], Figure]] = {"red-rock-quarry-pareto.png": red_rock_quarry_picture}


if __name__ == "__main__":
    sys.exit(main())
