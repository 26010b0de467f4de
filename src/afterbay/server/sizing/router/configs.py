"""`/projects/{id}/setup|rules|sizing|financial|validate|config`: the answers of the wizard, checked and as a file."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from afterbay.server.errors import documented
from afterbay.server.platform.idempotency.access import Idempotent
from afterbay.server.rest.etags import IfMatch, etag
from afterbay.server.rest.sessions import DbSession
from afterbay.server.sizing.router.projects import Changer, Exporter, Maker, Reader, Store, UsedQuotas, shown
from afterbay.server.sizing.schemas.configs import FinancialConfigIn, RulesConfig, SizingConfig, stored
from afterbay.server.sizing.schemas.projects import SavedOut, SetupIn, saved_json
from afterbay.server.sizing.schemas.projects_more import ImportedOut, ImportIn, ValidationOut, imported_json
from afterbay.server.sizing.service.projects import update_project
from afterbay.server.sizing.service.projects_files import config_of, import_project
from afterbay.server.sizing.service.validation import validate_project

__all__ = ["router"]

router = APIRouter(tags=["configuration"])
_SAVED: dict[str, Any] = {"response_model": SavedOut, "responses": documented(409, 412)}


@router.put("/projects/{project_id}/setup", **_SAVED)
def put_setup(project_id: UUID, body: SetupIn, session: DbSession, user: Changer, if_match: IfMatch = None) -> Response:
    """Save step 1: load, sun, battery, generator. What is left out takes its default when the project is run."""
    saved = update_project(session, user, project_id, body.columns(), check=if_match, reason="setup saved")
    return shown(saved_json(saved))


@router.put("/projects/{project_id}/rules", **_SAVED)
def put_rules(
    project_id: UUID, body: RulesConfig, session: DbSession, user: Changer, if_match: IfMatch = None
) -> Response:
    """Save step 2: when the generator may run, and what starts it; answers with the template that this implies."""
    columns = {"rules_config": stored(body)}
    return shown(saved_json(update_project(session, user, project_id, columns, check=if_match, reason="rules saved")))


@router.put("/projects/{project_id}/sizing", **_SAVED)
def put_sizing(
    project_id: UUID, body: SizingConfig, session: DbSession, user: Changer, if_match: IfMatch = None
) -> Response:
    """Save step 3: which sizes to try, and what to aim at."""
    columns = {"sizing_config": stored(body)}
    return shown(saved_json(update_project(session, user, project_id, columns, check=if_match, reason="sizing saved")))


@router.put("/projects/{project_id}/financial", **_SAVED)
def put_financial(
    project_id: UUID, body: FinancialConfigIn, session: DbSession, user: Changer, if_match: IfMatch = None
) -> Response:
    """Save prices, years and ageing."""
    columns = {"financial_config": stored(body)}
    saved = update_project(session, user, project_id, columns, check=if_match, reason="financial settings saved")
    return shown(saved_json(saved))


@router.get("/projects/{project_id}/validate", responses=documented(503))
def validate(project_id: UUID, session: DbSession, user: Reader, storage: Store) -> ValidationOut:
    """Check the whole project: every problem at once, or what a run would do."""
    return ValidationOut.of(validate_project(session, user, storage, project_id))


@router.get("/projects/{project_id}/config")
def get_config(project_id: UUID, session: DbSession, user: Exporter, everything: bool = False) -> dict[str, Any]:
    """Return the project as a project file of the library; `everything` adds `financial_config`."""
    return config_of(session, user, project_id, everything=everything)


def _made(document: dict[str, Any]) -> dict[str, str]:
    project = document["project"]
    return {"Location": f"/api/v1/bess-sizing/projects/{project['id']}", "ETag": etag(project["version"])}


@router.post("/projects/import", status_code=201, response_model=ImportedOut, responses=documented(409, 429))
def import_config(
    session: DbSession, user: Maker, quotas: UsedQuotas, once: Idempotent, body: ImportIn
) -> JSONResponse:
    """Make a project from a project file of the library."""

    def made() -> dict[str, Any]:
        return imported_json(import_project(session, user, quotas, body.given()))

    return once.answer(session, user, made, status=201, headers=_made)
