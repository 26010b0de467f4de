"""`/profiles`: years of load and sun, brought, built, looked at, downloaded, removed."""

import csv
import hashlib
import io
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, File, Form, Header, Query, Request, Response, UploadFile
from fastapi.responses import StreamingResponse

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.server.errors import documented
from afterbay.server.platform.audit.service import log_action
from afterbay.server.platform.idempotency.access import Idempotent
from afterbay.server.platform.identity.access import require
from afterbay.server.platform.modules.service import Quotas, check_file_size
from afterbay.server.platform.storage import Storage
from afterbay.server.principal import Principal
from afterbay.server.profiles.schemas import (
    Build,
    BuildLoad,
    BuildStandardLoad,
    LibraryOut,
    PreviewOut,
    ProfileChange,
    ProfileOut,
    ProfileType,
)
from afterbay.server.profiles.service import building, profiles, uploading
from afterbay.server.profiles.service.series import Made, parquet_bytes, times_of
from afterbay.server.rest.etags import IfMatch, IfNoneMatch, etag, is_unchanged
from afterbay.server.rest.negotiation import MEDIA_TYPES
from afterbay.server.rest.paging import Page, PageQuery, read_sort, show_page
from afterbay.server.rest.sessions import DbSession
from afterbay.server.units import Line

__all__ = ["router"]

router = APIRouter(
    prefix="/profiles", tags=["profiles"], responses=documented(400, 401, 403, 404, 413, 415, 422, 429, 503)
)
_MODULE = profiles.MODULE
Reader = Annotated[Principal, Depends(require(_MODULE, "read"))]
Maker = Annotated[Principal, Depends(require(_MODULE, "create"))]
Changer = Annotated[Principal, Depends(require(_MODULE, "update"))]
Exporter = Annotated[Principal, Depends(require(_MODULE, "export"))]
Remover = Annotated[Principal, Depends(require(_MODULE, "delete"))]
_PART = r"^[^\x00-\x1f]*$"
Uses = Callable[[Any, Any, UUID], profiles.UseCount]


async def _storage(request: Request) -> Storage:
    storage: Storage = request.app.state.storage
    return storage


async def _quotas(request: Request) -> Quotas:
    quotas: Quotas = request.app.state.quotas
    return quotas


async def _uses(request: Request) -> Uses:
    # Set by the application, because projects are a slice above this one.
    found: Uses = getattr(request.app.state, "profile_uses", profiles.no_uses)
    return found


Store = Annotated[Storage, Depends(_storage)]


@router.get("")
def list_profiles(
    request: Request,
    response: Response,
    session: DbSession,
    user: Reader,
    page: PageQuery,
    profile_type: ProfileType | None = None,
    source: Literal["upload", "generated", "system"] | None = None,
    q: Annotated[str, Query(max_length=200, pattern=_PART, description="Part of name or description")] = "",
    sort: Annotated[str | None, Query(max_length=50, description="created_at, name; - for the last first")] = None,
    everybody: Annotated[bool, Query(description="Of all owners; for administrators")] = False,
) -> Page[ProfileOut]:
    """List your profiles; those of the program's library are under `/profiles/library`."""
    order = read_sort(sort, profiles.SORTS, "-created_at")
    looking = profiles.LookingFor(profile_type, source, q, everybody)
    return show_page(
        request, response, profiles.list_profiles(session, user, looking, page, order), ProfileOut.of
    )  # fmt: skip


@router.get("/library")
def show_library(user: Reader) -> list[LibraryOut]:
    """List the series that the program makes for everybody."""
    return [LibraryOut.of(recipe) for recipe in profiles.list_library(user)]


def _created(view: Any) -> dict[str, str]:
    return {"Location": f"/api/v1/profiles/{view['id']}", "ETag": etag(view["version"])}


@router.post("", status_code=201, response_model=ProfileOut, responses=documented(409))
@router.post("/upload", status_code=201, response_model=ProfileOut, responses=documented(409), include_in_schema=False)
def upload(
    session: DbSession,
    user: Maker,
    storage: Store,
    quotas: Annotated[Quotas, Depends(_quotas)],
    once: Idempotent,
    file: Annotated[UploadFile, File(description="CSV, CSV in gzip, or Parquet")],
    profile_type: Annotated[ProfileType, Form()],
    name: Annotated[str | None, Form(max_length=255, description="Default: the file's")] = None,
    description: Annotated[Line, Form()] = "",
    column: Annotated[str | None, Form(max_length=200)] = None,
    date_order: Annotated[Literal["day_first", "month_first"] | None, Form()] = None,
    zone: Annotated[str | None, Form(max_length=100, description="Zone of stamps without one: Europe/Berlin")] = None,
    unit: Annotated[Literal["MW", "kW", "W", "MWh", "kWh"] | None, Form()] = None,
    gaps: Annotated[Literal["reject", "fill"], Form()] = "reject",
    duplicates: Annotated[Literal["reject", "first", "mean"], Form()] = "reject",
    negatives: Annotated[Literal["reject", "zero"], Form()] = "reject",
    leap_day: Annotated[Literal["keep", "drop"], Form()] = "keep",
    unsorted: Annotated[Literal["reject", "sort"], Form()] = "reject",
    dt_h: Annotated[
        float | None,
        Form(gt=0.0, le=24.0, description="Step of a file without time stamps", json_schema_extra={"unit": "h"}),
    ] = None,
    delimiter: Annotated[Literal[",", ";", "\t", "|"] | None, Form()] = None,
    resample_h: Annotated[
        float | None, Form(gt=0.0, le=24.0, description="Bring it to this step", json_schema_extra={"unit": "h"})
    ] = None,
) -> Response:
    """Bring a file. What was found and changed is in `import_report`; a file that is refused leaves nothing behind."""
    options = uploading.ImportOptions(
        column=column, date_order=date_order, zone=zone, unit=unit, gaps=gaps, duplicates=duplicates,
        negatives=negatives, leap_day=leap_day, unsorted=unsorted, dt_h=dt_h, delimiter=delimiter,
        resample_h=resample_h,
    )  # fmt: skip
    known = uploading.safe_name(file.filename)
    if name is not None and uploading.safe_name(name) != name:
        raise InvalidInputError(
            Problem("/name", repr(name[:100]), "a name that no spreadsheet takes for a formula", "begin with a letter")
        )
    with tempfile.TemporaryDirectory(prefix="afterbay-upload-") as folder:
        path = Path(folder) / known.replace("\x00", "")
        most = quotas.most(_MODULE, "max_file_size_mb") * 1_000_000
        check_file_size(uploading.receive(file.file, path, most), _MODULE, quotas)
        digest = hashlib.sha256(path.read_bytes())
        digest.update(repr((profile_type, name, description, options)).encode())
        made = uploading.series_of_file(path, profile_type, options)

    def kept() -> Any:
        view = profiles.keep_profile(session, user, storage, made, name=name or known, description=description)
        return ProfileOut.of(view).model_dump(mode="json")

    return once.answer(session, user, kept, status=201, headers=_created, content=digest.hexdigest())


@router.post("/build", status_code=201, response_model=ProfileOut, responses=documented(409))
def build(session: DbSession, user: Maker, storage: Store, once: Idempotent, body: Build) -> Response:
    """Build a load or a sun from a few numbers."""

    def kept() -> Any:
        view = profiles.keep_profile(
            session, user, storage, _built(body), name=body.name, description=body.description
        )  # fmt: skip
        return ProfileOut.of(view).model_dump(mode="json")

    return once.answer(session, user, kept, status=201, headers=_created)


def _built(body: Build) -> Made:
    if isinstance(body, BuildLoad):
        return building.build_load(body.mode, body.params(), body.hours, body.year)
    if isinstance(body, BuildStandardLoad):
        return building.build_standard_load(body.profile, body.annual_mwh, body.year, body.holidays, body.dt_h)
    return building.build_solar(body.kind, body.options(), body.solar_loss_pct)


@router.get("/{profile_id}", response_model=ProfileOut, responses={304: {"description": "You have this version"}})
def get(
    profile_id: UUID, session: DbSession, user: Reader, response: Response, if_none_match: IfNoneMatch = None
) -> ProfileOut | Response:
    """Return a profile without its values."""
    view = profiles.find_profile(session, user, profile_id)
    response.headers["ETag"] = etag(view.version)
    if is_unchanged(if_none_match, etag(view.version)):
        return Response(status_code=304, headers={"ETag": etag(view.version)})
    return ProfileOut.of(view)


@router.patch("/{profile_id}", responses=documented(412))
def rename(
    profile_id: UUID, body: ProfileChange, session: DbSession, user: Changer, response: Response,
    if_match: IfMatch = None,
) -> ProfileOut:  # fmt: skip
    """Change name or description; values never change."""
    view = profiles.rename_profile(
        session, user, profile_id, name=body.name, description=body.description, check=if_match
    )  # fmt: skip
    response.headers["ETag"] = etag(view.version)
    return ProfileOut.of(view)


@router.delete("/{profile_id}", status_code=204, responses=documented(409, 412))
def delete(
    profile_id: UUID,
    session: DbSession,
    user: Remover,
    uses: Annotated[Uses, Depends(_uses)],
    if_match: IfMatch = None,
) -> None:
    """Remove a profile; 409 while a project uses it."""
    profiles.delete_profile(session, user, profile_id, uses, check=if_match)


@router.get("/{profile_id}/statistics")
def statistics(profile_id: UUID, session: DbSession, user: Reader, storage: Store) -> dict[str, Any]:
    """Return key figures: energy and peak in MWh and MW, the daily pattern, load or capacity factor."""
    return profiles.profile_statistics(session, user, storage, profile_id)


@router.get("/{profile_id}/preview")
def preview(
    profile_id: UUID,
    session: DbSession,
    user: Reader,
    storage: Store,
    kind: Annotated[
        Literal["day", "week", "month", "carpet"], Query(description="Mean day, mean week, months, days by hours")
    ] = "day",
) -> PreviewOut:
    """Return aggregates to draw."""
    return PreviewOut.of(profiles.preview_profile(session, user, storage, profile_id, kind))


@router.get(
    "/{profile_id}/download",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPES[one]: {} for one in ("csv", "parquet")}}, **documented(406)},
)
def download(
    profile_id: UUID,
    session: DbSession,
    user: Exporter,
    storage: Store,
    uses: Annotated[Uses, Depends(_uses)],
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
    format: Annotated[  # noqa: A002 - the name in the address
        Literal["csv", "parquet"] | None, Query(description="In place of `Accept`")
    ] = None,
) -> Response:
    """Download the values, as CSV or as the Parquet file that a project file names; also those of a shared project."""
    from afterbay.server.rest.negotiation import wanted

    chosen = format or wanted(accept, ("csv", "parquet"))
    opened = profiles.open_for_download(session, user, storage, profile_id, uses)
    log_action(session, user, _MODULE, "profile.downloaded", profile_id, {"format": chosen})
    headers = {"Content-Disposition": f'attachment; filename="{profile_id}.{chosen}"'}
    kind, values, start, dt_h = opened.view.profile_type, opened.values, opened.start, opened.view.dt_h
    if chosen == "parquet":
        return Response(parquet_bytes(kind, values, start, dt_h), media_type=MEDIA_TYPES["parquet"], headers=headers)
    return StreamingResponse(_csv_lines(opened), media_type=MEDIA_TYPES["csv"], headers=headers)


def _csv_lines(opened: profiles.Opened) -> Iterator[str]:
    times = times_of(opened.start, opened.view.dt_h, len(opened.values))
    line = io.StringIO(newline="")
    writer = csv.writer(line, lineterminator="\n")
    writer.writerow([*([] if times is None else [times.name]), f"{opened.view.profile_type}_mw"])
    for place, value in enumerate(opened.values.tolist()):
        stamp = [] if times is None else [_stamp(times[place])]
        writer.writerow([*stamp, repr(value)])
        if place % 2_000 == 1_999:
            yield line.getvalue()
            line.seek(0)
            line.truncate()
    yield line.getvalue()


def _stamp(moment: Any) -> str:
    return moment.isoformat() if hasattr(moment, "isoformat") else repr(float(moment))
