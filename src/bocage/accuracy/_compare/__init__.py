"""Two maps compared after a crosswalk."""

from bocage.accuracy._compare._files import compare_files
from bocage.accuracy._compare._result import Comparison
from bocage.accuracy._compare._run import compare

__all__ = ["Comparison", "compare", "compare_files"]
