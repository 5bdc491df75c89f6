"""Workers that never ran proposed Python: they rebuild graphs and run what is scored."""
