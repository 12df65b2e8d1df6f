"""Tables of methods × folds × seeds, from runs to Markdown, and the timing of a meta-step."""
