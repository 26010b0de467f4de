"""The worker: takes jobs from the queue, runs their bodies, keeps what others may rely on."""
