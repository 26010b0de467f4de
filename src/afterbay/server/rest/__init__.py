"""What every endpoint of the platform has in common: sessions, pages, versions, formats, events, limits."""
