"""Histories of other programs, one file each."""
