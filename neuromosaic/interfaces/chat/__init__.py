"""`neuromosaic chat`: a conversation about one run and its forks. Everything said is in the run."""
