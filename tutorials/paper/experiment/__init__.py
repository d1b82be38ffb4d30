"""From a configuration to finished work: settings, members, attacks."""
