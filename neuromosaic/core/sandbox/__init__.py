"""The only place where proposed Python runs: children of a warm process, each locked before it sees any of it."""
