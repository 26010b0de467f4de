"""From a load and a sun to a recommendation with its reasons."""

from afterbay.profiles import build_load_profile, typical_year_solar
from afterbay.sizing import SimulationParams, SizeGrid, calculate_recommendations, sweep

load = build_load_profile("constant", {"mw": 10.0})
solar = typical_year_solar(67.0)
plant = SimulationParams(load_profile=load, solar_profile=solar.values)
grid = SizeGrid(bess_mwh=(50.0, 100.0, 150.0, 200.0, 250.0), durations_h=(4.0,), dg_mw=(0.0, 5.0, 10.0))
options = sweep(plant, 1, grid)
goal = {"delivery_mode": "at_least", "delivery_target_pct": 99.0, "optimize_for": "min_cost"}
answer = calculate_recommendations(options.rows(), goal)
print(*answer["reasons"], sep="\n")
