"""LightmanNet: meta-auxiliary learning for micro-expression recognition, as Lightning modules."""
