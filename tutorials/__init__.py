"""Chapters that join minidl, ensembles and attacks; nothing imports them."""
