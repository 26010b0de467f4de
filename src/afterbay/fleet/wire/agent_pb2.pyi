from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Quality(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    QUALITY_GOOD: _ClassVar[Quality]
    QUALITY_UNCERTAIN: _ClassVar[Quality]
    QUALITY_BAD: _ClassVar[Quality]
    QUALITY_STALE: _ClassVar[Quality]

class Origin(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORIGIN_UNSPECIFIED: _ClassVar[Origin]
    ORIGIN_DEVICE: _ClassVar[Origin]
    ORIGIN_SIMULATED: _ClassVar[Origin]
    ORIGIN_REPLAY: _ClassVar[Origin]
QUALITY_GOOD: Quality
QUALITY_UNCERTAIN: Quality
QUALITY_BAD: Quality
QUALITY_STALE: Quality
ORIGIN_UNSPECIFIED: Origin
ORIGIN_DEVICE: Origin
ORIGIN_SIMULATED: Origin
ORIGIN_REPLAY: Origin

class AgentToHeadend(_message.Message):
    __slots__ = ("register", "telemetry", "heartbeat", "dispatch_ack", "event", "telemetry_batch")
    REGISTER_FIELD_NUMBER: _ClassVar[int]
    TELEMETRY_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    DISPATCH_ACK_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    TELEMETRY_BATCH_FIELD_NUMBER: _ClassVar[int]
    register: Register
    telemetry: Telemetry
    heartbeat: Heartbeat
    dispatch_ack: DispatchAck
    event: Event
    telemetry_batch: TelemetryBatch
    def __init__(self, register: _Optional[_Union[Register, _Mapping]] = ..., telemetry: _Optional[_Union[Telemetry, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., dispatch_ack: _Optional[_Union[DispatchAck, _Mapping]] = ..., event: _Optional[_Union[Event, _Mapping]] = ..., telemetry_batch: _Optional[_Union[TelemetryBatch, _Mapping]] = ...) -> None: ...

class HeadendToAgent(_message.Message):
    __slots__ = ("setpoint", "welcome", "receipt", "notice")
    SETPOINT_FIELD_NUMBER: _ClassVar[int]
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    setpoint: Setpoint
    welcome: Welcome
    receipt: Receipt
    notice: Notice
    def __init__(self, setpoint: _Optional[_Union[Setpoint, _Mapping]] = ..., welcome: _Optional[_Union[Welcome, _Mapping]] = ..., receipt: _Optional[_Union[Receipt, _Mapping]] = ..., notice: _Optional[_Union[Notice, _Mapping]] = ...) -> None: ...

class AssetDescriptor(_message.Message):
    __slots__ = ("asset_id", "site_id", "asset_name", "site_name", "location", "asset_type", "tick_s")
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    SITE_ID_FIELD_NUMBER: _ClassVar[int]
    ASSET_NAME_FIELD_NUMBER: _ClassVar[int]
    SITE_NAME_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    ASSET_TYPE_FIELD_NUMBER: _ClassVar[int]
    TICK_S_FIELD_NUMBER: _ClassVar[int]
    asset_id: str
    site_id: str
    asset_name: str
    site_name: str
    location: str
    asset_type: str
    tick_s: float
    def __init__(self, asset_id: _Optional[str] = ..., site_id: _Optional[str] = ..., asset_name: _Optional[str] = ..., site_name: _Optional[str] = ..., location: _Optional[str] = ..., asset_type: _Optional[str] = ..., tick_s: _Optional[float] = ...) -> None: ...

class Register(_message.Message):
    __slots__ = ("asset_id", "site_id", "asset_name", "site_name", "gateway_id", "assets", "hello")
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    SITE_ID_FIELD_NUMBER: _ClassVar[int]
    ASSET_NAME_FIELD_NUMBER: _ClassVar[int]
    SITE_NAME_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    ASSETS_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    asset_id: str
    site_id: str
    asset_name: str
    site_name: str
    gateway_id: str
    assets: _containers.RepeatedCompositeFieldContainer[AssetDescriptor]
    hello: Hello
    def __init__(self, asset_id: _Optional[str] = ..., site_id: _Optional[str] = ..., asset_name: _Optional[str] = ..., site_name: _Optional[str] = ..., gateway_id: _Optional[str] = ..., assets: _Optional[_Iterable[_Union[AssetDescriptor, _Mapping]]] = ..., hello: _Optional[_Union[Hello, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("protocol", "software", "boot_id", "spool_id", "last_command_seq", "tick_s")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    SOFTWARE_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    SPOOL_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_COMMAND_SEQ_FIELD_NUMBER: _ClassVar[int]
    TICK_S_FIELD_NUMBER: _ClassVar[int]
    protocol: int
    software: str
    boot_id: str
    spool_id: str
    last_command_seq: int
    tick_s: float
    def __init__(self, protocol: _Optional[int] = ..., software: _Optional[str] = ..., boot_id: _Optional[str] = ..., spool_id: _Optional[str] = ..., last_command_seq: _Optional[int] = ..., tick_s: _Optional[float] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("protocol", "software", "accepted", "refused", "window", "headend_time_us")
    class RefusedEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    SOFTWARE_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    HEADEND_TIME_US_FIELD_NUMBER: _ClassVar[int]
    protocol: int
    software: str
    accepted: _containers.RepeatedScalarFieldContainer[str]
    refused: _containers.ScalarMap[str, str]
    window: int
    headend_time_us: int
    def __init__(self, protocol: _Optional[int] = ..., software: _Optional[str] = ..., accepted: _Optional[_Iterable[str]] = ..., refused: _Optional[_Mapping[str, str]] = ..., window: _Optional[int] = ..., headend_time_us: _Optional[int] = ...) -> None: ...

class Telemetry(_message.Message):
    __slots__ = ("asset_id", "site_id", "site_name", "timestamp", "soc_mwhr", "soc_pct", "capacity_mwhr", "current_mw", "setpoint_mw", "max_mw", "min_mw", "status", "voltage_v", "current_a", "dc_bus_v", "dc_bus_a", "temperature_cell_f", "temperature_module_f", "temperature_ambient_f", "soh_pct", "cycle_count", "energy_in_mwh", "energy_out_mwh", "available_charge_kw", "available_discharge_kw", "extras", "seq", "timestamp_us", "quality", "origin", "limited_by", "asset_type", "offline", "fault_code", "lease_id", "temperature_c", "cycles", "storage", "pv", "wind", "ev")
    class ExtrasEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: TelemetryValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[TelemetryValue, _Mapping]] = ...) -> None: ...
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    SITE_ID_FIELD_NUMBER: _ClassVar[int]
    SITE_NAME_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    SOC_MWHR_FIELD_NUMBER: _ClassVar[int]
    SOC_PCT_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_MWHR_FIELD_NUMBER: _ClassVar[int]
    CURRENT_MW_FIELD_NUMBER: _ClassVar[int]
    SETPOINT_MW_FIELD_NUMBER: _ClassVar[int]
    MAX_MW_FIELD_NUMBER: _ClassVar[int]
    MIN_MW_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    VOLTAGE_V_FIELD_NUMBER: _ClassVar[int]
    CURRENT_A_FIELD_NUMBER: _ClassVar[int]
    DC_BUS_V_FIELD_NUMBER: _ClassVar[int]
    DC_BUS_A_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_CELL_F_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_MODULE_F_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_AMBIENT_F_FIELD_NUMBER: _ClassVar[int]
    SOH_PCT_FIELD_NUMBER: _ClassVar[int]
    CYCLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    ENERGY_IN_MWH_FIELD_NUMBER: _ClassVar[int]
    ENERGY_OUT_MWH_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_CHARGE_KW_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_DISCHARGE_KW_FIELD_NUMBER: _ClassVar[int]
    EXTRAS_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_US_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    LIMITED_BY_FIELD_NUMBER: _ClassVar[int]
    ASSET_TYPE_FIELD_NUMBER: _ClassVar[int]
    OFFLINE_FIELD_NUMBER: _ClassVar[int]
    FAULT_CODE_FIELD_NUMBER: _ClassVar[int]
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_C_FIELD_NUMBER: _ClassVar[int]
    CYCLES_FIELD_NUMBER: _ClassVar[int]
    STORAGE_FIELD_NUMBER: _ClassVar[int]
    PV_FIELD_NUMBER: _ClassVar[int]
    WIND_FIELD_NUMBER: _ClassVar[int]
    EV_FIELD_NUMBER: _ClassVar[int]
    asset_id: str
    site_id: str
    site_name: str
    timestamp: str
    soc_mwhr: float
    soc_pct: float
    capacity_mwhr: float
    current_mw: float
    setpoint_mw: float
    max_mw: float
    min_mw: float
    status: str
    voltage_v: float
    current_a: float
    dc_bus_v: float
    dc_bus_a: float
    temperature_cell_f: float
    temperature_module_f: float
    temperature_ambient_f: float
    soh_pct: float
    cycle_count: int
    energy_in_mwh: float
    energy_out_mwh: float
    available_charge_kw: float
    available_discharge_kw: float
    extras: _containers.MessageMap[str, TelemetryValue]
    seq: int
    timestamp_us: int
    quality: Quality
    origin: Origin
    limited_by: str
    asset_type: str
    offline: bool
    fault_code: str
    lease_id: str
    temperature_c: float
    cycles: float
    storage: StorageFields
    pv: PvFields
    wind: WindFields
    ev: EvFields
    def __init__(self, asset_id: _Optional[str] = ..., site_id: _Optional[str] = ..., site_name: _Optional[str] = ..., timestamp: _Optional[str] = ..., soc_mwhr: _Optional[float] = ..., soc_pct: _Optional[float] = ..., capacity_mwhr: _Optional[float] = ..., current_mw: _Optional[float] = ..., setpoint_mw: _Optional[float] = ..., max_mw: _Optional[float] = ..., min_mw: _Optional[float] = ..., status: _Optional[str] = ..., voltage_v: _Optional[float] = ..., current_a: _Optional[float] = ..., dc_bus_v: _Optional[float] = ..., dc_bus_a: _Optional[float] = ..., temperature_cell_f: _Optional[float] = ..., temperature_module_f: _Optional[float] = ..., temperature_ambient_f: _Optional[float] = ..., soh_pct: _Optional[float] = ..., cycle_count: _Optional[int] = ..., energy_in_mwh: _Optional[float] = ..., energy_out_mwh: _Optional[float] = ..., available_charge_kw: _Optional[float] = ..., available_discharge_kw: _Optional[float] = ..., extras: _Optional[_Mapping[str, TelemetryValue]] = ..., seq: _Optional[int] = ..., timestamp_us: _Optional[int] = ..., quality: _Optional[_Union[Quality, str]] = ..., origin: _Optional[_Union[Origin, str]] = ..., limited_by: _Optional[str] = ..., asset_type: _Optional[str] = ..., offline: _Optional[bool] = ..., fault_code: _Optional[str] = ..., lease_id: _Optional[str] = ..., temperature_c: _Optional[float] = ..., cycles: _Optional[float] = ..., storage: _Optional[_Union[StorageFields, _Mapping]] = ..., pv: _Optional[_Union[PvFields, _Mapping]] = ..., wind: _Optional[_Union[WindFields, _Mapping]] = ..., ev: _Optional[_Union[EvFields, _Mapping]] = ...) -> None: ...

class StorageFields(_message.Message):
    __slots__ = ("usable_energy_mwh", "dc_voltage_v", "dc_current_a", "inverter_temp_c", "ambient_temp_c")
    USABLE_ENERGY_MWH_FIELD_NUMBER: _ClassVar[int]
    DC_VOLTAGE_V_FIELD_NUMBER: _ClassVar[int]
    DC_CURRENT_A_FIELD_NUMBER: _ClassVar[int]
    INVERTER_TEMP_C_FIELD_NUMBER: _ClassVar[int]
    AMBIENT_TEMP_C_FIELD_NUMBER: _ClassVar[int]
    usable_energy_mwh: float
    dc_voltage_v: float
    dc_current_a: float
    inverter_temp_c: float
    ambient_temp_c: float
    def __init__(self, usable_energy_mwh: _Optional[float] = ..., dc_voltage_v: _Optional[float] = ..., dc_current_a: _Optional[float] = ..., inverter_temp_c: _Optional[float] = ..., ambient_temp_c: _Optional[float] = ...) -> None: ...

class PvFields(_message.Message):
    __slots__ = ("ac_mw", "irradiance_wm2", "module_temp_c", "inverter_state", "curtailment_reason")
    AC_MW_FIELD_NUMBER: _ClassVar[int]
    IRRADIANCE_WM2_FIELD_NUMBER: _ClassVar[int]
    MODULE_TEMP_C_FIELD_NUMBER: _ClassVar[int]
    INVERTER_STATE_FIELD_NUMBER: _ClassVar[int]
    CURTAILMENT_REASON_FIELD_NUMBER: _ClassVar[int]
    ac_mw: float
    irradiance_wm2: float
    module_temp_c: float
    inverter_state: str
    curtailment_reason: str
    def __init__(self, ac_mw: _Optional[float] = ..., irradiance_wm2: _Optional[float] = ..., module_temp_c: _Optional[float] = ..., inverter_state: _Optional[str] = ..., curtailment_reason: _Optional[str] = ...) -> None: ...

class WindFields(_message.Message):
    __slots__ = ("wind_speed_ms", "turbine_rpm", "yaw_deg", "pitch_deg", "availability_pct", "turbine_state")
    WIND_SPEED_MS_FIELD_NUMBER: _ClassVar[int]
    TURBINE_RPM_FIELD_NUMBER: _ClassVar[int]
    YAW_DEG_FIELD_NUMBER: _ClassVar[int]
    PITCH_DEG_FIELD_NUMBER: _ClassVar[int]
    AVAILABILITY_PCT_FIELD_NUMBER: _ClassVar[int]
    TURBINE_STATE_FIELD_NUMBER: _ClassVar[int]
    wind_speed_ms: float
    turbine_rpm: float
    yaw_deg: float
    pitch_deg: float
    availability_pct: float
    turbine_state: str
    def __init__(self, wind_speed_ms: _Optional[float] = ..., turbine_rpm: _Optional[float] = ..., yaw_deg: _Optional[float] = ..., pitch_deg: _Optional[float] = ..., availability_pct: _Optional[float] = ..., turbine_state: _Optional[str] = ...) -> None: ...

class EvFields(_message.Message):
    __slots__ = ("station_state", "active_sessions", "load_mw", "energy_delivered_mwh")
    STATION_STATE_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    LOAD_MW_FIELD_NUMBER: _ClassVar[int]
    ENERGY_DELIVERED_MWH_FIELD_NUMBER: _ClassVar[int]
    station_state: str
    active_sessions: int
    load_mw: float
    energy_delivered_mwh: float
    def __init__(self, station_state: _Optional[str] = ..., active_sessions: _Optional[int] = ..., load_mw: _Optional[float] = ..., energy_delivered_mwh: _Optional[float] = ...) -> None: ...

class TelemetryValue(_message.Message):
    __slots__ = ("f64", "i64", "u64", "bool", "string")
    F64_FIELD_NUMBER: _ClassVar[int]
    I64_FIELD_NUMBER: _ClassVar[int]
    U64_FIELD_NUMBER: _ClassVar[int]
    BOOL_FIELD_NUMBER: _ClassVar[int]
    STRING_FIELD_NUMBER: _ClassVar[int]
    f64: float
    i64: int
    u64: int
    bool: bool
    string: str
    def __init__(self, f64: _Optional[float] = ..., i64: _Optional[int] = ..., u64: _Optional[int] = ..., bool: _Optional[bool] = ..., string: _Optional[str] = ...) -> None: ...

class TelemetryBatch(_message.Message):
    __slots__ = ("samples", "batch_seq", "replay")
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    BATCH_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAY_FIELD_NUMBER: _ClassVar[int]
    samples: _containers.RepeatedCompositeFieldContainer[Telemetry]
    batch_seq: int
    replay: bool
    def __init__(self, samples: _Optional[_Iterable[_Union[Telemetry, _Mapping]]] = ..., batch_seq: _Optional[int] = ..., replay: _Optional[bool] = ...) -> None: ...

class Receipt(_message.Message):
    __slots__ = ("batch_seq", "refused")
    BATCH_SEQ_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    batch_seq: int
    refused: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, batch_seq: _Optional[int] = ..., refused: _Optional[_Iterable[str]] = ...) -> None: ...

class Notice(_message.Message):
    __slots__ = ("code", "message", "severity", "asset_ids")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    ASSET_IDS_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    severity: str
    asset_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., severity: _Optional[str] = ..., asset_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("asset_id", "timestamp", "clock_skew_s")
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    CLOCK_SKEW_S_FIELD_NUMBER: _ClassVar[int]
    asset_id: str
    timestamp: str
    clock_skew_s: float
    def __init__(self, asset_id: _Optional[str] = ..., timestamp: _Optional[str] = ..., clock_skew_s: _Optional[float] = ...) -> None: ...

class Setpoint(_message.Message):
    __slots__ = ("asset_id", "mw", "duration_s", "site_id", "group_id", "dispatch_id", "seq", "issued_at_us", "deliver_by_us", "valid_until_us", "fallback_mw", "hold_offline_s", "cancel", "members", "not_before_us", "exact_duration_s")
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    MW_FIELD_NUMBER: _ClassVar[int]
    DURATION_S_FIELD_NUMBER: _ClassVar[int]
    SITE_ID_FIELD_NUMBER: _ClassVar[int]
    GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    DISPATCH_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    ISSUED_AT_US_FIELD_NUMBER: _ClassVar[int]
    DELIVER_BY_US_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_US_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_MW_FIELD_NUMBER: _ClassVar[int]
    HOLD_OFFLINE_S_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_US_FIELD_NUMBER: _ClassVar[int]
    EXACT_DURATION_S_FIELD_NUMBER: _ClassVar[int]
    asset_id: str
    mw: float
    duration_s: int
    site_id: str
    group_id: str
    dispatch_id: str
    seq: int
    issued_at_us: int
    deliver_by_us: int
    valid_until_us: int
    fallback_mw: float
    hold_offline_s: float
    cancel: bool
    members: _containers.RepeatedScalarFieldContainer[str]
    not_before_us: int
    exact_duration_s: float
    def __init__(self, asset_id: _Optional[str] = ..., mw: _Optional[float] = ..., duration_s: _Optional[int] = ..., site_id: _Optional[str] = ..., group_id: _Optional[str] = ..., dispatch_id: _Optional[str] = ..., seq: _Optional[int] = ..., issued_at_us: _Optional[int] = ..., deliver_by_us: _Optional[int] = ..., valid_until_us: _Optional[int] = ..., fallback_mw: _Optional[float] = ..., hold_offline_s: _Optional[float] = ..., cancel: _Optional[bool] = ..., members: _Optional[_Iterable[str]] = ..., not_before_us: _Optional[int] = ..., exact_duration_s: _Optional[float] = ...) -> None: ...

class DispatchAck(_message.Message):
    __slots__ = ("dispatch_id", "asset_id", "status", "timestamp", "reason", "applied_mw", "delivered_mw")
    DISPATCH_ID_FIELD_NUMBER: _ClassVar[int]
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    APPLIED_MW_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_MW_FIELD_NUMBER: _ClassVar[int]
    dispatch_id: str
    asset_id: str
    status: str
    timestamp: str
    reason: str
    applied_mw: float
    delivered_mw: float
    def __init__(self, dispatch_id: _Optional[str] = ..., asset_id: _Optional[str] = ..., status: _Optional[str] = ..., timestamp: _Optional[str] = ..., reason: _Optional[str] = ..., applied_mw: _Optional[float] = ..., delivered_mw: _Optional[float] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("id", "asset_id", "site_id", "timestamp", "event_type", "severity", "message")
    ID_FIELD_NUMBER: _ClassVar[int]
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    SITE_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    id: str
    asset_id: str
    site_id: str
    timestamp: str
    event_type: str
    severity: str
    message: str
    def __init__(self, id: _Optional[str] = ..., asset_id: _Optional[str] = ..., site_id: _Optional[str] = ..., timestamp: _Optional[str] = ..., event_type: _Optional[str] = ..., severity: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class BootstrapRequest(_message.Message):
    __slots__ = ("asset_ids",)
    ASSET_IDS_FIELD_NUMBER: _ClassVar[int]
    asset_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, asset_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class AssetBootstrap(_message.Message):
    __slots__ = ("asset_id", "telemetry", "setpoint")
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    TELEMETRY_FIELD_NUMBER: _ClassVar[int]
    SETPOINT_FIELD_NUMBER: _ClassVar[int]
    asset_id: str
    telemetry: Telemetry
    setpoint: Setpoint
    def __init__(self, asset_id: _Optional[str] = ..., telemetry: _Optional[_Union[Telemetry, _Mapping]] = ..., setpoint: _Optional[_Union[Setpoint, _Mapping]] = ...) -> None: ...

class BootstrapResponse(_message.Message):
    __slots__ = ("assets", "headend_time_us")
    ASSETS_FIELD_NUMBER: _ClassVar[int]
    HEADEND_TIME_US_FIELD_NUMBER: _ClassVar[int]
    assets: _containers.RepeatedCompositeFieldContainer[AssetBootstrap]
    headend_time_us: int
    def __init__(self, assets: _Optional[_Iterable[_Union[AssetBootstrap, _Mapping]]] = ..., headend_time_us: _Optional[int] = ...) -> None: ...
