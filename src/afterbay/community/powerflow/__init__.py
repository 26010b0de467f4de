"""Voltages and line loading of a chosen day, by power flow over the network that a grid was made of.

Needs pandapower (`pip install "afterbay[powerflow]"`), which is imported only when a day is solved.
"""

from afterbay.community.powerflow.day import check_day, solve_network
from afterbay.community.powerflow.limits import NOTES, PowerFlowLimits, Violation
from afterbay.community.powerflow.result import PowerFlowDay

__all__ = ["NOTES", "PowerFlowDay", "PowerFlowLimits", "Violation", "check_day", "solve_network"]
