"""Samples as a faulty, old, new or malicious agent may send them, and frames of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import strategies as st

from afterbay.fleet.wire import agent_pb2 as pb
from afterbay.fleet.wire.frame import FrameSamples, read_frame

__all__ = ["frame_of", "raw_batch", "wild_samples"]

_DOUBLES = st.sampled_from([0.0, -0.0, 1.5, -20.25, 1e300, 5e-324]) | st.floats()
_WORDS = st.sampled_from(["", "discharging", "a\x00b", "ü" * 120, "x" * 200, "x" * 201, "\u20ac"])
_PLAIN_WORDS = st.sampled_from(["", "discharging", "ü" * 100, "x" * 200])
_WITH_DETAILS = ("voltage_v", "current_a", "dc_bus_v", "dc_bus_a", "temperature_module_f", "temperature_ambient_f",
                 "storage", "pv")  # fmt: skip
_NAMES = st.sampled_from(["loss_mwh", 'in "quotes"', "", "a", "b", "\x01", "n" * 127, "n" * 128, "ü", "nul\x00"])
_NUMBERS = st.sampled_from([0, 1, 2, 7, 2**31, 2**63 - 1]) | st.integers(0, 2**63 - 1)
_TIMES = st.sampled_from([1, 1_763_723_000_000_000, 253_402_300_799_999_999])


def wild_samples(asset_ids: Sequence[str], seqs: st.SearchStrategy[int] = _NUMBERS) -> st.SearchStrategy[pb.Telemetry]:
    """Return samples of these assets that have a readable time, with everything else as it may come."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for field in pb.Telemetry.DESCRIPTOR.fields:
        if field.type == field.TYPE_DOUBLE:
            fields[field.name] = _DOUBLES
        elif field.type == field.TYPE_STRING:
            fields[field.name] = _WORDS
    fields |= {
        "site_id": st.sampled_from(["", asset_ids[0], asset_ids[0].upper(), "{" + asset_ids[0] + "}", "Q" * 36]),
        "asset_type": st.sampled_from(["", "storage", "pv", "wind", "ev", "tide", "pw"]),
        "timestamp": st.sampled_from(["", "2026-11-21T08:00:00Z"]),
        "quality": st.integers(-3, 7),
        "origin": st.integers(-3, 7),
        "offline": st.booleans(),
        "cycle_count": st.integers(0, 2**64 - 1),
        "storage": st.just(pb.StorageFields(dc_voltage_v=800.0)),
        "pv": st.just(pb.PvFields(inverter_state="ü")),
        "extras": st.just({"fan": pb.TelemetryValue(bool=True)}),
    }
    needed: dict[str, st.SearchStrategy[Any]] = {
        "asset_id": st.sampled_from(asset_ids),
        "seq": seqs,
        "timestamp_us": _TIMES,
    }
    wild = {name: values for name, values in fields.items() if name not in needed}
    plain = wild | dict.fromkeys(("status", "fault_code", "limited_by", "lease_id"), _PLAIN_WORDS)
    plain["site_id"] = st.sampled_from(["", asset_ids[0], asset_ids[0].upper()])
    plain["extras"] = st.dictionaries(_NAMES, _DOUBLES.map(_extra), max_size=9)
    for name in _WITH_DETAILS:
        del plain[name]
    # Half of them have nothing that compiled code leaves to Python.
    return (st.fixed_dictionaries(needed, optional=wild) | st.fixed_dictionaries(needed, optional=plain)).map(
        _telemetry
    )


def _extra(value: float) -> pb.TelemetryValue:
    return pb.TelemetryValue(f64=value)


def _telemetry(values: dict[str, Any]) -> pb.Telemetry:
    return pb.Telemetry(**values)


def raw_batch(samples: Iterable[pb.Telemetry], batch_seq: int = 1, *, replay: bool = False) -> bytes:
    """Return a batch as it goes over the wire."""
    batch = pb.TelemetryBatch(samples=list(samples), batch_seq=batch_seq, replay=replay)
    raw: bytes = pb.AgentToHeadend(telemetry_batch=batch).SerializeToString()
    return raw


def frame_of(samples: Iterable[pb.Telemetry]) -> FrameSamples:
    """Return the samples as a frame."""
    frame = read_frame(raw_batch(samples))
    assert frame is not None
    return frame.samples
