"""`python -m neuromosaic` is `neuromosaic`."""

from neuromosaic.interfaces.cli import main

main()
