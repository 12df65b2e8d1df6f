"""What comes after the score: summaries, plots and pages of finished results."""
