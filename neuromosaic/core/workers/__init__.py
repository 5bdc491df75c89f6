"""Processes of ours: how they are started, what they are told and what they can do."""
