"""Micro spaces: a cell of nodes, edges and operations, of which a network stacks copies."""
