"""From profiles to what happens behind each meter: load, sun behind the inverters, wind."""

from __future__ import annotations

from afterbay.community.step.layout import BlockInputs, Components
from afterbay.core.compiled import Floats, Indices, njit

__all__ = ["mix"]


@njit
def mix(houses: Indices, profiles: Floats, parts: Components, inputs: BlockInputs) -> None:
    """Write load, sun, wind and what the inverters clip of the listed houses; `profiles` has shape (P, T)."""
    n_steps = profiles.shape[1]
    load_kw, solar_kw, wind_kw, clipped_kw = inputs.load_kw, inputs.solar_kw, inputs.wind_kw, inputs.clipped_kw
    for place in range(houses.shape[0]):
        house = houses[place]
        for step in range(n_steps):
            load_kw[house, step] = 0.0
            solar_kw[house, step] = 0.0
            wind_kw[house, step] = 0.0
            clipped_kw[house, step] = 0.0
        for part in range(parts.first_load[house], parts.first_load[house + 1]):
            row, scale = parts.load_profile[part], parts.load_scale[part]
            for step in range(n_steps):
                load_kw[house, step] += profiles[row, step] * scale
        for part in range(parts.first_solar[house], parts.first_solar[house + 1]):
            row, scale, limit = parts.solar_profile[part], parts.solar_kw[part], parts.inverter_kw[part]
            for step in range(n_steps):
                made = profiles[row, step] * scale
                given = min(made, limit)
                solar_kw[house, step] += given
                clipped_kw[house, step] += made - given
        for part in range(parts.first_wind[house], parts.first_wind[house + 1]):
            row, scale = parts.wind_profile[part], parts.wind_kw[part]
            for step in range(n_steps):
                wind_kw[house, step] += profiles[row, step] * scale
