"""afterbay: one platform for energy storage.

- `afterbay.core`: the physics of battery, solar and generator, at any step length.
- `afterbay.profiles`: a year of load or sun, from a file (checked, never silently changed) or a builder.
- `afterbay.sizing`: which battery to build: dispatch, sweep, recommendation and the reasons.
- `afterbay.community`: a neighbourhood that shares and trades: grid, run, settlement, the solar cycle.
- `afterbay.fleet`: what was built, operated: headend, edge agents, leased commands, devices.
- `afterbay.plant`: from a sized option to an operated asset; `afterbay.client`: REST for notebooks; `afterbay.server`.

Power is positive when it leaves a device. Names carry their unit. See `docs/concepts`.
"""

__version__ = "0.1.0"
