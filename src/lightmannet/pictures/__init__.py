"""An answer for people: a picture, a page, an annotated film, and a local page to drop clips on."""
