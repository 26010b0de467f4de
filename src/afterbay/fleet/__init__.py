"""Operate what was built: inventory, physics, commands, wire, headend, edge agents, devices.

Nothing here knows a database or the web. `inventory` reads what there is, `physics` simulates it, `commands` are
leases with limits and a life, `wire` and `messages` are what headend and agents say to each other, `headend` takes
telemetry and routes commands, `agent` drives `devices`. Power is in MW, + leaves an asset.
"""
