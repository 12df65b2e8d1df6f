"""How a network learns from one task: gradient steps, or a head in closed form or fitted to convergence."""
