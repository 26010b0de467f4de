from __future__ import annotations

import subprocess
import sys

import afterbay.profiles as package


def test_importing_the_package_imports_no_heavy_library() -> None:
    code = "import sys, afterbay.profiles as p; print(*sorted(sys.modules))"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    modules = set(loaded.stdout.split())
    assert "afterbay.profiles.files" in modules
    assert modules.isdisjoint({"pandas", "pvlib", "demandlib", "pyarrow", "scipy", "h5py"})


def test_every_public_name_is_there_and_documented() -> None:
    for name in package.__all__:
        value = getattr(package, name)
        assert value is not None
        if callable(value):
            assert value.__doc__, name
    assert "ImportReport" in str(package.__doc__)
