import subprocess
import sys

HEAVY = {"torch", "torchmetrics", "sklearn"}


def test_the_hosts_modules_load_no_heavy_library_before_it_is_used() -> None:
    modules = ", ".join(
        f"neuromosaic.core.evaluation.{name}" for name in ("trial", "intervals", "hardware", "baselines")
    )
    code = f"import sys, {modules}; print(*{HEAVY!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
