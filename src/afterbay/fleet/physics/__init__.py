"""The simulated plant: batteries, solar and wind farms, charging stations, and their faults.

`SimulatedFleet` is told powers, moves with the clock and reports telemetry. A battery moves by the kernels of
`afterbay.core`: it gives what its cells can give, so that no energy is made or lost. `physics="literal"` keeps
the tick of the original document, for its cases only. What is not modelled (voltages, ageing) is not reported.
"""

from afterbay.fleet.physics.batteries import Physics, RampEnergy
from afterbay.fleet.physics.faults import FAULT_KINDS, FaultKind, FaultPlan, LinkQuality
from afterbay.fleet.physics.fleet import SimulatedFleet

__all__ = ["FAULT_KINDS", "FaultKind", "FaultPlan", "LinkQuality", "Physics", "RampEnergy", "SimulatedFleet"]
