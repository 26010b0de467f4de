"""The manifests say what the plan says, and a wrong one names every fault."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from afterbay.core.errors import InvalidInputError, NotFoundError
from afterbay.server.platform.modules.manifest import QUOTAS, find_manifest, manifests, read_manifest
from shared_data import shared_path

FOLDER = Path(__file__).parents[4] / "src/afterbay/server"


def test_the_manifest_of_sizing_is_the_plans_but_for_the_framework_of_its_pages() -> None:
    plan = shared_path("documents/sizing-module-plan.txt").read_text()
    written = yaml.safe_load(plan.split("```yaml")[1].split("```")[0])

    ours = yaml.safe_load((FOLDER / "sizing/module.yaml").read_text())

    written["integration"]["ui_framework"] = "react"
    assert ours == written


def test_every_module_has_the_three_roles_and_the_fleet_its_operators() -> None:
    assert list(manifests()) == ["bess-sizing", "community", "fleet"]
    for manifest in manifests().values():
        assert {"admin", "engineer", "viewer"} <= set(manifest.roles)
        assert manifest.permissions_of("viewer") == {"read"}
        assert "delete" not in manifest.permissions_of("engineer")
        assert manifest.permissions_of("nobody") == frozenset()
    assert find_manifest("fleet").permissions_of("operator") == {"read", "dispatch"}


def test_an_unknown_module_is_named_with_those_there_are() -> None:
    with pytest.raises(NotFoundError, match="bess-sizing, community, fleet"):
        find_manifest("sizing")


@pytest.mark.parametrize("text", ["", "- a", "a: [", "7"])
def test_a_file_that_is_no_mapping_is_a_sentence(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"module\.yaml"):
        read_manifest(text)


def test_every_fault_of_a_manifest_is_named_at_once() -> None:
    text = (FOLDER / "fleet/module.yaml").read_text()
    document = yaml.safe_load(text)
    document["name"] = ""
    document["resources"]["max_projects_per_user"] = -1
    document["resources"]["max_file_size_mb"] = True
    document["roles"][0]["permissions"].append("fly")
    document["roles"].append(dict(document["roles"][3]))
    del document["integration"]["api_prefix"]

    with pytest.raises(InvalidInputError) as caught:
        read_manifest(yaml.safe_dump(document))

    places = [problem.where.partition(": ")[2] for problem in caught.value.problems]
    assert places == [
        "name", "integration.api_prefix", "resources.max_projects_per_user", "resources.max_file_size_mb",
        "roles[0].permissions", "roles[4]",
    ]  # fmt: skip


def test_each_quota_is_in_each_manifest() -> None:
    assert all(set(manifest.resources) == set(QUOTAS) for manifest in manifests().values())
