"""Routes of `/api/v1/modules`: what you may open, do and use."""

from collections.abc import Sequence

from fastapi import APIRouter, Request

from afterbay.core.errors import NotFoundError
from afterbay.server.errors import documented
from afterbay.server.platform.identity.access import CurrentUser
from afterbay.server.platform.modules import service
from afterbay.server.platform.modules.schemas import ModuleOut, UsageOut
from afterbay.server.rest.sessions import DbSession

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/modules", tags=["modules"], responses=documented(401))


@router.get("")
def list_modules(request: Request, session: DbSession, user: CurrentUser) -> Sequence[ModuleOut]:
    """List the modules that you may open, with what you may do there and how much is left."""
    return [_shown(view) for view in service.list_modules(session, user, request.app.state.quotas)]


@router.get("/{module_id}", responses=documented(404))
def get_module(module_id: str, request: Request, session: DbSession, user: CurrentUser) -> ModuleOut:
    """Show one module."""
    for view in service.list_modules(session, user, request.app.state.quotas):
        if view.manifest.id == module_id:
            return _shown(view)
    raise NotFoundError(f"there is no module {module_id!r} that you may open")


def _shown(view: service.ModuleView) -> ModuleOut:
    manifest = view.manifest
    return ModuleOut(
        id=manifest.id, name=manifest.name, version=manifest.version, description=manifest.description,
        author=manifest.author, icon=manifest.icon, category=manifest.category,
        integration=dict(manifest.integration), dependencies=list(manifest.dependencies),
        permissions=sorted(view.permissions), quotas=[UsageOut.model_validate(one) for one in view.usage],
    )  # fmt: skip
