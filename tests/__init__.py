"""A package, because learn2learn installs one of the same name that would hide the helpers beside these tests."""
