"""Which battery to build: projects, their versions and shares, simulations and what came of them."""
