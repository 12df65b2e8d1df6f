"""Networks: plain modules, no Lightning."""
