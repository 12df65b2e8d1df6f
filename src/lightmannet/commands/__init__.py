"""The commands, one file each; ``VERBS`` maps them to functions, so that only the requested one is imported."""

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
    "spot": "lightmannet.commands.spot:spot_videos",
    "spot-test": "lightmannet.commands.spot_test:spot_test",
    "spot-train": "lightmannet.commands.spot_test:spot_train",
    "motion": "lightmannet.commands.motion:motion",
    "class-means": "lightmannet.commands.class_means:class_means",
    "demo": "lightmannet.commands.demo:demo",
    "bench": "lightmannet.timing.meta_step:bench",
    "bench-gpu": "lightmannet.timing.gpu:bench_gpu",
    "bench-data": "lightmannet.timing.data:bench_data",
    "bench-answer": "lightmannet.timing.answer:bench_answer",
}
LIGHTNING = {
    "fit": "Train a method.",
    "validate": "Score a checkpoint on the validation people.",
    "test": "Score a checkpoint on the fold's test people.",
    "predict --config|--ckpt_path": "Write a checkpoint's predictions for the fold's test people.",
}
"""Lightning's verbs."""
ONE_THREAD = frozenset({"export", "predict", "spot", "spot-test", "spot-train", "sweep"})
"""Verbs that use one torch thread unless ``OMP_NUM_THREADS`` is set, as Lightning's verbs do on a CPU."""
PARSES_ITSELF = frozenset({"databases check", "demo", "motion", "predict", "spot", "synthesize"})
"""Verbs whose function takes the list of arguments; the others' options are the function's parameters."""
