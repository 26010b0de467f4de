"""Types of the wire that carry their unit into OpenAPI, and refuse what is no number or no text for a database."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field

__all__ = ["Identity", "Line", "Moment", "Mw", "MwPerMinute", "Mwh", "Percent", "Positive", "Seconds"]

# Strict: true is no number, "5" is no number, and neither are NaN and infinity.
Mw = Annotated[float, Field(strict=True, allow_inf_nan=False, json_schema_extra={"unit": "MW"})]
"""Power; + leaves the asset (discharge, generation, export)."""
Mwh = Annotated[float, Field(strict=True, allow_inf_nan=False, json_schema_extra={"unit": "MWh"})]
Percent = Annotated[float, Field(strict=True, allow_inf_nan=False, json_schema_extra={"unit": "%"})]
MwPerMinute = Annotated[float, Field(strict=True, allow_inf_nan=False, json_schema_extra={"unit": "MW/min"})]
Seconds = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, json_schema_extra={"unit": "s"})]
Positive = Annotated[
    float, Field(strict=True, allow_inf_nan=False, gt=0, le=366 * 86400, json_schema_extra={"unit": "s"})
]
"""A time span above zero, up to a year."""
Moment = Annotated[AwareDatetime, Field(examples=["2026-11-21T08:00:00Z"])]
"""A time with its zone."""
Line = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$")]
"""Short text; PostgreSQL cannot store NUL."""
Identity = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]*$")]
"""An id as it came; whether it exists is asked elsewhere."""
