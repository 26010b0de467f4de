from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from afterbay.community.topology import (
    Grid,
    House,
    Transformer,
    elm_street,
    grid_from_document,
    set_fields,
)
from afterbay.core.errors import InvalidInputError

_PAGE = (Path(__file__).resolve().parents[3] / "docs" / "concepts" / "topology.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("record", [Grid, Transformer, House])
def test_every_field_of_a_node_is_explained(record: type) -> None:
    assert [
        field.name for field in fields(record) if f"`{field.name}`" not in _PAGE and field.name != "next_numbers"
    ] == []


def test_the_messages_on_the_page_are_those_of_the_program() -> None:
    findings = set_fields(elm_street(), "T-1.1", forward_efficiency=97.0, rated_kw=None).check()
    with pytest.raises(InvalidInputError) as refused:
        grid_from_document(
            {
                "version": 1,
                "nodes": [
                    {"kind": "transformer", "name": "T-1.1", "parent": "T-1.2", "rated_kva": 100},
                    {"kind": "transformer", "name": "T-1.2", "parent": "T-1.3"},
                ],
            }
        )

    assert "\n".join(map(str, findings)) in _PAGE
    assert str(refused.value) in _PAGE
