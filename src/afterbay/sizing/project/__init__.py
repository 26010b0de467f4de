"""A study as one file: what is there, how it may run, which sizes to try and what to aim at.

`load_project` reads YAML or JSON with the keys of the sizing plan, in percent and megawatts, checks all of it
at once, and gives what `sweep` and `calculate_recommendations` need.
"""

from afterbay.sizing.project.model import Project, load_project, params_of_config, profile_hash

__all__ = ["Project", "load_project", "params_of_config", "profile_hash"]
