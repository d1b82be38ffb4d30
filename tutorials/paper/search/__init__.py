"""The search for the settings that the paper leaves open."""
