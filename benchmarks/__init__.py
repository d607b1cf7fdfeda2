"""Speed and memory beside the bare libraries, in one run, as ratios."""
