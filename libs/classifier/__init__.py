"""What a prompt asks of a model, read from its words on the CPU: task family, difficulty, length, and the quality to expect of each model."""
