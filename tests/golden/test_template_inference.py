"""Every answer of the reference gives the same template."""

from __future__ import annotations

import json

from afterbay.sizing import infer_template
from shared_data import shared_path


def test_every_combination_infers_the_template_of_the_reference() -> None:
    rows = json.loads(shared_path("golden/sizing/other/template_inference.json").read_text())["infer"]

    found = [infer_template(row["dg_enabled"], row["dg_timing"], row["dg_trigger"]) for row in rows]

    assert len(rows) > 20
    assert found == [row["template"] for row in rows]
