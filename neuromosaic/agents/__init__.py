"""The roles at work: each function asks one question and checks the reply beyond its type. They know no workflow."""
