"""What a gateway can drive: the simulator, OPC UA servers and SunSpec units, behind one protocol.

`open_devices` chooses an adapter for each asset by its URI. A device that does not answer gives its last values
with their old time, marked as bad; it never gives invented ones.
"""

from afterbay.fleet.devices.device import Device, DeviceOrder, WriteResult
from afterbay.fleet.devices.opcua import OpcuaDevice
from afterbay.fleet.devices.opcua_mapping import NodeUse, OpcuaMapping, mapping_from_environment, read_mapping
from afterbay.fleet.devices.open_device import DEVICE_SCHEMES, DeviceSurroundings, open_device, open_devices
from afterbay.fleet.devices.simulated import SimulatedDevice, open_simulated
from afterbay.fleet.devices.sunspec import SunspecDevice
from afterbay.fleet.devices.sunspec_address import SunspecAddress, SunspecOptions, read_sunspec_uri

__all__ = [
    "DEVICE_SCHEMES",
    "Device",
    "DeviceOrder",
    "DeviceSurroundings",
    "NodeUse",
    "OpcuaDevice",
    "OpcuaMapping",
    "SimulatedDevice",
    "SunspecAddress",
    "SunspecDevice",
    "SunspecOptions",
    "WriteResult",
    "mapping_from_environment",
    "open_device",
    "open_devices",
    "open_simulated",
    "read_mapping",
    "read_sunspec_uri",
]
