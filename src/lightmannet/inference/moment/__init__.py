"""When a face moves: from the frames of a video to intervals, each with a score and a kind."""
