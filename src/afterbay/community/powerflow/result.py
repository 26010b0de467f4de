"""A solved day: voltages, loadings, and every part outside its limits."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from afterbay.community.powerflow.limits import NOTES, PowerFlowLimits, Violation, ViolationKind

if TYPE_CHECKING:
    import pandas as pd

    from afterbay.core.compiled import Floats

__all__ = ["PowerFlowDay"]


@dataclass(frozen=True, slots=True, eq=False)
class PowerFlowDay:
    """A solved day. T steps, B buses, L lines, K transformers; steps without a solution are nan."""

    times: tuple[datetime, ...]
    """Start of each step, in the grid's zone."""
    dt_h: float
    """Time that a solved step stands for [h]."""
    limits: PowerFlowLimits
    buses: tuple[str, ...]
    lines: tuple[str, ...]
    transformers: tuple[str, ...]
    voltage_pu: Floats
    """Shape (T, B)."""
    line_loading: Floats
    """Current / rated current [-], nan without a rating, shape (T, L)."""
    transformer_loading: Floats
    """Shape (T, K)."""
    source_kw: Floats
    """From the grid above [kW], shape (T,)."""
    loss_kw: Floats
    """In lines and transformers [kW], shape (T,)."""
    demand_kw: Floats
    """What all houses take, less what they give [kW], shape (T,)."""

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Every part outside its limits: steps without a solution first, then by how far it is outside."""
        limits = self.limits
        found: list[tuple[float, Violation]] = []
        lost = np.isnan(self.source_kw)
        if lost.any():
            hours = float(lost.sum()) * self.dt_h
            first = self.times[int(np.argmax(lost))]
            found.append((np.inf, Violation("no solution", "network", float("nan"), float("nan"), first, hours)))
        kinds: tuple[tuple[ViolationKind, tuple[str, ...], Floats, float, float], ...] = (
            ("voltage low", self.buses, self.voltage_pu, limits.lowest_pu, -1.0),
            ("voltage high", self.buses, self.voltage_pu, limits.highest_pu, 1.0),
            ("line overload", self.lines, self.line_loading, limits.loading, 1.0),
            ("transformer overload", self.transformers, self.transformer_loading, limits.loading, 1.0),
        )
        for kind, parts, values, limit, sign in kinds:
            over = np.nan_to_num(sign * (values - limit), nan=-np.inf)
            for place in np.flatnonzero((over > 1e-9).any(axis=0)).tolist():
                step = int(np.argmax(over[:, place]))
                hours = float((over[:, place] > 1e-9).sum()) * self.dt_h
                value = float(values[step, place])
                one = Violation(kind, parts[place], value, limit, self.times[step], hours)
                found.append((float(over[step, place]), one))
        return tuple(one for _, one in sorted(found, key=lambda row: (-row[0], row[1].kind, row[1].part)))

    @property
    def summary(self) -> str:
        """The day in one sentence."""
        if np.isnan(self.source_kw).all():
            return "No step has a solution: the load is beyond what the network can carry."
        parts = []
        for word, parts_of, values, pick in (
            ("lowest voltage", self.buses, self.voltage_pu, np.nanargmin),
            ("highest voltage", self.buses, self.voltage_pu, np.nanargmax),
            ("most loaded line", self.lines, self.line_loading, np.nanargmax),
            ("most loaded transformer", self.transformers, self.transformer_loading, np.nanargmax),
        ):
            if values.size == 0 or np.isnan(values).all():
                continue
            step, place = np.unravel_index(int(pick(values)), values.shape)
            shown = f"{values[step, place]:.3f} pu" if "voltage" in word else f"{100.0 * values[step, place]:.1f} %"
            parts.append(f"{word} {shown} at {parts_of[place]}, {self.times[step]:%H:%M}")
        return f"{'; '.join(parts)}; {len(self.violations)} parts outside their limits."

    def voltages(self) -> pd.DataFrame:
        """Return lowest and highest voltage of every bus [per unit] with their times."""
        return self._extremes("bus", self.buses, self.voltage_pu, "pu", lowest=True)

    def loadings(self) -> pd.DataFrame:
        """Return the highest loading of every line and transformer [-] with its time."""
        import pandas as pd

        parts = [
            self._extremes("part", names, values, "fraction", lowest=False).assign(kind=kind)
            for kind, names, values in (
                ("line", self.lines, self.line_loading),
                ("transformer", self.transformers, self.transformer_loading),
            )
            if names
        ]
        frame = pd.concat(parts, ignore_index=True)
        frame.attrs["units"] = {"highest_fraction": "-"}
        return frame

    def steps(self) -> pd.DataFrame:
        """Return one row for each step: demand, source, losses [kW], extreme voltages [pu] and loadings [-]."""
        import pandas as pd

        def most(values: Floats) -> Floats:
            # No rating and no solution are both nan; a row of nan stays nan without a warning.
            top: Floats = np.max(np.nan_to_num(values, nan=-np.inf), axis=1, initial=-np.inf)
            return np.where(np.isinf(top), np.nan, top)

        frame = pd.DataFrame(
            {
                "demand_kw": self.demand_kw,
                "source_kw": self.source_kw,
                "loss_kw": self.loss_kw,
                "lowest_pu": -most(-self.voltage_pu),
                "highest_pu": most(self.voltage_pu),
                "line_loading_fraction": most(self.line_loading),
                "transformer_loading_fraction": most(self.transformer_loading),
            },
            index=pd.DatetimeIndex(list(self.times), name="time"),
        )
        endings = {"_kw": "kW", "_pu": "pu", "_fraction": "-"}
        frame.attrs["units"] = {
            str(name): unit for name in frame.columns for ending, unit in endings.items() if str(name).endswith(ending)
        }
        return frame

    def to_dict(self) -> dict[str, Any]:
        """Return the findings for machine-readable output."""
        return {
            "summary": self.summary,
            "limits": asdict(self.limits),
            "notes": list(NOTES),
            "steps": len(self.times),
            "violations": [{key: _plain(value) for key, value in asdict(one).items()} for one in self.violations],
        }

    def _extremes(self, label: str, names: tuple[str, ...], values: Floats, unit: str, *, lowest: bool) -> pd.DataFrame:
        import pandas as pd

        columns: dict[str, Any] = {label: list(names)}
        for word, sign in (("lowest", -1.0), ("highest", 1.0)) if lowest else (("highest", 1.0),):
            known = np.nan_to_num(sign * values, nan=-np.inf)
            step = np.argmax(known, axis=0)
            columns[f"{word}_{unit}"] = values[step, np.arange(len(names))]
            columns[f"{word}_at"] = pd.DatetimeIndex([self.times[at] for at in step.tolist()])
        frame = pd.DataFrame(columns)
        frame.attrs["units"] = {name: "pu" for name in columns if name.endswith("_pu")}
        return frame


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return None if isinstance(value, float) and np.isnan(value) else value
