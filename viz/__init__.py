"""What can be computed about a network and drawn: methods from tensor to tensor, and figures from numbers."""
