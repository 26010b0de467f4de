"""Deciding about identity: who somebody is, and what they may do.

Every change is recorded in the transaction that makes it; no secret is.
"""

from afterbay.server.platform.identity.service.accounts import (
    UserChange,
    UserQuery,
    account_is_locked,
    change_user,
    create_user,
    find_account,
    find_accounts,
    get_account,
    give_grant,
    take_grant,
    unlock_user,
)
from afterbay.server.platform.identity.service.credentials import change_password, set_password
from afterbay.server.platform.identity.service.federation import NotAdmitted, sign_in_by_claims
from afterbay.server.platform.identity.service.identity import (
    CSRF_COOKIE,
    CSRF_HEADER,
    REFRESH_COOKIE,
    SESSION_COOKIE,
    Caller,
    Identity,
    Roles,
    SignedIn,
    make_identity,
    utc_now,
)
from afterbay.server.platform.identity.service.keys import SigningKeys, open_keys, rotate_keys
from afterbay.server.platform.identity.service.links import (
    FORGOTTEN_S,
    Link,
    LinkView,
    accept_link,
    ask_for_link,
    create_link,
    ensure_first_link,
    link_for_mail,
    look_at_link,
)
from afterbay.server.platform.identity.service.principals import Mode, find_by_api_token, find_by_session
from afterbay.server.platform.identity.service.provider import Provider, Start
from afterbay.server.platform.identity.service.records import Account, Grant, email_key, principal_of
from afterbay.server.platform.identity.service.secrets import API_TOKEN_PREFIX, same_secret
from afterbay.server.platform.identity.service.sessions import (
    SessionView,
    Tokens,
    end_all_sessions,
    end_session,
    list_sessions,
    open_session,
    refresh_session,
    sign_out,
)
from afterbay.server.platform.identity.service.settings import IdentitySettings, OidcSettings, read_role_mapping
from afterbay.server.platform.identity.service.signing_in import Refused, sign_in
from afterbay.server.platform.identity.service.tokens import (
    NewToken,
    TokenView,
    create_token,
    give_up_token,
    list_tokens,
    module_of,
    read_scopes,
    revoke_token,
)
from afterbay.server.platform.identity.service.upkeep import forget_what_is_over

__all__ = [
    "API_TOKEN_PREFIX",
    "CSRF_COOKIE",
    "CSRF_HEADER",
    "FORGOTTEN_S",
    "REFRESH_COOKIE",
    "SESSION_COOKIE",
    "Account",
    "Caller",
    "Grant",
    "Identity",
    "IdentitySettings",
    "Link",
    "LinkView",
    "Mode",
    "NewToken",
    "NotAdmitted",
    "OidcSettings",
    "Provider",
    "Refused",
    "Roles",
    "SessionView",
    "SignedIn",
    "SigningKeys",
    "Start",
    "TokenView",
    "Tokens",
    "UserChange",
    "UserQuery",
    "accept_link",
    "account_is_locked",
    "ask_for_link",
    "change_password",
    "change_user",
    "create_link",
    "create_token",
    "create_user",
    "email_key",
    "end_all_sessions",
    "end_session",
    "ensure_first_link",
    "find_account",
    "find_accounts",
    "find_by_api_token",
    "find_by_session",
    "forget_what_is_over",
    "get_account",
    "give_grant",
    "give_up_token",
    "link_for_mail",
    "list_sessions",
    "list_tokens",
    "look_at_link",
    "make_identity",
    "module_of",
    "open_keys",
    "open_session",
    "principal_of",
    "read_role_mapping",
    "read_scopes",
    "refresh_session",
    "revoke_token",
    "rotate_keys",
    "same_secret",
    "set_password",
    "sign_in",
    "sign_in_by_claims",
    "sign_out",
    "take_grant",
    "unlock_user",
    "utc_now",
]
