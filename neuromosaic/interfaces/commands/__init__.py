"""The commands as declared, in the order in which --help lists them; each one's work is loaded when it is called."""

from neuromosaic.interfaces.commands import designing, runs, setting_up, results  # noqa: I001 - the order of --help
from neuromosaic.interfaces.commands.options import app

__all__ = ["app", "designing", "results", "runs", "setting_up"]
