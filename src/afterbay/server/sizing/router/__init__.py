"""`/bess-sizing`: projects, their answers, their versions and their people; and what runs of them gave."""

from fastapi import APIRouter

from afterbay.server.errors import documented
from afterbay.server.sizing.router import (
    configs,
    exports,
    projects,
    projects_people,
    projects_profiles,
    projects_versions,
    results,
    simulations,
)

__all__ = ["router"]

router = APIRouter(responses=documented(400, 401, 403, 404, 415, 422))
# Fixed words before ids: `/projects/import` is no project.
for _part in (configs, projects, projects_versions, projects_people, projects_profiles):
    router.include_router(_part.router, prefix="/bess-sizing")
for _part in (simulations, results, exports):
    router.include_router(_part.router)
