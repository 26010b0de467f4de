"""Jobs as they are sent."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from afterbay.server.platform.jobs.view import JobState

__all__ = ["JobOut"]


class JobOut(BaseModel):
    """Work that takes longer than a request."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    task: Annotated[str, Field(description="What is done", examples=["sizing.optimization"])]
    module: Annotated[str, Field(description="Module that it belongs to", examples=["bess-sizing"])]
    resource_id: Annotated[UUID, Field(description="What it works on, such as a simulation")]
    owner_id: Annotated[UUID, Field(description="Who started it")]
    state: JobState
    progress: Annotated[float, Field(ge=0, le=1, description="Share that is done (0 to 1)")]
    message: Annotated[str, Field(description="What it does at the moment")]
    eta_s: Annotated[float | None, Field(description="Time left; null: not known", json_schema_extra={"unit": "s"})]
    attempts: Annotated[int, Field(ge=0, description="How often it was begun")]
    cancel_requested: Annotated[bool, Field(description="Somebody cancelled it; a running job stops at its next step")]
    created_at: datetime
    started_at: Annotated[datetime | None, Field(description="When the last attempt began")]
    finished_at: datetime | None
    not_before: Annotated[datetime | None, Field(description="When a queued job may begin; null: at once")]
    error: Annotated[
        dict[str, Any] | None, Field(description="`{code, detail, errors}` of the last attempt that went wrong")
    ]
    result: Annotated[dict[str, Any] | None, Field(description="What came out, of a job that has succeeded")]
    version: Annotated[int, Field(description="Grows with every change; the ETag")]
