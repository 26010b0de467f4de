"""The physics of storage, solar and generator, one step at a time, at any step length and any scale.

Power is in P and energy in P·h, whatever P is to the caller: megawatts in sizing, kilowatts in a community.
Power is positive when it leaves a device.
"""
