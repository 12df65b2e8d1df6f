"""From a user's own clip to an answer: bundles, spotted intervals, warnings, pictures."""
