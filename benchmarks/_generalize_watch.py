"""Run a command and say what it took: ``python _generalize_watch.py OUT.json COMMAND …``.

Linux counts the memory of the process that starts a program towards the peak of that program.
This one needs the standard library only, so that the peak it reports is the command's own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    """Run, write seconds and megabytes, and end like the command did."""
    out, command = Path(sys.argv[1]), sys.argv[2:]
    began = time.perf_counter()
    child = subprocess.Popen(command)
    # Unlike RUSAGE_CHILDREN this cannot mix in anything but the command and what it started.
    _, status, used = os.wait4(child.pid, 0)
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    found = {
        "cpu_s": used.ru_utime + used.ru_stime,
        "wall_s": time.perf_counter() - began,
        "peak_mb": used.ru_maxrss * unit / 1e6,
    }
    out.write_text(json.dumps(found), encoding="utf-8")
    sys.exit(0 if status == 0 else 1)


if __name__ == "__main__":
    main()
