"""What workers do for profiles: files of uploads that never became a profile may be collected."""

from __future__ import annotations

from afterbay.server.platform.storage.service import claim

# Every profile keeps its file with its row, so that a file without one is left from a server that died.
claim("profiles/")
