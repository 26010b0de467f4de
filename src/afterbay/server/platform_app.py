"""Makes the platform's web application from its parts."""

import asyncio
import json
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, Request
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware

import afterbay
from afterbay.server.db import session_scope
from afterbay.server.errors import add_error_handlers, documented
from afterbay.server.guard import Shield, shield_rules
from afterbay.server.metrics import Metrics, WatchRequests, add_metrics_route
from afterbay.server.platform.audit.service import log_action
from afterbay.server.platform.identity.access import CurrentUser
from afterbay.server.platform.identity.service import Identity, IdentitySettings, OidcSettings, make_identity
from afterbay.server.platform.identity.service.settings import read_role_mapping
from afterbay.server.platform.jobs.feed import JobFeed
from afterbay.server.platform.modules.service import Quotas, manifests, read_overrides
from afterbay.server.platform.storage import Storage, open_storage
from afterbay.server.principal import Principal
from afterbay.server.rest.bodies import BodyLimits, BodyRules
from afterbay.server.rest.documentation import add_documentation
from afterbay.server.rest.health import Readiness, add_health_routes
from afterbay.server.rest.limits import RateLimiter, RateLimits, RateRules
from afterbay.server.rest.pages import ProblemPages
from afterbay.server.rest.parameters import strict_parameters
from afterbay.server.rest.requests import RequestIds
from afterbay.server.rest.sessions import DbSession
from afterbay.server.settings import Settings

__all__ = ["ROUTERS", "WIRING", "Parts", "create_platform_app", "load_routers", "make_parts", "make_platform_identity"]

ROUTERS: Final[tuple[tuple[str, str], ...]] = (
    ("afterbay.server.sizing.router:router", "/api/v1"),
    ("afterbay.server.profiles.router:router", "/api/v1"),
    ("afterbay.server.platform.identity.router:auth_router", "/api/v1"),
    ("afterbay.server.platform.identity.router:page_router", ""),
    ("afterbay.server.platform.administration.router:admin_router", "/api/v1"),
    ("afterbay.server.platform.administration.router:events_router", "/api/v1"),
    ("afterbay.server.platform.administration.router:forgotten_router", "/api/v1"),
    ("afterbay.server.platform.modules.router:router", ""),
    ("afterbay.server.platform.jobs.router:router", ""),
    ("afterbay.server.platform.notifications.router:router", ""),
)
"""Every router, as `module:name`, and what stands before its paths; a request is compared with one after the other."""
WIRING: Final[tuple[str, ...]] = (
    "afterbay.server.platform.notifications.tasks:wire_quotas",
    "afterbay.server.sizing.tasks.wiring:wire_runs",
)
"""Functions as `module:name` that take the parts once at the start: what a slice tells the platform (quotas)."""

_TAGS: Final = (
    ("auth", "Signing in and out, one's own account, personal tokens."),
    ("admin", "Users, grants, the audit trail."),
    ("modules", "The modules of the platform: roles, permissions, quotas and how far they are used."),
    ("jobs", "Long work: progress, time left, result, cancel."),
    ("notifications", "What happened, for one user: in the application, by mail, by webhook."),
    ("profiles", "Solar and load profiles [MW], shared by the modules."),
    ("projects", "Sizing projects and their configuration. Percent as percent: 87.0 is 87 %."),
    ("people", "Who a project is shared with, its comments and what happened to it."),
    ("versions", "Earlier states of a project, and what changed between them."),
    ("configuration", "A project's answers: setup, rules, sizes, money; checked as a whole."),
    ("simulations", "Runs of a project. Power [MW], energy [MWh], + leaves the battery."),
    ("results", "What a run gave: options, recommendation, hours, years."),
    ("exports", "Results as CSV, Excel, PDF."),
    ("inventory", "Sites, assets and groups of the fleet."),
    ("telemetry", "What the fleet's assets report. Power [MW], + leaves the asset."),
    ("dispatch", "Commands to the fleet."),
    ("watching", "Agents, events and the live stream of the fleet."),
    ("health", "For supervisors and load balancers."),
)
_ABOUT: Final = """Size, share and dispatch energy storage.

Sign in with a cookie (`POST /api/v1/auth/login`; changes need the header `X-CSRF-Token`) or send
`Authorization: Bearer TOKEN`. Power is positive out of a device (discharge, generation, export); times are UTC with
their offset; percent is percent (87.0). Units stand in the schemas as `unit`.

Errors are `application/problem+json`; `type` leads to an explanation, `errors` has a pointer for each problem. Lists
take `limit` and `cursor`. `ETag` and `If-Match` keep two edits apart; `Idempotency-Key` makes a POST safe to repeat.
Long work answers 202 with the address of its job.
"""
_WORKER_SILENT_S: Final = 60
_FLEET: Final = "/api/v1/fleet"
_TRAIL_BYTES: Final = 10_000
_DONE: Final = {"create": "created", "update": "changed", "delete": "deleted", "dispatch": "asked"}
_PACKED: Final = (
    *DEFAULT_EXCLUDED_CONTENT_TYPES, "application/pdf", "application/vnd.apache.parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application is made of; all of it exists before the first request."""

    settings: Settings
    engine: Engine
    sessions: sessionmaker[Session]
    storage: Storage
    identity: Identity
    quotas: Quotas
    feed: JobFeed
    """News of jobs; whoever runs the application starts and stops it."""


def make_parts(settings: Settings, engine: Engine, sessions: sessionmaker[Session]) -> Parts:
    """Return the parts that settings ask for; nothing is connected yet.

    Raises:
        InvalidInputError: If settings cannot be used.
    """
    parts = Parts(
        settings, engine, sessions, open_storage(settings.storage), make_platform_identity(settings),
        Quotas(read_overrides(settings.quotas)), JobFeed(engine.url),
    )  # fmt: skip
    for place in WIRING:
        _find(place)(parts)
    return parts


def make_platform_identity(settings: Settings) -> Identity:
    """Return identity as the settings ask for it.

    Raises:
        InvalidInputError: If a key or a mapping of roles cannot be used.
    """
    secret = settings.secret_key.get_secret_value() if settings.secret_key else ""
    oidc = None
    if settings.oidc_issuer:
        client_secret = settings.oidc_client_secret
        oidc = OidcSettings(
            settings.oidc_issuer, settings.oidc_client_id, client_secret.get_secret_value() if client_secret else "",
            name=settings.oidc_name, scopes=settings.oidc_scopes, role_claim=settings.oidc_role_claim,
            roles=read_role_mapping(settings.oidc_roles), link_by_email=settings.oidc_link_by_email,
            create_users=settings.oidc_create_users,
        )  # fmt: skip
    identity = IdentitySettings(
        settings.data_dir / "secrets" / "signing-keys",
        tuple(key for key in (one.strip() for one in secret.split(",")) if key),
        secure_cookies=settings.secure,
        mails_links=bool(settings.smtp_url and settings.smtp_from and settings.public_url),
        public_url=settings.public_url,
        oidc=oidc,
    )
    roles = {
        name: {role.name: role.permissions for role in manifest.roles.values()}
        for name, manifest in manifests().items()
    }
    return make_identity(identity, roles)


def load_routers() -> None:
    """Import everything that the application mounts; for who has time now and not later."""
    for place, _ in ROUTERS:
        _find(place)


def create_platform_app(parts: Parts) -> FastAPI:
    """Return the platform's application; the fleet's routes are in it when the settings ask for a headend.

    Raises:
        InvalidInputError: If settings cannot be used together.
    """
    settings = parts.settings
    app = FastAPI(
        title="afterbay",
        version=afterbay.__version__,
        description=_ABOUT,
        docs_url=None,  # it would fetch scripts from elsewhere
        redoc_url=None,
        openapi_url=None,  # making the document takes a second, in which nobody else would be answered
        openapi_tags=[{"name": name, "description": about} for name, about in _TAGS],
        responses=documented(400, 401, 403, 413, 415, 422, 429, 500, 503),
    )
    metrics = Metrics()
    metrics.watch_pool(parts.engine)
    for name in ("settings", "engine", "sessions", "storage", "identity", "quotas"):
        setattr(app.state, name, getattr(parts, name))
    app.state.job_feed = parts.feed
    app.state.profile_uses = _find("afterbay.server.sizing.service.projects_profiles:uses_of")
    app.state.stopping = asyncio.Event()
    app.state.rates = RateLimiter(
        RateRules(settings.rate_limit, settings.rate_limit_address, settings.rate_limit_sign_in)
    )
    add_error_handlers(app)
    for place, prefix in ROUTERS:
        app.include_router(_find(place), prefix=prefix, dependencies=[Depends(strict_parameters)])
    if settings.fleet:
        _include_fleet(app)
    add_documentation(app)
    add_health_routes(app, Readiness({
        "database": lambda: _check_database(parts), "storage": lambda: _check_storage(parts),
        "worker": lambda: _check_worker(parts),
    }))  # fmt: skip
    token = settings.metrics_token.get_secret_value() if settings.metrics_token else None
    add_metrics_route(
        app, metrics, token=token, refresh=lambda: metrics.set_jobs(_count_jobs(parts)),
        direct=not settings.trusted_proxies,
    )  # fmt: skip
    _add_middleware(app, settings, metrics)
    return app


def _add_middleware(app: FastAPI, settings: Settings, metrics: Metrics) -> None:
    upload = settings.max_upload_mb * 1_000_000 + 65_536  # the parts of a form have headers too
    bodies = BodyRules(
        settings.max_body_kb * 1024, {"/api/v1/profiles": upload, "/api/v1/bess-sizing": upload}
    )  # fmt: skip
    # The last one added is the first one asked.
    given: tuple[tuple[Any, dict[str, Any]], ...] = (
        (GZipMiddleware, {"minimum_size": 1_400, "compresslevel": 5, "exclude_content_types": _PACKED}),
        (BodyLimits, {"rules": bodies}),
        (RateLimits, {"limiter": app.state.rates}),
        (WatchRequests, {"metrics": metrics}),
        (Shield, {"rules": shield_rules(settings)}),
        (ProblemPages, {}),
        (RequestIds, {}),
    )
    for kind, options in given:
        app.add_middleware(kind, **options)


def _include_fleet(app: FastAPI) -> None:
    from afterbay.server.fleet.router import fleet_router

    app.include_router(fleet_router, prefix=_FLEET, dependencies=[Depends(_may_operate)])


async def _sent(request: Request) -> Any:
    """Return what a request brings, for the trail; what is no JSON, or long, only by its size."""
    body = await request.body()
    try:
        return json.loads(body) if 0 < len(body) <= _TRAIL_BYTES else {"bytes": len(body)} if body else None
    except ValueError:
        return {"bytes": len(body)}


def _may_operate(
    request: Request, session: DbSession, user: CurrentUser, sent: Annotated[Any, Depends(_sent)]
) -> Principal:
    """Ask for the permission that a fleet's route needs, and record what is changed: the routes know no users.

    What the route refuses is not kept: its error ends the session without a commit.
    """
    action, path = _fleet_action(request.method, request.url.path), request.url.path.removeprefix(_FLEET)
    user.need("fleet", action)
    if action != "read":
        kind, _, rest = path.strip("/").partition("/")
        named = sent if isinstance(sent, dict) else {}
        resource = rest or named.get("asset_id") or named.get("site_id") or named.get("id") or ""
        log_action(session, user, "fleet", f"{kind}.{_DONE.get(action, action)}", resource, {"request": sent})
    return user


def _fleet_action(method: str, path: str) -> str:
    if method in ("GET", "HEAD") or path.endswith("/dispatch/preview"):
        return "read"
    if "/dispatch" in path:
        return "dispatch"
    return {"POST": "create", "PUT": "update", "DELETE": "delete"}.get(method, "update")


def _check_database(parts: Parts) -> str | None:
    with session_scope(parts.sessions) as session:
        session.execute(text("SELECT 1"))
    return None


def _check_storage(parts: Parts) -> str | None:
    health = parts.storage.healthy()
    return None if health.ok else health.detail


def _check_worker(parts: Parts) -> str | None:
    query = text("SELECT extract(epoch FROM clock_timestamp() - max(last_heartbeat)) FROM procrastinate_workers")
    with session_scope(parts.sessions) as session:
        silent_s = session.execute(query).scalar_one()
    if silent_s is None:
        return "no worker runs: jobs wait -> start `afterbay worker`"
    if silent_s > _WORKER_SILENT_S:
        return f"the worker has been silent for {silent_s:.0f} s: jobs wait -> start `afterbay worker`"
    return None


def _count_jobs(parts: Parts) -> dict[str, int]:
    query = text("SELECT state, count(*) FROM jobs WHERE state IN ('queued', 'running') GROUP BY state")
    with session_scope(parts.sessions) as session:
        found = {str(state): int(count) for state, count in session.execute(query)}
    return {"queued": 0, "running": 0, **found}


def _find(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
