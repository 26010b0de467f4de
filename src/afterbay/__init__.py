"""afterbay: one platform for energy storage.

- `afterbay.core`: the physics of battery, solar and generator, at any step length.
- `afterbay.profiles`: a year of load or sun, from a file (checked, never silently changed) or a builder.
- `afterbay.sizing`: which battery to build: dispatch, sweep, recommendation and the reasons.

Power is positive when it leaves a device. Names carry their unit. See `docs/concepts`.
"""

__version__ = "0.1.0"
