"""Many runs of one method, which differ in fold and seed alone, trained as one batched problem."""
