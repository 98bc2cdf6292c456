"""Comparisons: read what is asked of a grid, find the papers meant, fill its cells and sum it up."""
