"""Who is credited with whose surplus: sharing on paper, level by level, under a rule of one's choice."""

from afterbay.community.sharing.block import SharedBlock, share_block
from afterbay.community.sharing.rule import SHARING_RULES, Pool, Scope, Sharing, SharingRule, named_sharing

__all__ = [
    "SHARING_RULES",
    "Pool",
    "Scope",
    "SharedBlock",
    "Sharing",
    "SharingRule",
    "named_sharing",
    "share_block",
]
