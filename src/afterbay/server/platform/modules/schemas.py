"""Wire shapes of modules."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ModuleOut", "UsageOut"]


class UsageOut(BaseModel):
    """How much of a quota you used."""

    model_config = ConfigDict(from_attributes=True)

    quota: str = Field(examples=["max_simulations_per_day"])
    most: int
    used: int | None = Field(description="null: a limit of one file, which does not add up")


class ModuleOut(BaseModel):
    """A module that you may open."""

    id: str = Field(examples=["bess-sizing"])
    name: str
    version: str
    description: str
    author: str
    icon: str
    category: str
    integration: dict[str, str]
    dependencies: list[str]
    permissions: list[str] = Field(description="What you may do")
    quotas: list[UsageOut]
