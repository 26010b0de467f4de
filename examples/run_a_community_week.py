"""Elm Street for a week: who imports, exports, shares and overloads, and what everybody pays under every rule."""

# %% A street of ten houses: six roofs, three batteries, one car; every house with a load of its own.
from afterbay.community import elm_street, elm_street_profiles, horizon, run_community
from afterbay.community.results import community_check, community_kpis, compare_runs
from afterbay.community.settlement import settle, standard_rules

grid = elm_street()
profiles = elm_street_profiles(seed=1)
week = horizon("2023-06-12", days=7, time_zone=grid.time_zone)

# %% The physics is the same; the rules say who is credited with whose surplus.
runs = {rule: run_community(grid, profiles, rule, week) for rule in ("none", "equal", "proportional", "priority")}
figures = compare_runs(runs).loc[["shared_kwh", "grid_import_kwh", "self_sufficiency_fraction", "overload_h"]]
print(figures.round(3).to_string())

# %% One physical run, settled under every rule side by side.
run = runs["proportional"]
settled = settle(run, standard_rules())
settled.check()
for rule in settled.rules:
    fairness = settled.fairness(rule)
    print(f"{rule:22} saves {fairness.total_saving:7.2f} {settled.currency}, Gini {fairness.gini:.2f}")

# %% Every kilowatt-hour is accounted for.
check = community_check(run)
print(check.summary, "-", f"{community_kpis(run)['self_consumption_fraction']:.1%} of the sun is used in the street")
assert check.passed
