"""The 15-minute solar cycle: users in, one quarter hour of physics, results out, checked before they are stored.

`tick` is a pure function of state, users, weather, time and seed; `run_simulation` wraps it in the files of the
contract; `validate_results` checks results whoever made them. docs/concepts/solar-cycle.md has the formulas.
"""

from afterbay.community.cycle.clouds import CloudWeather
from afterbay.community.cycle.contract import (
    ENERGY_COLUMNS,
    INPUT_COLUMNS,
    LATEST_INPUT,
    OPTIONAL_COLUMNS,
    RESULT_COLUMNS,
    input_moment,
    input_name,
    quarter_of,
    results_moment,
    results_name,
)
from afterbay.community.cycle.mesa_model import Behaviour, Prices, solar_model
from afterbay.community.cycle.quarantine import Recomputed, quarantine_name, recompute, write_quarantine
from afterbay.community.cycle.rows import Rows, results_csv, results_frame
from afterbay.community.cycle.run import run_simulation, seed_of
from afterbay.community.cycle.state import CycleState
from afterbay.community.cycle.state_file import Memory, read_memory, state_before, write_memory
from afterbay.community.cycle.sun import DEFAULT_PLACE, Place
from afterbay.community.cycle.tick import run_ticks, tick
from afterbay.community.cycle.users import Users
from afterbay.community.cycle.users_file import UsersFile, UsersReport, export_users, read_users
from afterbay.community.cycle.validation import RowProblem, ValidationReport, validate_results
from afterbay.community.cycle.weather import ConstantWeather, FileWeather, Weather, read_weather_file

__all__ = [
    "DEFAULT_PLACE",
    "ENERGY_COLUMNS",
    "INPUT_COLUMNS",
    "LATEST_INPUT",
    "OPTIONAL_COLUMNS",
    "RESULT_COLUMNS",
    "Behaviour",
    "CloudWeather",
    "ConstantWeather",
    "CycleState",
    "FileWeather",
    "Memory",
    "Place",
    "Prices",
    "Recomputed",
    "RowProblem",
    "Rows",
    "Users",
    "UsersFile",
    "UsersReport",
    "ValidationReport",
    "Weather",
    "export_users",
    "input_moment",
    "input_name",
    "quarantine_name",
    "quarter_of",
    "read_memory",
    "read_users",
    "read_weather_file",
    "recompute",
    "results_csv",
    "results_frame",
    "results_moment",
    "results_name",
    "run_simulation",
    "run_ticks",
    "seed_of",
    "solar_model",
    "state_before",
    "tick",
    "validate_results",
    "write_memory",
    "write_quarantine",
]
