"""What came of a run: options, hours, recommendation, years, reasons; and options side by side."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.server.errors import documented
from afterbay.server.platform.identity.access import CurrentUser
from afterbay.server.rest.negotiation import MEDIA_TYPES, wanted
from afterbay.server.rest.sessions import DbSession
from afterbay.server.sizing.router.simulations import CurrentStorage
from afterbay.server.sizing.schemas.results import (
    CompareIn,
    ComparisonOut,
    ExplainOut,
    HourlyOut,
    ProjectionOut,
    RecommendationsOut,
    ResultsOut,
)
from afterbay.server.sizing.service import comparing, explaining, exports, results, results_hourly
from afterbay.server.sizing.service.runs_years import YearsAsked

__all__ = ["Index", "router"]

router = APIRouter(prefix="/bess-sizing", tags=["results"])

Index = Annotated[
    int | None,
    Query(ge=0, le=1_000_000, description="The option, from 0; default: the recommended one, or the nearest"),
]
_At = Annotated[str | None, Query(max_length=40, description="A step from 1, or a moment (ISO 8601)")]
_Share = Annotated[float | None, Query(ge=0, le=100, allow_inf_nan=False, json_schema_extra={"unit": "%"})]
_Price = Annotated[float | None, Query(ge=0, le=1e9, allow_inf_nan=False)]
_FINISHED = documented(401, 403, 404, 409, 422, 503)
_FORMS = ("json", "csv", "parquet", "arrow")
_FILES = {MEDIA_TYPES[form]: {"schema": {"type": "string", "format": "binary"}} for form in _FORMS[1:]}


@router.get("/simulations/{simulation_id}/results", responses=_FINISHED)
def get_results(
    simulation_id: UUID,
    session: DbSession,
    user: CurrentUser,
    storage: CurrentStorage,
    limit: Annotated[int, Query(ge=1, le=5_000, description="Most options in this page")] = 500,
    cursor: Annotated[str | None, Query(pattern=r"^\d{1,7}$", description="`next_cursor` of the page before")] = None,
    sort: Annotated[
        str, Query(max_length=60, description="A size, capital_cost_usd or a metric; - for the largest")
    ] = "index",
) -> ResultsOut:
    """Show the options of a run, what is recommended, and what changed in the project since."""
    run = results.open_run(session, user, storage, simulation_id)
    page = results.rows_page(run, sort, int(cursor or 0), limit)
    stale = results.staleness_of_run(session, user, run)
    return ResultsOut.of(run, page, stale, results.recommendation_of(run))


@router.get(
    "/simulations/{simulation_id}/hourly",
    response_model=HourlyOut,
    responses={**documented(401, 403, 404, 406, 409, 422, 503), 200: {"content": _FILES}},
)
def get_hourly(
    simulation_id: UUID,
    session: DbSession,
    user: CurrentUser,
    storage: CurrentStorage,
    response: Response,
    index: Index = None,
    first: Annotated[_At, Query(alias="from")] = None,
    to: Annotated[_At, Query(description="The same; not included")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000, description="Most steps of a page of JSON")] = 1_000,
    accept: Annotated[str | None, Header()] = None,
) -> HourlyOut | Response:
    """Show the steps of an option: a page as JSON, or all as CSV, Parquet or Arrow (needs `export`)."""
    form = wanted(accept, _FORMS)
    run = results.open_run(session, user, storage, simulation_id, whole=False)
    chosen = run.index_of(index)
    if form == "json":
        response.headers["Vary"] = "Accept"
        return HourlyOut.of(run, results_hourly.steps_page(run, chosen, first, to, limit))
    file = exports.export_hourly(session, user, run, chosen, form, first, to)
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"', "Vary": "Accept"}
    return Response(file.content, media_type=MEDIA_TYPES[form], headers=headers)


@router.get("/simulations/{simulation_id}/recommendations", responses=_FINISHED)
def get_recommendations(
    simulation_id: UUID, session: DbSession, user: CurrentUser, storage: CurrentStorage
) -> RecommendationsOut:
    """Show what to build and why; where no size reaches the goal, what blocks it and what would help."""
    run = results.open_run(session, user, storage, simulation_id)
    return RecommendationsOut(**results.recommendation_of(run))


@router.get("/simulations/{simulation_id}/projection", responses=_FINISHED)
def get_projection(
    simulation_id: UUID,
    session: DbSession,
    user: CurrentUser,
    storage: CurrentStorage,
    index: Index = None,
    years: Annotated[int | None, Query(ge=1, le=100, json_schema_extra={"unit": "a"})] = None,
    loss_pct: Annotated[_Share, Query(description="Battery energy lost per year, compound")] = None,
    solar_loss_pct: Annotated[_Share, Query(description="Solar lost per year, compound")] = None,
    discount_pct: Annotated[_Share, Query(description="Discount rate")] = None,
    residual_pct: Annotated[_Share, Query(description="Value left at the end, share of the capital")] = None,
    energy_price_usd_per_mwh: _Price = None,
    fuel_price_usd_per_l: _Price = None,
) -> ProjectionOut:
    """Show an option over its years; what is not given is as the project says."""
    run = results.open_run(session, user, storage, simulation_id)
    asked = YearsAsked(
        years=years,
        loss_pct=loss_pct,
        solar_loss_pct=solar_loss_pct,
        discount_pct=discount_pct,
        residual_pct=residual_pct,
        energy_price_usd_per_mwh=energy_price_usd_per_mwh,
        fuel_price_usd_per_l=fuel_price_usd_per_l,
    )
    return ProjectionOut(**results.projection_of_run(run, index, asked))


@router.get("/simulations/{simulation_id}/explain", responses=_FINISHED)
def get_explanation(
    simulation_id: UUID,
    session: DbSession,
    user: CurrentUser,
    storage: CurrentStorage,
    index: Index = None,
    at: Annotated[_At, Query(description="Why this step: its number from 1, or a moment in it")] = None,
    day: Annotated[
        str | None,
        Query(pattern=r"^(worst|best|typical|\d{1,5})$", description="Why this day: worst, best, typical or a number"),
    ] = None,
) -> ExplainOut:
    """Say why a step or a day of an option went as it did, or, with neither, why the option stands where it does."""
    if at is not None and day is not None:
        raise InvalidInputError(Problem("/day", day, "`at` or `day`, not both", "leave one of them out"))
    run = results.open_run(session, user, storage, simulation_id)
    chosen = run.index_of(index)
    if at is not None:
        found = explaining.explain_step(run, chosen, at)
    elif day is not None:
        found = explaining.explain_day(run, chosen, day)
    else:
        found = explaining.explain_option(run, chosen)
    return ExplainOut(simulation_id=run.id, **found)


@router.post("/results/compare", responses=documented(400, 401, 403, 404, 409, 422, 503))
def compare_results(body: CompareIn, session: DbSession, user: CurrentUser, storage: CurrentStorage) -> ComparisonOut:
    """Put options of one or several runs side by side, the best of each metric marked."""
    return ComparisonOut.of(comparing.compare_options(session, user, storage, body.read()))
