"""Frames of clips: reading image folders and video files, cropping faces."""
