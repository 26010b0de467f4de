"""What is asked of the fleet's tables: inventory, samples, commands, and who was there when."""

from afterbay.server.fleet.repository.commands import CommandRepository
from afterbay.server.fleet.repository.inventory import InventoryRepository
from afterbay.server.fleet.repository.samples import COPY_COLUMNS, SampleRepository
from afterbay.server.fleet.repository.watching import WatchRepository

__all__ = ["COPY_COLUMNS", "CommandRepository", "InventoryRepository", "SampleRepository", "WatchRepository"]
