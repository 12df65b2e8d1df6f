"""The commands, one file each; ``VERBS`` names the function of each, so that only the one that is run is imported."""

VERBS = {
    "table": "lightmannet.commands.table:table",
    "methods": "lightmannet.commands.methods:methods",
    "databases": "lightmannet.commands.databases:databases",
    "databases check": "lightmannet.commands.check_database:check",
    "check-release": "lightmannet.commands.check_release:check_release",
    "synthesize": "lightmannet.commands.synthesize:synthesize",
    "sweep": "lightmannet.commands.sweep:sweep",
    "export": "lightmannet.commands.export:export",
    "predict": "lightmannet.commands.predict:predict",
    "motion": "lightmannet.commands.motion:motion",
    "demo": "lightmannet.commands.demo:demo",
    "bench": "lightmannet.timing.meta_step:bench",
    "bench-data": "lightmannet.timing.data:bench_data",
    "bench-answer": "lightmannet.timing.answer:bench_answer",
}
LIGHTNING = {
    "fit": "Train a method.",
    "validate": "Score a checkpoint on the people set aside from training.",
    "test": "Score a checkpoint on the fold's test people.",
    "predict --config|--ckpt_path": "Write a checkpoint's answers for the fold's test people.",
}
"""Lightning's verbs."""
ONE_THREAD = frozenset({"export", "predict", "sweep"})
"""Verbs that compute with one thread of torch unless ``OMP_NUM_THREADS`` says how many, as Lightning's do on a CPU."""
PARSES_ITSELF = frozenset({"databases check", "demo", "motion", "predict", "synthesize"})
"""Verbs whose function takes the list of arguments; the others' options are those of the function."""
