"""What can be done with profiles."""

from afterbay.server.profiles.service.profiles import (
    Opened,
    ProfileView,
    UseCount,
    copy_profile,
    hold_profile,
    open_profile,
    open_values,
)

__all__ = ["Opened", "ProfileView", "UseCount", "copy_profile", "hold_profile", "open_profile", "open_values"]
