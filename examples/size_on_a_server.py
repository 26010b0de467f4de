"""Bring a project to a server, run it there and read what came of it: the tutorial in Python.

The server is that of `afterbay login`, or AFTERBAY_URL with AFTERBAY_TOKEN. It only shows which projects are there;
`python examples/size_on_a_server.py --run` makes one and runs it.
"""

import sys
from pathlib import Path

from afterbay.client import connect
from afterbay.core.errors import InvalidInputError, MissingExtraError, NotAllowedError, UnavailableError

try:
    with connect() as client:
        sizing = client.sizing
        names = [project["name"] for project in sizing.list_projects()]
        print(f"{sizing.me()['email']} may open these projects: {', '.join(names) or 'none yet'}")
        if "--run" in sys.argv:
            import yaml

            file = Path(__file__).with_name("red_rock_quarry.yaml")
            document = yaml.safe_load(file.read_text(encoding="utf-8"))
            project = sizing.import_project(document, name="Red Rock Quarry from Python")["project"]
            run = sizing.simulate(project["id"]).wait(progress=sys.stderr.isatty())
            options = run.options()
            print(options[["capacity_mwh", "dg_capacity_mw", "delivery_pct", "capital_cost_usd"]].to_string())
            print(*run.recommendations()["reasons"], sep="\n")
            print(sizing.compare([(run, 0), (run, None)]).loc[["delivery_pct", "total_fuel_consumed_l"]].to_string())
            hours = run.hourly()
            print(f"{len(hours):,} h from {hours.index[0]}, {hours['dg_to_load_mw'].sum():,.0f} MWh from the generator")
            print(run.years(years=20)[["start_mwh", "delivery_pct"]].iloc[[0, 9, 19]].to_string())
except (UnavailableError, NotAllowedError, MissingExtraError, InvalidInputError) as error:
    print(f"nothing from a server: {error}")
