"""Speed as ratios against named baselines, both sides taking turns in one run."""
